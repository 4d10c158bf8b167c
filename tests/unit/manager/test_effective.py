"""The keys of a service, with who wrote them."""

from __future__ import annotations

from snowfox.core.config.registry import Sections
from snowfox.core.config.source import File, Sources
from snowfox.manager.effective import effective
from snowfox.manager.source import check
from snowfox.testing.configuration import checked

TEXT = """\
[defaults]
log = { size = "20M" }

[socket.front]
listen = "unix:front.sock"

[template.python]
stop.grace = "4s"
environment.A = "1"

[service.web]
command = "sh -c 'a \\"b\\"'"
extends = "python"
sockets = ["front"]
environment.B = "2"
restart.limit = 5
ready = { tcp = "127.0.0.1:80" }
secrets.KEY = { file = "key" }

[service.job]
command = "job"
type = "task"
"""


def test_written_keys() -> None:
    """Tables are flat, values as they are written; who wrote it is told, also where it is the default."""
    found = checked(TEXT)
    web = effective(found.require().services["web"], found)
    assert [one for one in web if one.origin != "default"] == [
        ("command", '["sh", "-c", "a \\"b\\""]', "snowfox.toml:12"),
        ("environment.A", '"1"', "template python snowfox.toml:9"),
        ("environment.B", '"2"', "snowfox.toml:15"),
        ("sockets", '["front"]', "snowfox.toml:14"),
        ("ready.tcp", '"127.0.0.1:80"', "snowfox.toml:17"),
        ("restart.limit", "5", "snowfox.toml:16"),
        ("stop.grace", "4s", "template python snowfox.toml:8"),
        ("log.size", "20M", "[defaults] snowfox.toml:2"),
        ("secrets.KEY.file", f'"{found.require().folder}/key"', "snowfox.toml:18"),
        ("extends", '"python"', "snowfox.toml:13"),
    ]


def test_defaults() -> None:
    """What nobody wrote is the default, also where that depends on something else; what is no key is not there."""
    found = checked(TEXT)
    services = found.require().services
    web = {one.key: one for one in effective(services["web"], found)}
    job = {one.key: one for one in effective(services["job"], found)}
    assert web["replace"] == ("replace", '"rolling"', "default")
    assert web["type"] == ("type", '"service"', "default")
    assert job["type"] == ("type", '"task"', "snowfox.toml:22")
    assert job["restart.when"] == ("restart.when", '"never"', "default")
    assert {"name", "owner", "folder", "ready.http"}.isdisjoint(web)


def test_a_procfile() -> None:
    """It tells no lines: what is not the default is of the file."""
    found = check(Sources("/srv", (File("Procfile", "web: ./web\n", 0),)), Sections())
    keys = {one.key: one.origin for one in effective(found.require().services["web"], found)}
    assert (keys["command"], keys["environment.PORT"], keys["restart.when"]) == (
        "Procfile",
        "Procfile",
        "default",
    )
