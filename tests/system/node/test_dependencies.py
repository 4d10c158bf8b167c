"""What services say about one another, with real processes: wants, conflicts, on-restart."""

from __future__ import annotations

import json
import os
import signal

from snowfox.testing.node import Node, alive

SLEEP = 'command = ["sleep", "1000"]\ndirectory = "/"\n'


def test_wants_starts_the_other_and_goes_on_without_it(node: Node) -> None:
    """It waits for what it wants to be ready or to have failed; the failure of that stops nobody."""
    node.write(
        f'[service.web]\n{SLEEP}wants = ["mailer", "metrics"]\n'
        '[service.mailer]\ncommand = ["sh", "-c", "exit 3"]\ndirectory = "/"\nautostart = false\n'
        'ready = { delay = "50ms" }\nrestart = { when = "never" }\n'
        f'[service.metrics]\n{SLEEP}autostart = false\nready = {{ delay = "100ms" }}\n'
    )
    assert node.run("up", "-d").code == 1  # mailer is told
    status = node.status()
    assert {name: one["state"] for name, one in status.items()} == {
        "web": "ready",
        "mailer": "failed",
        "metrics": "ready",
    }
    assert status["web"]["started"] > status["metrics"]["started"]
    node.good("stop", "metrics")
    node.good("restart", "web")
    assert node.status()["metrics"]["state"] == "stopped"


def test_conflicts_stops_the_other_first(node: Node) -> None:
    """Who is started takes the place of the other, which has ended before; that lasts over a restart of the node."""
    node.folder.chmod(0o777)
    node.write(
        f'[defaults]\ndirectory = "{node.folder}"\n'
        '[service.blue]\ncommand = ["sh", "-c", "trap \'sleep 0.2; rm held; exit\' TERM; touch held; sleep 9 & wait"]\n'
        '[service.green]\ncommand = ["sh", "-c", "test ! -e held && touch fine; exec sleep 9"]\n'
        'conflicts = ["blue"]\nautostart = false\n'
    )
    node.good("up", "-d")
    node.until((node.folder / "held").exists, "blue runs")
    said = node.good("start", "green")
    assert [line.split()[1:3] for line in said.splitlines()] == [
        ["blue", "stopped"],
        ["green", "ready"],
        ["is", "ready"],
    ]
    assert "stopped for green" in said
    states = {name: (one["state"], one["light"]) for name, one in node.status().items()}
    assert states == {"blue": ("stopped", "green"), "green": ("ready", "green")}
    node.until((node.folder / "fine").exists, "green began after blue's end")
    node.good("down")
    node.good("up", "-d")
    assert [*node.running()] == ["green"]
    steps = [json.loads(line) for line in node.good("start", "blue", "--json").splitlines()]
    assert ("green", "stopped", "stopped for blue") in [
        (one["instance"], one["state"], one["message"]) for one in steps
    ]
    assert [*node.running()] == ["blue"]


def test_on_restart_follows_a_crash(node: Node) -> None:
    """Who says so gets a new process once the crashed one is ready again; the others keep theirs."""
    node.write(
        f'[service.cache]\n{SLEEP}ready = {{ delay = "100ms" }}\n'
        f'[service.web]\n{SLEEP}requires = [{{ service = "cache", on-restart = "restart" }}]\n'
        f'[service.api]\n{SLEEP}requires = ["cache"]\n'
    )
    node.good("up", "-d")
    before = node.running()
    os.kill(before["cache"].pid, signal.SIGKILL)
    node.until(lambda: node.running().get("web") not in (None, before["web"]), "web followed")
    after = node.running()
    assert after["api"] == before["api"]
    assert not alive(before["web"].pid)
    assert after["web"].started > after["cache"].started


def test_a_stop_by_a_person_lasts_over_a_restart_of_the_node(node: Node) -> None:
    """It is kept, `down` is no such stop, and what requires the stopped one comes back with it."""
    node.write(f'[service.cache]\n{SLEEP}[service.web]\n{SLEEP}requires = ["cache"]\n')
    node.good("up", "-d")
    node.good("stop", "cache")
    node.good("down")
    node.good("up", "-d")
    assert node.running() == {}
    assert "all as wanted" in node.good("status")
    node.good("start", "cache")
    assert sorted(node.running()) == ["cache", "web"]
