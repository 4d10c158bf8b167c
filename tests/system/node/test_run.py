"""A one-off beside a service, with real processes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from snowfox.testing.node import Node

WEB = """
[service.web]
command = ["sleep", "1000"]
directory = "/tmp"
environment = { NAME = "value of ${INSTANCE}" }
instances = 2
"""


def test_a_command_as_the_service(node: Node) -> None:
    """Its environment, folder and user; its output, errors included, and its exit code; no service is touched."""
    node.write(WEB)
    node.good("up", "-d")
    before = node.running()
    script = 'echo "$NAME in $PWD"; echo "$$" >&2; ps -o uid= -p $$; exit 7'
    done = node.run("run", "web", "--", "sh", "-c", script)
    assert done.code == 7
    lines = done.out.split("\n")
    assert lines[0] == "value of 1 in /tmp"
    owner = os.stat(f"/proc/{before['web@1'].pid}").st_uid
    assert int(lines[2]) == owner
    big = node.run("run", "web@2", "--", "sh", "-c", "echo $NAME; head -c 300000 /dev/zero | tr '\\0' x")
    assert (big.code, big.out) == (0, "value of 2\n" + "x" * 300000)
    assert node.run("run", "web", "--", "sh", "-c", "kill -9 $$").code == 137
    assert node.run("run", "wbe").code == 4
    assert "cannot" in node.run("run", "web", "--", "no-such-program").err
    assert node.running() == before


def test_who_goes_away_ends_it(node: Node) -> None:
    """Ctrl-C ends the command."""
    node.write(WEB)
    node.good("up", "-d")
    begun = node.begin("run", "web", "--", "sleep", "777")

    def sleeping() -> bool:
        return any(
            (entry / "cmdline").read_bytes() == b"sleep\x00777\x00"
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and (entry / "cmdline").exists()
        )

    node.until(sleeping, "the command runs")
    begun.send_signal(signal.SIGINT)
    begun.communicate(timeout=10)
    assert begun.returncode == 130
    node.until(lambda: not sleeping(), "the command has ended")
