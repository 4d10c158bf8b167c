"""Instances with names and ports, and what they have from the shell, with real processes."""

from __future__ import annotations

from pathlib import Path

from snowfox.testing.node import Node

SLEEP = 'command = ["sleep", "1000"]\ndirectory = "/"\n'


def environment_of(pid: int) -> dict[str, str]:
    """Of a process."""
    words = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(word.split("=", 1) for word in words if word)


def test_names_and_ports(node: Node) -> None:
    """Each has its name and port; another name starts and stops the difference, the others keep their process."""
    text = f'[service.web]\n{SLEEP}environment = {{ ME = "${{INSTANCE}} ${{INSTANCE_PORT}}" }}\nport = 9000\n'
    node.write(text + 'instances = ["blue", "green"]\n')
    node.good("up", "-d")
    before = node.running()
    assert {name: environment_of(one.pid)["ME"] for name, one in before.items()} == {
        "web@blue": "blue 9000",
        "web@green": "green 9001",
    }
    node.write(text + 'instances = ["blue", "green", "red"]\n')
    node.good("apply")
    after = node.running()
    assert sorted(after) == ["web@blue", "web@green", "web@red"]
    assert (after["web@blue"], after["web@green"]) == (before["web@blue"], before["web@green"])
    assert "red" in node.good("status", "web@red")
    node.good("stop", "web@blue")
    assert node.status()["web@blue"]["state"] == "stopped"


def test_variables_of_the_shell(node: Node) -> None:
    """A service has those that it names, of the shell that ran `up`, also after a crash of the manager; no others."""
    node.more = {"AGENT": "/run/agent 1", "SECRET": "x"}
    node.write(f'[service.web]\n{SLEEP}inherit-environment = ["AGENT", "GONE"]\n')
    node.good("up", "-d")
    own = environment_of(node.running()["web"].pid)
    assert own["AGENT"] == "/run/agent 1"
    assert not {"SECRET", "GONE"} & own.keys()
    assert "AGENT=/run/agent 1" in node.good("env", "web")
    node.kill("manager")
    node.good("restart", "web")
    assert environment_of(node.running()["web"].pid)["AGENT"] == "/run/agent 1"


def test_scale_lasts(node: Node) -> None:
    """More and fewer, the others untouched; over a restart of the node; until another number is written."""
    node.write(f"[service.web]\n{SLEEP}instances = 2\n")
    node.good("up", "-d")
    before = node.running()
    assert "web has 3 instances" in node.good("scale", "web=3")
    after = node.running()
    assert sorted(after) == ["web@1", "web@2", "web@3"]
    assert (after["web@1"], after["web@2"]) == (before["web@1"], before["web@2"])
    node.good("down")
    node.good("up", "-d")
    assert sorted(node.running()) == ["web@1", "web@2", "web@3"]
    node.good("scale", "web=1")
    assert [*node.running()] == ["web"]
    assert node.run("scale", "wbe=2").code == 4
    assert node.run("scale", "web=0").code == 2
    node.write(f"[service.web]\n{SLEEP}instances = 4\n")
    node.good("apply")
    assert len(node.running()) == 4
