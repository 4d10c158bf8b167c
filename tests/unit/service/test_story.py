"""What happened to an instance, in words."""

from __future__ import annotations

from typing import Any

import pytest

from snowfox.core.event.fact import catalogue
from snowfox.service import fact, story
from snowfox.service.story import Moment, Told, moments


def told(kind: str, at: int = 0, trace: str = "", **fact: Any) -> Told:
    """A fact of a service."""
    return Told(at, f"service.{kind}", trace, fact)


def started(pid: int) -> Told:
    """A process runs."""
    return told("started", pid=pid, token=f"web~{pid}", started=1)


def exited(pid: int, **fact: Any) -> Told:
    """A process ended."""
    return told("exited", **{"pid": pid, "code": None, "signal": None, "asked": False, "seconds": 2.0} | fact)


def again(seconds: float, attempt: int, limit: int = 5) -> Told:
    """It is tried again."""
    return told("restarting", reason="exit 1", seconds=seconds, attempt=attempt, limit=limit)


def texts(*facts: Told) -> list[str]:
    """The words alone."""
    return [moment.text for moment in moments(facts)]


def test_a_crash_and_what_followed() -> None:
    """The end with its cause, then the start that followed from it, in one moment, and that it got ready."""
    ready = told("ready", pid=8, by="notified", seconds=1.9)
    assert texts(started(7), exited(7, signal=9), again(0.1, 1), started(8), ready) == [
        "started",
        "killed by signal 9 (KILL), not by us",
        "started again after 0.1 s, try 1 of 5",
        "ready after 1.9 s: it said so",
    ]


def test_on_demand_and_replaced() -> None:
    """What came for it, that nothing did, who takes its place, and that nobody does after all."""
    assert texts(
        told("called", socket="front=127.0.0.1:80"),
        told("idle", seconds=600.0),
        told("replacing", reason="its configuration changed", beside=True),
        told("replacing", reason="asked for", beside=False),
        told("kept", reason="its replacement did not get ready: exit 1"),
    ) == [
        "something came for socket front, 127.0.0.1:80",
        "nothing came for it for 10m: it sleeps",
        "a new process is launched beside it: its configuration changed",
        "a new process takes its place: asked for",
        "it serves on: its replacement did not get ready: exit 1",
    ]


def test_what_is_yet_to_come() -> None:
    """A start that did not follow yet has a moment of its own."""
    assert texts(exited(7, code=1), again(7.0, 3)) == [
        "exit 1 after 2 s",
        "to be started again after 7 s, try 3 of 5",
    ]


def test_a_start_after_a_stop_followed_from_nothing() -> None:
    """Once it was stopped, what had been announced before is over."""
    facts = (again(7.0, 3), told("stopped", reason="stopped by a person"), started(9))
    assert texts(*facts) == ["to be started again after 7 s, try 3 of 5", "stopped by a person", "started"]


def test_without_limit_and_delay() -> None:
    """No limit is not shown as one; no delay is at once."""
    assert texts(again(0.0, 4, 0)) == ["to be started again at once"]


def test_being_executed_is_no_moment() -> None:
    """A service without `ready` is ready when it is started: one moment."""
    assert texts(started(7), told("ready", pid=7, by="executed", seconds=0.0)) == ["started"]


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (exited(7, signal=15, asked=True), "killed by signal 15 (TERM) after 2 s, asked for"),
        (exited(7, signal=9, by="anna"), "killed by signal 9 (KILL), sent by anna"),
        (exited(7), "exit unknown: nobody saw it end"),
        (
            told("failed", reason="exit 1; 5 failed starts within 1m"),
            "failed: exit 1; 5 failed starts within 1m",
        ),
        (told("stopped", reason="stopped with cache"), "stopped with cache"),
        (told("stopped", reason=""), "stopped"),
        (told("finished", reason="exit 0 after 2 s"), "finished: exit 0 after 2 s"),
        (
            told("unready", seconds=30.0, text="connection refused"),
            "not ready within 30s: connection refused",
        ),
        (told("unready", seconds=30.0, text=""), "not ready within 30s"),
        (told("stuck", pid=7, token="web~7"), "SIGKILL did not end process 7"),
        (told("launch-failed", text="cannot launch web: no", hint=""), "cannot launch web: no"),
        (told("signalled", pid=7, number=1, who="anna"), "signal 1 (HUP) sent by anna"),
        (told("due", planned=1, late=0.1, missed=False), "due by its schedule"),
        (told("due", planned=1, late=7.0, missed=False), "due by its schedule, 7 s late"),
        (told("due", planned=1, late=7.0, missed=True), "due by its schedule, missed before and made up for"),
        (told("skipped", planned=1, reason="it still runs"), "skipped a run of its schedule: it still runs"),
        (
            told("follows", verb="restart", after="cache"),
            "to restart, because cache crashed and is ready again",
        ),
        (told("hook-failed", hook="before-start", text="exit 1"), "before-start: exit 1"),
        (
            told("ran", who="anna", command="./shell", code=0, signal=None, seconds=2.0),
            "anna ran ./shell: exit 0 after 2 s",
        ),
        (told("followed", pid=8, error=""), "process 8 is its main process from now on, as it said"),
        (told("followed", pid=8, error="cannot follow process 8"), "cannot follow process 8"),
        (told("recycled", reason="it is 1d old"), "replaced by a fresh one: it is 1d old"),
        (told("reloaded", error=""), "reloaded"),
        (told("reloaded", error="no answer"), "reload failed: no answer"),
        (told("adopted", pid=7, token="web~7", started=1), "taken over by a new manager, as it was"),
    ],
)
def test_words(fact: Told, text: str) -> None:
    """Each kind in words of its own."""
    assert texts(fact) == [text]


def test_of_another_version() -> None:
    """A kind, or fields, that this version does not know are told as they are."""
    assert texts(told("levitated", height=3, pid=7, note="")) == ["levitated: 3"]
    assert texts(told("stuck", token="web~7")) == ["stuck"]


def test_every_kept_fact_has_words() -> None:
    """None of ours is told by its fields alone."""
    kinds = {kind for kind, fact in catalogue().items() if kind.startswith("service.") and fact.kept}
    assert fact.ServiceStarted.kind in kinds
    assert kinds == set(story.TEXTS)


def test_place() -> None:
    """A moment keeps its time, process and story."""
    assert moments([Told(5, "service.started", "T", {"pid": 7})]) == [Moment(5, "started", 7, "T")]
