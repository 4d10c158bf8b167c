"""Tasks that run by a schedule, with real processes."""

from __future__ import annotations

import sqlite3
import time

import pytest

from snowfox.testing.node import Node, store_of

pytest.importorskip("cronsim", reason="locked in requirements/test.txt: make .venv/.test")


def runs(node: Node) -> int:
    """How often the script ran."""
    return node.good("logs", "report", "-n", "1000").count("| ran")


def text(schedule: str, command: str = "echo ran") -> str:
    """A configuration with one script."""
    return f"""
[service.report]
type = "task"
command = ["sh", "-c", "{command}"]
schedule = {schedule}
"""


def test_it_runs_each_second_and_says_when_next(node: Node) -> None:
    """Through a manager that dies; a stop lasts, a start goes back to it; `show` has the next times."""
    node.write(text('"every 1s"'))
    node.good("up", "-d")
    assert runs(node) == 0
    node.until(lambda: runs(node) >= 1, "a first run")
    node.kill("manager")
    before = runs(node)
    node.until(lambda: runs(node) >= before + 1, "a run after the manager's death")
    node.until(lambda: node.status()["report"]["state"] == "finished", "the run ended")
    row = node.status()["report"]
    assert row["light"] == "green"
    assert "next run in" in row["message"] or row["state"] == "starting"
    assert "next runs:" in node.good("show", "report")
    node.good("stop", "report")
    before = runs(node)
    time.sleep(1.1)
    assert runs(node) == before
    node.good("start", "report")
    node.until(lambda: runs(node) > before, "a run after the start")
    assert "service.due" in node.good("events")


def test_up_says_what_waits_for_its_time(node: Node) -> None:
    """A line like that of what is ready."""
    node.write(text('"every 1h"'))
    lines = node.good("up", "-d").splitlines()
    assert lines[0].split()[1:3] == ["report", "waiting"]
    assert "runs by its schedule" in lines[0] or "next run in" in lines[0]


def test_start_runs_it_now(node: Node) -> None:
    """And its failure is that of the command; the node is as wanted between runs."""
    node.write(text('{ cron = "0 0 1 1 *", time-zone = "Europe/Rome" }', "echo ran; exit 4"))
    node.good("up", "-d")
    assert "all as wanted" in node.good("status")
    assert "at 20" in node.status()["report"]["message"]
    assert node.run("start", "report").code == 1
    assert (runs(node), node.status()["report"]["state"]) == (1, "failed")
    assert "exit 4" in node.status()["report"]["message"]


@pytest.mark.parametrize(("missed", "count"), [("once", 1), ("skip", 0)])
def test_what_was_missed_while_the_node_was_down(node: Node, missed: str, count: int) -> None:
    """Runs once, or not; either way it is told."""
    node.write(text(f'{{ cron = "0 0 * * *", missed = "{missed}" }}'))
    node.good("up", "-d")
    node.good("down")
    store = store_of(node.folder) or node.home
    with sqlite3.connect(store / "state.db") as database:
        three_days = 3 * 86_400_000
        changed = database.execute(
            "UPDATE statuses SET status = CAST(status AS INTEGER) - ? WHERE name = '~looked report'",
            (three_days,),
        )
        assert changed.rowcount == 1
    database.close()
    node.good("up", "-d")
    kind = "service.due" if count else "service.skipped"
    node.until(lambda: kind in node.good("events"), kind)
    node.until(lambda: runs(node) == count, "as many runs")
    shown = node.good("show", "report")
    assert "missed" in shown or "nobody was there" in shown


def test_a_run_that_takes_longer_is_replaced(node: Node) -> None:
    """By the next one."""
    node.write(text('{ every = "1s", overlap = "replace" }', "echo ran; exec sleep 60"))
    node.good("up", "-d")
    node.until(lambda: runs(node) >= 2, "a second run")
    node.good("stop", "report")
    assert "asked for" in node.good("show", "report")
