"""Where a change is read from."""

import pytest

from snowfox.core.config.source import File, Sources
from snowfox.errors import ConfigurationRefused
from snowfox.manager.change.options import Options
from snowfox.manager.change.where import name_of, origin
from snowfox.testing.changing import FOLDER, PlayedHost, PlayedManager
from snowfox.testing.clock import VirtualClock

FIRST = """
[service.web]
command = ["web"]
"""


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/srv/shop", ""),
        ("/srv/shop/", ""),
        ("/srv/shop/my.toml", "my.toml"),
        ("/srv/shop/snowfox.toml", "snowfox.toml"),
        ("/srv/shop/node.toml", "node.toml"),
        ("/srv/shop/Procfile", "Procfile"),
        ("git:/srv/shop@main", "git:main"),
    ],
)
def test_what_it_reads(source: str, name: str) -> None:
    """What it was started with, a main file of its folder, whichever it has, or a point of its history."""
    assert name_of(source, root="/srv/shop", configuration="my.toml") == name


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("/srv/shop/other.toml", "a node reads node.toml, snowfox.toml, Procfile of its folder, "),
        ("/srv/shop/production.env", "a node reads node.toml, snowfox.toml, Procfile of its folder, "),
        (
            "/srv/shop/services/a/web.toml",
            "a node reads node.toml, snowfox.toml, Procfile of its folder, ",
        ),
        ("/srv/shop/next/snowfox.toml", "this node is that of /srv/shop"),
        ("/srv/shopping/my.toml", "this node is that of /srv/shop"),
        ("/etc", "this node is that of /srv/shop"),
        ("git:/srv@main", "this node is that of /srv/shop"),
    ],
)
def test_what_it_does_not_read(source: str, why: str) -> None:
    """Other files of its folder are told from other folders."""
    with pytest.raises(ConfigurationRefused) as refused:
        name_of(source, root="/srv/shop", configuration="my.toml")
    assert str(refused.value).startswith(f"cannot read {source}: {why}")
    assert refused.value.hint


def test_where_files_came_from() -> None:
    """The main one, or the point of the repository."""
    files = (File("Procfile", "", 0), File(".env", "", 0))
    assert origin(Sources("/srv/shop", files)) == "Procfile"
    assert origin(Sources("/srv/shop", files, "main", "c" * 40)) == "git:main"


async def test_without_a_path(clock: VirtualClock) -> None:
    """It is read from where the version in force came from, after whatever was applied or taken back; the folder is looked through."""
    host = PlayedHost()
    manager = await PlayedManager.begun(clock, host, FIRST)
    changes = manager.node.changes

    async def read(source: str) -> str:
        await changes.plan(source)
        return [one for one in host.asked if one.startswith("read ")][-1]

    async def apply(source: str) -> None:
        host.text += "\n"
        operation = changes.apply(source, Options(), who="anna")
        assert (await manager.end(operation)).code == 0

    assert await read("") == "read snowfox.toml"
    for source, place in (
        (f"git:{FOLDER}@main", "git:main"),
        (FOLDER, "snowfox.toml"),
    ):
        await apply(source)
        assert await read("") == f"read {place}"
    await manager.end(manager.back())
    assert await read("") == "read git:main"
    await manager.close()
