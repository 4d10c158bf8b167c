"""The files of the configuration, through the daemon."""

import os
from pathlib import Path

import pytest

from snowfox.contract.control import Source
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.rpc.interface import Descriptor
from snowfox.errors import ConfigurationRefused, StoreError
from snowfox.manager.source import check, differs, fetch, pack, unpack


class Daemon:
    """Opens files of a folder, as the daemon does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def open_source(self, name: str) -> Source | None:
        """A file of the folder."""
        path = self.folder / name
        if not path.exists():
            return None
        return Source(name, Descriptor(os.open(path, os.O_RDONLY), LinuxPosix()), os.getuid())


async def read(folder: Path, name: str = "snowfox.toml"):
    """Its configuration."""
    daemon: object = Daemon(folder)
    return await fetch(daemon, LinuxPosix(), folder=str(folder), name=name)  # type: ignore[arg-type]


async def test_what_is_stored_is_what_was_read(tmp_path: Path) -> None:
    """A restarted manager checks the very bytes of the first one, whatever the file says by then."""
    (tmp_path / "snowfox.toml").write_text('[service.web]\ncommand = "true"\n')
    sources = await read(tmp_path)
    assert unpack(pack(sources)) == sources
    assert list(check(sources).require().services) == ["web"]
    assert check(unpack(pack(sources))).require().version == sources.version()


async def test_a_procfile_comes_with_its_environment(tmp_path: Path) -> None:
    """Files beside the main one are read where they are there."""
    (tmp_path / "Procfile").write_text("web: true\n")
    assert len((await read(tmp_path, "Procfile")).files) == 1
    (tmp_path / ".env").write_text("A=1\n")
    assert [file.name for file in (await read(tmp_path, "Procfile")).files] == ["Procfile", ".env"]


async def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    """By name, and nothing is left open."""
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ConfigurationRefused, match="it is gone"):
        await read(tmp_path)
    (tmp_path / "snowfox.toml").write_bytes(b"\0")
    with pytest.raises(ConfigurationRefused, match="binary"):
        await read(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before


async def test_changed_files_differ(tmp_path: Path) -> None:
    """Another text, or no file any more, differs; the same text does not."""
    file = tmp_path / "snowfox.toml"
    file.write_text("")
    sources = await read(tmp_path)
    daemon: object = Daemon(tmp_path)
    assert not await differs(daemon, LinuxPosix(), sources)  # type: ignore[arg-type]
    file.write_text("# changed\n")
    assert await differs(daemon, LinuxPosix(), sources)  # type: ignore[arg-type]
    file.unlink()
    assert await differs(daemon, LinuxPosix(), sources)  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"folder": 1}', b"\xff"])
def test_a_damaged_store_is_an_error_of_its_own(content: bytes) -> None:
    """Not a stack trace."""
    with pytest.raises(StoreError):
        unpack(content)
