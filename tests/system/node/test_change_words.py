"""What commands say of changes of the configuration, on whole nodes."""

from __future__ import annotations

from snowfox.testing.node import Node

FIRST = """
[socket.front]
listen = "unix:front.sock"

[service.web]
command = ["sleep", "1001"]
directory = "/"
sockets = ["front"]

[service.old]
command = ["sleep", "1002"]
directory = "/"
"""
NEW = FIRST.replace("service.old", "service.new")
BAD = NEW.replace('["sleep", "1002"]', '["false"]')


def test_how_an_apply_ended(node: Node) -> None:
    """What was done, how long it took, how to go back; nothing to go back from where nothing changed."""
    node.write(FIRST)
    node.good("up", "-d")
    last = node.good("apply").splitlines()[-1]
    assert last.endswith(" is in force already: nothing changed")
    node.write(NEW)
    last = node.good("apply").splitlines()[-1]
    assert " is in force: 1 created, 1 removed, 2 kept · " in last
    assert last.endswith(" s · snowfox rollback  goes back")
    node.write(FIRST)
    last = node.good("apply", "--confirm", "10m").splitlines()[-1]
    assert last.endswith(" s · goes back after 10m unless  snowfox confirm")


def test_why_it_was_rolled_back(node: Node) -> None:
    """The exit of the new one, not of what goes on; and what may be the matter where something else was to go."""
    node.write(FIRST)
    node.good("up", "-d")
    node.write(FIRST.replace('["sleep", "1001"]', '["false"]'))
    done = node.run("apply")
    assert done.code == 4
    assert ": web did not get ready: exit 1 after " in done.err
    assert "what is removed" not in done.err
    assert "replacement" not in done.text
    node.write(BAD)
    done = node.run("apply")
    assert done.code == 4
    advice, last = done.err.splitlines()
    assert advice == (
        "what is removed goes only once all else is ready: if new needs a port of old, apply that removal alone first"
    )
    assert ": new did not get ready: exit 1 after " in last
