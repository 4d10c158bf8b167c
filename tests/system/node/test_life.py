"""A node from its first start to its end, and what survives what in between."""

from __future__ import annotations

import os
import signal
import socket
import time

import pytest

from snowfox.testing.node import Node, alive
from snowfox.testing.world import free_ports

THREE = """
[service.ticker]
command = ["sh", "-c", "while :; do echo tick; sleep 0.1; done"]
directory = "/"

[service.quiet]
command = ["sleep", "1000"]
directory = "/"
instances = 2

[service.once]
type = "task"
command = ["sh", "-c", "echo done"]
directory = "/"
"""


def up(node: Node, text: str = THREE) -> None:
    """Write a configuration and start it."""
    node.write(text)
    node.good("up", "-d")


def test_a_newcomers_five_commands_work(node: Node) -> None:
    """In an empty folder: init, up, status, logs, down."""
    node.good("init")
    node.good("up", "-d")
    assert "all as wanted" in node.good("status")
    node.until(lambda: bool(node.good("logs").strip()), "the example printed something")
    node.good("down")
    assert node.left_behind() == []
    assert node.run("status").code == 6


def test_status_shows_every_state(node: Node) -> None:
    """Services are ready, a task is finished, a stopped one is as wanted."""
    up(node)
    node.good("stop", "quiet@2")
    states = {name: (one["state"], one["light"]) for name, one in node.status().items()}
    assert states == {
        "ticker": ("ready", "green"),
        "quiet@1": ("ready", "green"),
        "quiet@2": ("stopped", "green"),
        "once": ("finished", "green"),
    }


def test_start_stop_restart_change_processes(node: Node) -> None:
    """Restart gives a new pid, stop ends the process, start brings one back."""
    up(node)
    first = node.running()["ticker"]
    node.good("restart", "ticker")
    second = node.running()["ticker"]
    assert second.pid != first.pid
    assert not alive(first.pid)
    node.good("stop", "ticker")
    assert "ticker" not in node.running()
    assert not alive(second.pid)
    node.good("start", "ticker")
    assert alive(node.running()["ticker"].pid)


def test_a_killed_service_comes_back_and_says_why(node: Node) -> None:
    """SIGKILL from outside is named in the message, and counted."""
    up(node)
    pid = node.running()["ticker"].pid
    os.kill(pid, signal.SIGKILL)
    node.until(lambda: node.running().get("ticker", (pid,))[0] != pid, "a new process")
    node.until(lambda: node.status()["ticker"]["state"] == "ready", "ready again")
    one = node.status()["ticker"]
    assert one["restarts"] == 1
    assert "killed by signal 9 (KILL), not by us" in one["message"]


def test_logs_and_events_tell_what_happened(node: Node) -> None:
    """Output is there by name; events name what started."""
    up(node)
    node.until(lambda: "tick" in node.good("logs", "ticker"), "output of ticker")
    assert "done" in node.good("logs", "once")
    node.until(lambda: "service.ready" in node.good("events"), "events in the journal")


def test_signal_reaches_the_main_process(node: Node) -> None:
    """USR1 arrives, and only there."""
    up(
        node,
        """
[service.listener]
command = ["sh", "-c", "trap 'echo got USR1' USR1; while :; do sleep 0.05; done"]
directory = "/"
""",
    )
    node.until(lambda: node.running()["listener"].pid > 0, "it runs")
    time.sleep(0.2)  # the shell sets its trap without telling
    node.good("signal", "USR1", "listener")
    node.until(lambda: "got USR1" in node.good("logs", "listener"), "the trap printed")


def test_wait_for_ready_and_timeout(node: Node) -> None:
    """0 when ready, 8 when not in time."""
    up(node)
    node.good("wait", "ticker")
    node.good("stop", "ticker")
    assert node.run("wait", "ticker", "--timeout", "200ms").code == 8


@pytest.mark.parametrize("roles", [("manager",), ("spawner",), ("manager", "spawner")], ids="+".join)
def test_services_outlive_the_kill_of(node: Node, roles: tuple[str, ...]) -> None:
    """SIGKILL of manager, spawner or both: same pids and start times, status answers, restart works."""
    up(node)
    before, ours = node.running(), node.processes()
    node.kill(*roles)
    # How soon is measured by examples/shop/demo.py.
    node.until(lambda: node.run("status").code == 0, "status answers", 5)
    assert node.running() == before
    for role in roles:
        assert node.processes()[role] != ours[role]
    assert node.processes()["daemon"] == ours["daemon"]
    node.good("restart", "ticker")
    assert node.running()["ticker"].pid != before["ticker"].pid
    assert node.running()["quiet@1"] == before["quiet@1"]


def test_all_three_killed_and_adopted(node: Node) -> None:
    """SIGKILL of all three, then up -d: the same processes; an exit nobody saw is unknown and a failure."""
    up(
        node,
        THREE
        + """
[service.fragile]
command = ["sleep", "1000"]
directory = "/"
restart = { when = "on-failure", delay = "0s" }

[service.long]
type = "task"
command = ["sleep", "1000"]
directory = "/"
autostart = false
""",
    )
    with node.begin("start", "long") as client:
        node.until(lambda: "long" in node.running(), "the task runs")
        client.kill()
    before = node.running()
    node.kill("daemon", "spawner", "manager")
    node.until(lambda: not node.processes(), "all three are gone")
    assert all(alive(one.pid) for one in before.values())
    for name in ("fragile", "long"):
        os.kill(before[name].pid, signal.SIGKILL)
        node.until(lambda name=name: not alive(before[name].pid), f"{name} is gone")
    node.run("up", "-d")
    others = {name: one for name, one in before.items() if name not in {"fragile", "long"}}
    assert {name: one for name, one in node.running().items() if name in others} == others
    node.until(lambda: node.status()["long"]["state"] == "failed", "the task failed")
    assert "unknown" in node.status()["long"]["message"]
    node.until(lambda: node.running().get("fragile", before["fragile"]) != before["fragile"], "a new fragile")
    assert "unknown" in node.status()["fragile"]["message"]
    node.good("restart", "ticker")


def test_down_that_leaves_the_services_is_taken_up_again(node: Node) -> None:
    """Ours are gone, what runs runs on as it was, its socket too, and the next node has it."""
    (port,) = free_ports(1)
    up(
        node,
        THREE
        + f"""
[socket.front]
listen = "127.0.0.1:{port}"

[service.web]
command = ["sleep", "1000"]
directory = "/"
sockets = ["front"]

[service.done]
type = "task"
command = ["true"]
directory = "/"
""",
    )
    node.good("stop", "quiet@2")
    before = node.running()
    said = node.good("down", "--leave")
    assert said == f"the node is down; {len(before)} instances run on, for the next snowfox up\n"
    assert not node.processes()
    assert all(alive(one.pid) for one in before.values())
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        node.good("up", "-d")
    assert node.running() == before
    assert node.status()["quiet@2"]["state"] == "stopped"
    assert node.status()["done"]["restarts"] == 0
    assert (
        len([line for line in node.good("events").splitlines() if "done" in line and "started" in line]) == 1
    )
    node.good("restart", "web")


def test_the_foreground_ends_well_when_its_services_are_left(node: Node) -> None:
    """It says what runs on, as `down` does, and ends with 0."""
    node.write('[service.web]\ncommand = ["sleep", "1000"]\ndirectory = "/"\n')
    process = node.begin("up")
    node.until(lambda: node.run("status").code == 0, "all as wanted")
    web = node.running()["web"]
    node.good("down", "--leave")
    text, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "the node is down; 1 instance runs on" in text
    node.good("up", "-d")
    assert node.running()["web"] == web


def test_exit_while_only_the_spawner_is_dead_is_exact(node: Node) -> None:
    """The daemon, as sub-reaper, sees the exit of a service that the dead spawner had launched."""
    up(
        node,
        """
[service.coded]
command = ["sh", "-c", "trap 'exit 7' USR1; while :; do sleep 0.02; done"]
directory = "/"
restart = { when = "never" }
""",
    )
    pid = node.running()["coded"].pid
    time.sleep(0.2)  # the shell sets its trap without telling
    node.kill("spawner")
    os.kill(pid, signal.SIGUSR1)
    node.until(lambda: not alive(pid), "it ended")
    node.until(lambda: "exit 7" in node.status()["coded"]["message"], "the exact code")


def test_a_second_up_shows_the_running_node(node: Node) -> None:
    """`up` on a running node is its status, and changes no process."""
    up(node)
    before = node.running()
    done = node.run("up", "-d")
    assert "ticker" in done.text
    assert node.running() == before


def test_terminal_foreground_stops_in_order(node: Node) -> None:
    """`up` in the foreground becomes the daemon; TERM to it stops everything and ends with 0."""
    node.write(THREE)
    process = node.begin("up")
    try:
        node.until(lambda: node.run("status").code == 0, "all as wanted")
        assert node.processes()["daemon"] == process.pid
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert "tick" in out
    assert node.left_behind() == []


def test_an_interrupt_ends_only_the_waiting(node: Node) -> None:
    """`up -d` waits for a task however long that runs; Ctrl-C leaves the node and says so, for the next `up -d` too."""
    node.write('[service.long]\ntype = "task"\ncommand = ["sleep", "1000"]\ndirectory = "/"\n')
    said = "interrupted: the node goes on starting\n   see: snowfox status · stop it: snowfox down\n"
    for _ in range(2):
        command = node.begin("up", "-d")
        try:
            node.until((node.home / "run/manager.sock").exists, "the node is there")
            node.until(lambda: "long" in node.running(), "the task runs")
            time.sleep(0.5)  # what is proved is that it waits still
            assert command.poll() is None
            command.send_signal(signal.SIGINT)
            out, _ = command.communicate(timeout=10)
        finally:
            command.kill()
        assert (command.returncode, out) == (130, said)
        assert "long" in node.running()


STUBBORN = """
[service.stubborn]
command = ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]
directory = "/"
stop = { grace = "1m" }
"""


def test_a_second_interrupt_kills(node: Node) -> None:
    """In the foreground: the first stops in order, the second kills; both are told, and the end is known."""
    node.write(STUBBORN)
    command = node.begin("up")
    try:
        node.until(lambda: '"phase": "up"' in node.run("status", "--json").out, "the node is up")
        command.send_signal(signal.SIGINT)
        node.until(lambda: node.status()["stubborn"]["state"] == "stopping", "it is being stopped")
        command.send_signal(signal.SIGINT)
        out, _ = command.communicate(timeout=10)
    finally:
        command.kill()
    assert command.returncode == 0
    assert "stubborn       stopped" in out
    assert out.splitlines()[-1].endswith("is down")
    assert node.left_behind() == []


def test_the_foreground_survives_its_manager(node: Node) -> None:
    """Another manager goes on, and what services print is shown again."""
    node.write(THREE)
    command = node.begin("up")
    try:
        node.until(lambda: node.run("wait", "--all", "--timeout", "5s").code == 0, "all are ready")
        manager = node.processes()["manager"]
        node.kill("manager")
        node.until(lambda: node.processes().get("manager", manager) != manager, "there is another manager")
        node.until(lambda: node.run("restart", "once").code == 0, "it answers")
        time.sleep(0.5)  # what is proved is that lines still come
        command.send_signal(signal.SIGINT)
        out, _ = command.communicate(timeout=10)
    finally:
        command.kill()
    assert command.returncode == 0
    assert out.count("| done") == 2
    assert out.splitlines()[-1].endswith("is down")


SLOW = """
[service.slow]
command = ["sh", "-c", "sleep 1000"]
directory = "/"
ready = { delay = "1500ms" }
"""


def test_a_detached_start_survives_its_manager(node: Node) -> None:
    """The manager is killed while it starts: `up -d` follows the next one to the end."""
    node.write(SLOW)
    command = node.begin("up", "-d")
    try:
        node.until((node.home / "run" / "launches").exists, "the folder is there")
        node.until(lambda: any((node.home / "run" / "launches").glob("slow*")), "the service was launched")
        node.kill("manager")
        out, _ = command.communicate(timeout=60)
    finally:
        command.kill()
    assert command.returncode == 0, out
    assert "is up" in out


def test_warnings_come_with_the_start(node: Node) -> None:
    """What may be meant otherwise is told once, on stderr, and the node comes up."""
    node.write(THREE + '[service.star]\ncommand = "sleep 1000 \'*\' *"\ndirectory = "/"\ntype = "task"\n')
    done = node.run("up", "-d")
    assert done.err.count("warning: service star") == 1
    assert "warning" not in done.out
