"""From what layers say to a service."""

from snowfox.service.making import make_service
from snowfox.service.requirement import Required
from snowfox.service.spec import Restart, Secret, Service


def test_defaults():
    """What nobody says has its default; a command that is missing is no words."""
    assert make_service("a", {}, owner=7, folder="") == Service("a", (), owner=7)


def test_task():
    """A task is not tried again unless somebody says so."""
    assert make_service("a", {"type": "task"}, owner=0, folder="").restart == Restart(when="never")
    said = {"type": "task", "restart": {"when": "always"}}
    assert make_service("a", said, owner=0, folder="").restart == Restart(when="always")


def test_what_is_made_of_others():
    """Names once each, secrets in the order of their names, a rolling replacement where there are sockets."""
    made = make_service(
        "a",
        {
            "requires": (Required("x"), Required("y", "restart"), Required("x")),
            "wants": ("w", "w"),
            "conflicts": ("c", "c"),
            "labels": ("l", "l"),
            "sockets": ("s",),
            "secrets": {"B": {"file": "/b"}, "A": {"file": "/a", "as_": "file"}},
        },
        owner=0,
        folder="/srv/a",
    )
    assert (made.requires, made.labels, made.replacement, made.folder) == (
        ("x", "y"),
        ("l",),
        "rolling",
        "/srv/a",
    )
    assert (made.on_restart, made.wants, made.conflicts) == ({"y": "restart"}, ("w",), ("c",))
    assert made.secrets == (Secret("A", "/a", "file"), Secret("B", "/b", "environment"))
