"""The environment of a launch, for people."""

from __future__ import annotations

from snowfox.contract.manager import Variable
from snowfox.contract.spawner import Launch, Secret
from snowfox.manager.variables import variables


def launch(environment: dict[str, str], sockets: list[str], secrets: list[Secret]) -> Launch:
    """One with these."""
    names = [key.partition("=")[0] for key in sockets]
    return Launch("web~1", "x", ["x"], environment, "/", "", sockets, names, secrets=secrets)


def test_what_is_written() -> None:
    """By name; without sockets nothing says that there are any."""
    found = variables(launch({"B": "2", "A": "", "LISTEN_FDS": "9"}, [], []))
    assert found == [Variable("A", ""), Variable("B", "2")]


def test_sockets() -> None:
    """As sd_listen_fds(3) has them; the pid is not known before."""
    assert variables(launch({}, ["front=:80", "front=:81", "back=:82"], [])) == [
        Variable("LISTEN_FDNAMES", "front:front:back"),
        Variable("LISTEN_FDS", "3"),
        Variable("LISTEN_PID", "", "the pid of its process"),
    ]


def test_secrets() -> None:
    """Where each comes from; of one that is a descriptor which it is: behind the sockets, in the order of the file."""
    secrets = [
        Secret("C", "/srv/c", "descriptor"),
        Secret("A", "/srv/a"),
        Secret("B", "/srv/b", "file"),
    ]
    found = variables(launch({"A": "written"}, ["front=:80"], secrets))
    assert [one for one in found if not one.name.startswith("LISTEN")] == [
        Variable("A", "", "secret, from /srv/a"),
        Variable("B", "/proc/self/fd/5", "secret, from /srv/b"),
        Variable("C", "4", "secret, from /srv/c"),
    ]
