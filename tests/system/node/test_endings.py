"""How services end, and what follows: deadlines of tasks, essential services."""

from __future__ import annotations

import json

from snowfox.testing.node import Node, alive


def test_a_task_that_takes_too_long_has_failed(node: Node) -> None:
    """It is ended after its timeout, and says so."""
    node.write("""
[service.job]
type = "task"
command = ["sleep", "1000"]
directory = "/"
timeout = "300ms"
""")
    assert node.run("up", "-d").code == 1
    job = node.status()["job"]
    assert (job["state"], job["light"]) == ("failed", "red")
    assert job["message"] == "not done after 0.3 s"


def test_the_node_ends_with_an_essential_service(node: Node) -> None:
    """In order, with the service's exit code."""
    node.write("""
[service.other]
command = ["sleep", "1000"]
directory = "/"

[service.heart]
command = ["sh", "-c", "sleep 0.5; exit 7"]
directory = "/"
essential = true
restart = { when = "never" }
""")
    process = node.begin("up")
    text, _ = process.communicate(timeout=20)
    assert process.returncode == 7, text
    assert "heart is essential and has failed: exit 7" in node.log()
    assert node.left_behind() == []


HOOKS = """
[service.web]
command = ["sh", "-c", "echo runs; exec sleep 1000"]
directory = "/"
before-start = ["sh", "-c", "echo before start ${MARK}; test -z \\"$MAINPID\\""]
after-ready = ["sh", "-c", "echo after ready $MAINPID"]
before-stop = { command = ["sh", "-c", "echo before stop $MAINPID"], timeout = "5s" }
after-exit = ["sh", "-c", "echo after exit $EXIT_CODE $EXIT_STATUS"]
environment = { MARK = "here" }
"""


def test_a_hook_that_cannot_run_is_refused_before_anything_starts(node: Node) -> None:
    """It is named by what it is for, as the program of a service is by its instance."""
    node.write("""
[service.web]
command = ["sleep", "1000"]
directory = "/"
before-start = ["./prepare"]
""")
    refused = node.run("up", "-d")
    assert refused.code != 0
    assert "cannot launch before-start of web: " in refused.text
    assert "/project/prepare: no such file or directory" in refused.text


def test_hooks_run_around_a_life(node: Node) -> None:
    """In their order, as the service's user and in its environment; what they print is in its log."""
    node.write(HOOKS)
    node.good("up", "-d")
    pid = node.running()["web"].pid
    node.until(lambda: "after ready" in node.good("logs", "web"), "after-ready ran")
    node.good("stop", "web")
    wanted = [
        "before start here",
        "runs",
        f"after ready {pid}",
        f"before stop {pid}",
        "after exit killed TERM",
    ]

    def printed() -> list[str]:
        lines = node.good("logs", "web").splitlines()
        return [one for line in lines for one in wanted if line.endswith(one)]

    node.until(lambda: sorted(printed()) == sorted(wanted), "all of it is in the log")


def test_what_drains_outlives_the_main_process(node: Node) -> None:
    """A `before-stop` that has the main process end, and works on, is done when the stop is."""
    node.write("""
[service.web]
command = ["sleep", "1000"]
directory = "/"
before-stop = ["sh", "-c", "kill $MAINPID; sleep 0.5; echo drained"]
after-exit = ["sh", "-c", "echo after exit $EXIT_STATUS"]
""")
    node.good("up", "-d")
    node.good("stop", "web")
    lines = [line.rpartition("| ")[2] for line in node.good("logs", "web").splitlines()]
    assert lines == ["drained", "after exit TERM"]
    assert "hook-failed" not in node.good("events")


def test_a_start_that_cannot_be_prepared_fails(node: Node) -> None:
    """No process is made; the reason says which hook and how it ended."""
    node.write("""
[service.web]
command = ["sleep", "1000"]
directory = "/"
before-start = ["sh", "-c", "echo no database; exit 3"]
restart = { limit = 2, delay = "50ms" }
""")
    assert node.run("up", "-d").code == 1
    web = node.status()["web"]
    assert web["state"] == "failed"
    assert web["message"].startswith("before-start: sh: exit 3; 2 failed starts")
    assert "no database" in node.good("logs", "web")


def test_the_steps_of_a_stop(node: Node) -> None:
    """A command, a signal that is ignored, a signal that is not."""
    node.write("""
[service.web]
command = ["sh", "-c", "trap 'echo got HUP' HUP; trap 'echo got USR1; exit 0' USR1; echo runs; while :; do sleep 0.05; done"]
directory = "/"
stop.steps = [
    { command = ["sh", "-c", "echo drained; exit 1"], wait = "10s" },
    { signal = "HUP", wait = "300ms" },
    { signal = "USR1", wait = "10s" },
]
""")
    node.good("up", "-d")
    node.until(lambda: "runs" in node.good("logs", "web"), "its traps are set")
    node.good("stop", "web")
    text = node.good("logs", "web")
    assert [word for word in ("drained", "got HUP", "got USR1") if word in text] == [
        "drained",
        "got HUP",
        "got USR1",
    ]


RELOADED = """
[service.web]
command = ["sh", "-c", "trap 'echo got HUP' HUP; echo runs; while :; do sleep 0.05; done"]
directory = "/"
reload = { signal = "HUP" }

[service.other]
command = ["sleep", "1000"]
directory = "/"
reload = { command = ["sh", "-c", "echo reloads $MAINPID"] }

[service.bad]
command = ["sleep", "1000"]
directory = "/"
reload = { command = ["sh", "-c", "exit 3"] }

[service.plain]
command = ["sleep", "1000"]
directory = "/"
replace = "rolling"
"""


def test_reload(node: Node) -> None:
    """By signal and by command the same process; without the key another one in its place; a failure is told."""
    node.write(RELOADED)
    node.good("up", "-d")
    node.until(lambda: "runs" in node.good("logs", "web"), "its trap is set")
    before = node.running()
    node.good("reload", "web", "other", "plain")
    node.until(lambda: "got HUP" in node.good("logs", "web"), "the signal")
    after = node.running()
    assert f"reloads {before['other'].pid}" in node.good("logs", "other")
    assert (after["web"], after["other"]) == (before["web"], before["other"])
    assert after["plain"] != before["plain"]
    done = node.run("reload", "bad")
    assert done.code == 1
    assert "reload failed: sh: exit 3" in done.text
    assert node.running()["bad"] == before["bad"]


def test_what_is_old_is_replaced(node: Node) -> None:
    """By itself, by a fresh one, and again."""
    node.write("""
[service.web]
command = ["sleep", "1000"]
directory = "/"
recycle = { age = "1s" }
replace = "rolling"
restart = { early = "100ms", reset = "500ms" }
""")
    node.good("up", "-d")
    first = node.running()["web"].pid
    node.until(lambda: node.running()["web"].pid != first, "a fresh one")
    assert node.status()["web"]["restarts"] == 0
    assert "service.recycled" in node.good("events", "-n", "100")


def test_what_is_fat_is_replaced(node: Node) -> None:
    """By the memory of all its processes, which `status` and `top` show alike."""
    node.write("""
[service.web]
command = ["sh", "-c", "python3 -c 'import time; kept = bytearray(40 << 20); time.sleep(1000)' & wait"]
directory = "/"
recycle = { memory = "30M" }
restart = { reset = "4s" }
""")
    node.good("up", "-d")
    first = node.running()["web"].pid
    node.until(lambda: node.status()["web"]["memory"] > 40 << 20, "its child counts", 5)
    (top,) = [json.loads(line) for line in node.good("top", "--json", "-n", "1").splitlines()]
    assert top[0]["memory"] == top[0]["instance"]["memory"] > 40 << 20
    node.until(lambda: node.running().get("web", (first,))[0] != first, "a fresh one")
    assert "of memory" in node.good("events", "-n", "100")


POLICY = """
[defaults]
directory = "/"

[service.final]
command = ["sh", "-c", "sleep 0.2; exit 78"]
restart = { final = [78] }

[service.fine]
command = ["sh", "-c", "sleep 0.2; exit 2"]
restart = { when = "on-failure", success = [0, 2] }

[service.slow]
command = ["sh", "-c", "sleep 0.2; exit 1"]
restart = { delay = "60s", growth = 3, jitter = 0, max-delay = "5m", reset = "1h" }
"""


def test_the_policy_of_restarts(node: Node) -> None:
    """What is final is not tried again, what is a success is no failure, and the next try is shown."""
    node.write(POLICY)
    assert node.run("up", "-d").code == 1
    node.until(lambda: node.status()["slow"]["state"] == "backoff", "it waits")
    now = node.status()
    assert (now["final"]["state"], now["fine"]["state"]) == ("failed", "finished")
    assert "exit 78 is final" in now["final"]["message"]
    assert "next try in" in now["slow"]["message"]


def test_what_ignores_its_signal_is_killed(node: Node) -> None:
    """After its grace, with all that it left in its session; also what is stopped and cannot hear it."""
    node.write("""
[defaults]
directory = "/"
stop.grace = "300ms"

[service.deaf]
command = ["sh", "-c", "trap '' TERM; sleep 1000 & echo child $!; while :; do sleep 0.05; done"]

[service.frozen]
command = ["sleep", "1000"]
""")
    node.good("up", "-d")
    node.until(lambda: "child" in node.good("logs", "deaf"), "its child runs")
    child = int(node.good("logs", "deaf").rsplit("child ", 1)[1].split()[0])
    node.good("signal", "STOP", "frozen")
    pids = [one.pid for one in node.running().values()]
    node.good("stop", "deaf", "frozen")
    node.until(lambda: not any(map(alive, [*pids, child])), "all of it is gone")
    assert {one["state"] for one in node.status().values()} == {"stopped"}
