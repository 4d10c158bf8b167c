"""Our processes killed at each phase of a change: the node is at the version before or at the one after, and says why.

The phases are held by a gate that the test opens, so that none is missed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import pytest

from snowfox.testing.node import Node, alive
from snowfox.testing.world import MARK, Gate, free_ports, is_free, listeners, processes

ALL: Final = ("daemon", "spawner", "manager")
KILLED: Final = [("manager",), ("spawner",), ("daemon",), ALL]
PHASES: Final = ["before launch", "getting ready", "undoing", "retiring"]


class Ports(NamedTuple):
    """Of the socket that stays, the one that goes, the one that is new."""

    stays: int
    goes: int
    comes: int


def service(node: Node, name: str, command: str, *lines: str, value: str = "1") -> str:
    """A service that can be found in /proc by name and value."""
    environment = f'{{ {MARK} = "{node.folder}", WHO = "${{SERVICE}}@${{INSTANCE}}", VALUE = "{value}" }}'
    more = "\n".join(lines)
    return f'[service.{name}]\ncommand = {command}\ndirectory = "/"\nenvironment = {environment}\n{more}\n'


SLEEP: Final = '["sleep", "1000"]'


def stubborn(file: Path) -> str:
    """Ends when it is told to only once there is this file."""
    loop = f"touch {file}.set; until test $told && test -e {file}; do sleep 0.02; done"
    return f"""["sh", "-c", "trap told=1 TERM; {loop}"]"""


def before(node: Node, gate: Gate, ports: Ports) -> str:
    """The first version."""
    return "\n".join(
        (
            f'[socket.stays]\nlisten = "127.0.0.1:{ports.stays}"\n[socket.goes]\nlisten = "127.0.0.1:{ports.goes}"\n',
            service(node, "keep", SLEEP, "instances = 2"),
            service(node, "web", SLEEP, gate.ready, 'sockets = ["stays"]'),
            service(node, "solo", SLEEP, gate.ready, "restart = { limit = 1 }"),
            service(
                node, "gone", stubborn(node.folder / "let"), 'sockets = ["goes"]', 'stop = { grace = "60s" }'
            ),
        )
    )


def after(node: Node, gate: Gate, ports: Ports, phase: str) -> str:
    """The other one, that comes to a halt in this phase."""
    waits = gate.ready if phase == "getting ready" else ""
    comes = gate.ready if phase == "before launch" else ""
    solo = '["false"]' if phase == "undoing" else SLEEP
    solo_ready = gate.ready if phase == "undoing" else ""
    return "\n".join(
        (
            f'[socket.stays]\nlisten = "127.0.0.1:{ports.stays}"\n[socket.comes]\nlisten = "127.0.0.1:{ports.comes}"\n',
            service(node, "keep", SLEEP, "instances = 2"),
            service(node, "comes", SLEEP, comes, 'sockets = ["comes"]', value="2"),
            service(node, "web", SLEEP, waits, 'sockets = ["stays"]', 'requires = ["comes"]', value="2"),
            service(node, "solo", solo, solo_ready, "restart = { limit = 1 }", value="2"),
        )
    )


def arrived(node: Node, phase: str) -> bool:
    """Whether the change has come to this phase."""
    there = [(one.environment["WHO"], one.environment["VALUE"]) for one in processes(node.folder)]
    match phase:
        case "before launch":
            return ("comes@1", "2") in there and ("web@1", "2") not in there
        case "getting ready":
            return ("web@1", "2") in there
        case "undoing":
            return ("solo@1", "1") in there and node.status()["solo"]["state"] == "starting"
        case _:
            return node.status().get("gone", {}).get("state") == "stopping"


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("killed", KILLED, ids="+".join)
def test_killed(node: Node, killed: tuple[str, ...], phase: str) -> None:
    """One version or the other is there whole: each instance once, each socket once, `status` says why."""
    ports, let = Ports(*free_ports(3)), node.folder / "let"
    node.folder.chmod(0o777)
    with Gate() as gate:
        old, new = before(node, gate, ports), after(node, gate, ports, phase)
        node.write(old)
        node.good("up", "-d")
        node.until(let.with_name("let.set").exists, "the trap is set")
        first = node.running()
        socket = listeners(ports.stays)
        gate.close()
        node.write(new)
        former_solo = first["solo"].pid
        with node.begin("apply") as command:
            if phase == "undoing":
                node.until(lambda: not alive(former_solo), "solo was stopped")
            try:
                node.until(lambda: arrived(node, phase), f"the change is {phase}")
                node.kill(*killed)
            finally:
                gate.open()
                let.touch()
                told = command.communicate(timeout=30)[0]
                print(told)
        if "daemon" in killed:  # a new one begins with what the files say: the version after
            node.until(lambda: not set(killed) & set(node.processes()), "they are gone")
            assert node.run("up", "-d").code == (phase == "undoing")
        is_broken = "daemon" in killed and phase == "undoing"
        node.until(lambda: node.run("status").code == (3 if is_broken else 0), "settled")
        status = node.run("status").out
        is_new = "comes" in node.running()
        expected = {"keep@1": "1", "keep@2": "1", "web@1": "1", "solo@1": "1", "gone@1": "1"}
        if is_new:
            expected = {"keep@1": "1", "keep@2": "1", "web@1": "2", "solo@1": "2", "comes@1": "2"}
        if is_broken:
            del expected["solo@1"]
        node.until(lambda: there(node) == sorted(expected.items()), f"only {expected} runs\n{told}\n{status}")
        now = node.running()
        stay = ("keep@1", "keep@2") if is_new or phase == "undoing" else ("keep@1", "keep@2", "web", "gone")
        assert {name: now[name] for name in stay} == {name: first[name] for name in stay}
        assert listeners(ports.stays) == socket
        assert is_free(ports.goes) is is_new, status
        assert is_free(ports.comes) is not is_new, status
        if "manager" in killed or "daemon" in killed:
            assert is_new is (phase == "retiring" or "daemon" in killed)
            assert "was interrupted" in status, status


def there(node: Node) -> list[tuple[str, str]]:
    """Instances and their values, of all processes that run, twins twice; what they run beside themselves not."""
    return sorted(
        (one.environment["WHO"], one.environment["VALUE"])
        for one in processes(node.folder)
        if one.command[:1] == ("sh",) or one.command == ("sleep", "1000")
    )
