"""Limits, sandbox and priorities of real services."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from snowfox.testing.node import Node

is_root = os.getuid() == 0
needs_root = pytest.mark.skipif(not is_root, reason="needs root")


def status(pid: int, name: str) -> str:
    """A field of /proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(name + ":"))


def limit(pid: int, name: str) -> list[str]:
    """Soft and hard limit of a process."""
    line = next(one for one in Path(f"/proc/{pid}/limits").read_text().splitlines() if one.startswith(name))
    return line.removeprefix(name).split()[:2]


def service(keys: str, command: str = '["sleep", "1000"]', name: str = "web") -> str:
    """A service that runs anywhere."""
    return f'[service.{name}]\ncommand = {command}\ndirectory = "/"\n{keys}\n'


def test_of_each_process(node: Node) -> None:
    """files, core, umask, nice and oom-score are those of the process."""
    node.write(service('limits = { files = 333, core = "0" }\numask = "0027"\nnice = 5\noom-score = 700'))
    node.good("up", "-d")
    pid = node.running()["web"].pid
    assert limit(pid, "Max open files") == ["333", "333"]
    assert limit(pid, "Max core file size") == ["0", "0"]
    assert status(pid, "Umask") == "0027"
    assert Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16] == "5"
    assert Path(f"/proc/{pid}/oom_score_adj").read_text() == "700\n"


def test_other_limits_replace(node: Node) -> None:
    """`plan` says that a process with another limit is replaced, `show` tells it as it is written."""
    node.write(service("limits.files = 333"))
    node.good("up", "-d")
    before = node.running()["web"].pid
    node.write(service("limits.files = 334"))
    assert "limits.files: 333 → 334" in node.good("plan")
    node.good("apply")
    after = node.running()["web"].pid
    assert after != before
    assert limit(after, "Max open files") == ["334", "334"]
    assert "limits.files" in node.good("show", "web")


def test_sandbox(node: Node) -> None:
    """What is read-only stays as it is but for what is writable below, /tmp is its own."""
    closed = node.folder / "closed"
    kept = closed / "kept"
    kept.mkdir(parents=True)
    for folder in (node.folder, closed, kept):
        folder.chmod(0o777)
    script = f"touch {closed}/a; touch {kept}/b; touch /var/tmp/snowfox-test-{os.getpid()} && ls /var/tmp; exec sleep 1000"
    keys = 'sandbox = { read-only = ["closed"], writable = ["closed/kept"] }'
    node.write(service(keys, f'["sh", "-c", "{script}"]'))
    node.good("up", "-d")
    node.until((kept / "b").exists, "what is writable")
    node.until(lambda: "Read-only file system" in node.good("logs", "web"), "what is not")
    assert not (closed / "a").exists()
    Path(f"/var/tmp/snowfox-test-{os.getpid()}").unlink()


def test_private_tmp(node: Node, tmp_path: Path) -> None:
    """A project in /tmp is told that private-tmp hides it; else the service sees no /tmp but its own."""
    program = node.folder / "x"
    node.write(service("sandbox.private-tmp = true", f'["{program}"]'))
    done = node.run("up", "-d")
    if str(tmp_path).startswith("/tmp/"):
        assert done.code == 3
        assert f"private-tmp hides {program}" in done.text
    marker = f"snowfox-test-{os.getpid()}"
    script = f"ls -A /tmp /var/tmp; touch /var/tmp/{marker} && echo written; exec sleep 1000"
    node.write(service("sandbox.private-tmp = true", f'["sh", "-c", "{script}"]'))
    node.good("up", "-d")
    node.until(lambda: "written" in node.good("logs", "web"), "its output")
    assert not Path("/var/tmp", marker).exists()


@needs_root
def test_capabilities(node: Node) -> None:
    """Refused without policy, with the line; with it the service has exactly those. `[]` takes root's."""
    node.write(service('sandbox.capabilities = ["NET_BIND_SERVICE"]'))
    done = node.run("up", "-d")
    assert done.code == 3
    assert 'capabilities = ["NET_BIND_SERVICE"]' in done.text
    policy = node.folder / "policy.toml"
    policy.write_text('users = ["root", "*"]\ncapabilities = ["NET_BIND_SERVICE"]\n')
    policy.chmod(0o644)
    node.write(
        service('sandbox.capabilities = ["NET_BIND_SERVICE"]')
        + service('user = "root"\nsandbox.capabilities = []', name="bare")
    )
    node.good("up", "-d", "--policy", str(policy))
    running = node.running()
    for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert status(running["web"].pid, name) == f"{1 << 10:016x}"
        assert status(running["bare"].pid, name) == f"{0:016x}"


@needs_root
def test_gaining_rights(node: Node) -> None:
    """Only by policy may what a service executes gain rights."""
    node.write(service("sandbox.no-new-privileges = false"))
    done = node.run("up", "-d")
    assert done.code == 3
    policy = node.folder / "policy.toml"
    policy.write_text("new-privileges = true\n")
    policy.chmod(0o644)
    node.good("up", "-d", "--policy", str(policy))
    assert status(node.running()["web"].pid, "NoNewPrivs") == "0"


def test_more_files_than_the_node_may_give_is_refused_with_what_to_do(node: Node) -> None:
    """By the name of the key, with the limit and the ways out, before anything starts."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    node.write(service(f"limits.files = {hard + 1}"))
    refused = node.run("up", "-d")
    assert refused.code == 3
    assert f"limits.files {hard + 1} is above the node's hard limit, {hard}" in refused.text
    assert "ulimit -Hn" in refused.text
