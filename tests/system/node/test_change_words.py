"""What commands say of changes of the configuration, on whole nodes."""

from __future__ import annotations

import json
import os
import signal

from snowfox.testing.node import Node
from snowfox.testing.world import free_ports

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


BEHIND = """
[service.cache]
command = ["sleep", "1001"]
directory = "/"

[service.web]
command = ["sleep", "1002"]
directory = "/"
requires = ["cache"]

[service.other]
command = ["sleep", "1003"]
directory = "/"
"""


def test_what_goes_away_with_another(node: Node) -> None:
    """Who requires what is restarted is restarted too: the plan names it, the end counts it, and so it happens."""
    node.write(BEHIND)
    node.good("up", "-d")
    before = {name: one.pid for name, one in node.running().items()}
    node.write(BEHIND.replace("1001", "1011"))
    told = node.good("plan")
    assert " = 1 kept\n" in told
    assert "order: cache · web\n" in told
    assert "\naway: cache about " in told and ", web about " in told
    assert " is in force: 1 replaced, 1 restarted, 1 kept · " in node.good("apply").splitlines()[-1]
    after = {name: one.pid for name, one in node.running().items()}
    assert {name for name in after if after[name] != before[name]} == {"cache", "web"}
    old = node.processes()["manager"]
    node.kill("manager")
    node.until(lambda: node.processes().get("manager", old) != old, "another manager")
    node.until(lambda: node.run("plan").code == 0, "it has begun")
    node.write(BEHIND)
    assert " s, as measured before · all of it can be undone\n" in node.good("plan")


SHOWN = """
[defaults]
log.size = "1M"

[service.web]
command = ["sh", "-c", "echo one; echo two; exec sleep 1001"]
directory = "/"
environment.DEBUG = "0"
secrets.TOKEN = { file = "secrets/token" }
restart.limit = 9
"""


def test_show_and_env(node: Node) -> None:
    """Keys with who wrote them, also after the file is gone; ends with their words; output; secrets by their place only."""
    node.write(SHOWN)
    secret = node.folder / "secrets" / "token"
    secret.parent.mkdir(mode=0o700)
    secret.write_text("hunter2")
    secret.chmod(0o600)
    node.good("up", "-d")
    node.write(SHOWN.replace('DEBUG = "0"', 'DEBUG = "1"'))
    node.good("apply")
    (node.folder / "snowfox.toml").unlink()
    os.kill(node.running()["web"].pid, signal.SIGKILL)
    node.until(lambda: node.status()["web"]["restarts"] == 1, "web is back")
    node.until(lambda: node.good("show", "web").endswith(" | two\n"), "it printed")
    lines = node.good("show", "web").splitlines()
    assert [line.split() for line in lines[4:8]] == [
        ["environment.DEBUG", '"1"', "snowfox.toml:8"],
        ["restart.limit", "9", "snowfox.toml:10"],
        ["log.size", "1M", "[defaults]", "snowfox.toml:3"],
        ["secrets.TOKEN.file", f'"{secret}"', "snowfox.toml:9"],
    ]
    exits = lines[lines.index("last exits:") + 1 : lines.index("last lines:")]
    assert len(exits) == 2
    assert exits[0].endswith("  web      killed by signal 9 (KILL), not by us")
    assert exits[1].endswith(", asked for")
    assert "log.keep" not in "".join(lines)
    assert "   log.keep " in node.good("show", "web", "--all")
    found = node.good("env", "web")
    assert f"TOKEN  (secret, from {secret})" in found.splitlines()
    assert "hunter2" not in found + "".join(lines)
    json.loads(node.good("env", "web", "--json"))


def listening(*names_and_addresses: tuple[str, str]) -> str:
    """A service with these sockets."""
    sockets = "".join(f'[socket.{name}]\nlisten = "{address}"\n' for name, address in names_and_addresses)
    names = json.dumps([name for name, _ in names_and_addresses])
    return f'{sockets}[service.web]\ncommand = ["sleep", "1001"]\ndirectory = "/"\nsockets = {names}\n'


def test_an_address_that_is_still_held(node: Node) -> None:
    """Widened, or under another name: refused with what holds it and what to do, which then works."""
    (port,) = free_ports(1)
    narrow, wide = f"127.0.0.1:{port}", f"0.0.0.0:{port}"
    node.write(listening(("front", narrow)))
    node.good("up", "-d")
    rule = "   what goes ends only after all else is ready: "
    for text, before, advice in (
        (listening(("front", wide)), narrow, f"apply without {narrow} first"),
        (listening(("rear", wide)), wide, "apply without socket front first, or keep its name"),
    ):
        node.write(text)
        for verb in ("plan", "apply"):
            done = node.run(verb)
            held = f"   held by socket front of this node ({before})\n{rule}{advice}\n"
            assert (done.code, held in done.text) == (3, True), done.text
        for one in (listening(), text):
            node.write(one)
            node.good("apply")
