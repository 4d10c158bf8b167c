"""When schedules are due, and what becomes of time that nobody looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from snowfox.manager.schedule.planner import FAR, PATIENCE, Next, Now, Planner, gone
from snowfox.service.schedule import Schedule

pytest.importorskip("cronsim", reason="locked in requirements/test.txt: make .venv/.test")

BEGIN = round(datetime(2026, 1, 5, 9, 50, tzinfo=UTC).timestamp()) * 1000
MINUTE, HOUR = 60_000, 3_600_000
QUARTERLY = Schedule(cron="*/15 * * * *")
HOURLY = Schedule(every=3600.0)


class Host:
    """Two clocks, and a planner that looks at them."""

    def __init__(self, schedule: Schedule, looked: int | None = None, wall: int = BEGIN) -> None:
        self.boot, self.wall = 5_000, wall
        self.looked = {} if looked is None else {"job": looked}
        self.schedule = schedule
        self.restart()

    def restart(self) -> list[tuple[str, str]]:
        """Another planner, which knows what the one before kept."""
        self.planner = Planner(UTC, Random(1), self.looked)
        told = self.planner.use({"job": self.schedule}, self.now)
        self.looked.update(told.looked)
        (self.next,) = told.nexts
        return self.look()

    @property
    def now(self) -> Now:
        """Both."""
        return Now(self.boot, self.wall)

    def look(self) -> list[tuple[str, str]]:
        """What is due: the time that was planned, and what becomes of it."""
        told = self.planner.look(self.now)
        self.looked.update(told.looked)
        if told.nexts:
            (self.next,) = told.nexts
        return [
            (
                f"{datetime.fromtimestamp(run.planned / 1000, UTC):%H:%M:%S}",
                ("missed, runs" if run.is_due else "missed") if run.is_missed else "due",
            )
            for run in told.runs
        ]

    def pass_time(self, milliseconds: int, *, step: int = MINUTE) -> list[tuple[str, str]]:
        """Let time pass, looked at as a scheduler would."""
        found, end = [], self.boot + milliseconds
        while self.boot < end:
            left = self.planner.left(self.now)
            length = min(step, end - self.boot, step if left is None else max(left, 1))
            self.boot += length
            self.wall += length
            found += self.look()
        return found

    def jump(self, milliseconds: int) -> list[tuple[str, str]]:
        """The wall clock is set."""
        self.wall += milliseconds
        return self.look()

    def sleep(self, milliseconds: int) -> list[tuple[str, str]]:
        """The host sleeps, or it is switched off and its clocks go on."""
        self.boot += milliseconds
        self.wall += milliseconds
        return self.look()


def test_each_time_once() -> None:
    """In order, at its instant."""
    host = Host(QUARTERLY)
    assert host.next == Next("job", 10 * MINUTE, BEGIN + 10 * MINUTE)
    assert host.pass_time(HOUR) == [(f"10:{minute:02}:00", "due") for minute in (0, 15, 30, 45)]
    assert host.next == Next("job", 15 * MINUTE, BEGIN + 70 * MINUTE)


def test_an_interval_begins_with_itself() -> None:
    """The first run comes after so long."""
    host = Host(HOURLY)
    assert host.pass_time(3 * HOUR - 1) == [("10:50:00", "due"), ("11:50:00", "due")]
    assert host.pass_time(1) == [("12:50:00", "due")]


def test_a_look_that_is_late_loses_nothing() -> None:
    """Times within patience run, each."""
    host = Host(Schedule(cron="* * * * *"))
    assert host.sleep(PATIENCE + MINUTE) == [("09:51:00", "due"), ("09:52:00", "due")]


def test_a_manager_that_takes_over_loses_nothing() -> None:
    """What was due in between runs; what ran does not run again."""
    host = Host(QUARTERLY)
    assert host.pass_time(10 * MINUTE) == [("10:00:00", "due")]
    assert host.restart() == []
    host.boot, host.wall = host.boot + 15 * MINUTE + 5_000, host.wall + 15 * MINUTE + 5_000
    assert host.restart() == [("10:15:00", "due")]


@pytest.mark.parametrize(("missed", "says"), [("once", "missed, runs"), ("skip", "missed")])
def test_while_nobody_was_there(missed: str, says: str) -> None:
    """All that was missed is one run, or none; it goes on with what is to come."""
    host = Host(QUARTERLY.replace(missed=missed))
    host.boot, host.wall = 1_000, host.wall + 24 * HOUR
    assert host.restart() == [("10:00:00", says)]
    assert host.restart() == []
    assert host.pass_time(10 * MINUTE) == [("10:00:00", "due")]


@pytest.mark.parametrize(("missed", "says"), [("once", "missed, runs"), ("skip", "missed")])
def test_an_interval_keeps_its_rhythm_while_nobody_is_there(missed: str, says: str) -> None:
    """Through a boot of the host as well: what it goes by then is the wall clock."""
    host = Host(HOURLY.replace(missed=missed))
    host.boot, host.wall = 1_000, host.wall + 90 * MINUTE
    assert host.restart() == [("10:50:00", says)]
    assert host.pass_time(HOUR) == [("11:50:00", "due")]


def test_a_host_that_slept() -> None:
    """Is as one that was down: an interval counts the sleep."""
    assert Host(HOURLY.replace(missed="once")).sleep(90 * MINUTE) == [("10:50:00", "missed, runs")]
    assert Host(QUARTERLY).sleep(90 * MINUTE) == [("10:00:00", "missed")]


def test_the_clock_is_set_forward() -> None:
    """What it passes over is missed; an interval does not mind."""
    host = Host(QUARTERLY.replace(missed="once"))
    assert host.jump(24 * HOUR) == [("10:00:00", "missed, runs")]
    assert host.next.left == 10 * MINUTE
    host = Host(HOURLY)
    assert host.jump(30 * 24 * HOUR) == []
    assert host.pass_time(HOUR) == [("10:50:00", "due")]


def test_the_clock_is_set_back_by_little() -> None:
    """Nothing runs twice, and what is next is told anew."""
    host = Host(QUARTERLY)
    assert host.pass_time(10 * MINUTE) == [("10:00:00", "due")]
    assert host.jump(-30 * MINUTE) == []
    assert host.next.left == 45 * MINUTE
    assert host.restart() == []
    assert host.pass_time(45 * MINUTE) == [("10:15:00", "due")]


def test_the_clock_had_been_wrong() -> None:
    """Set back by far, what is next is found anew; also by the next manager."""
    host = Host(QUARTERLY, wall=BEGIN + 365 * 24 * HOUR)
    assert host.jump(-365 * 24 * HOUR) == []
    assert host.next == Next("job", 10 * MINUTE, BEGIN + 10 * MINUTE)
    host = Host(QUARTERLY, looked=BEGIN + FAR + 1)
    assert host.next.left == 10 * MINUTE


def test_jitter_is_later_and_never_past_the_next() -> None:
    """Each run begins within it, and in order."""
    host = Host(Schedule(cron="*/15 * * * *", jitter=3600.0))
    lefts = set()
    for _ in range(40):
        lefts.add(host.next.left)
        assert host.next.planned <= host.wall + (host.next.left or 0) < host.next.planned + 15 * MINUTE
        assert len(host.pass_time(host.next.left or 1, step=HOUR)) == 1
    assert len(lefts) > 30


def test_another_configuration() -> None:
    """What names the same times goes on with them; what names others begins; what is gone is not heard of."""
    host = Host(HOURLY)
    host.pass_time(30 * MINUTE)
    told = host.planner.use({"job": HOURLY.replace(overlap="queue"), "new": QUARTERLY}, host.now)
    assert told.nexts == [
        Next("job", 30 * MINUTE, BEGIN + HOUR),
        Next("new", 10 * MINUTE, BEGIN + 40 * MINUTE),
    ]
    assert told.looked == {"new": host.wall}
    told = host.planner.use({"job": Schedule(every=60.0)}, host.now)
    assert told.nexts == [Next("job", MINUTE, host.wall + MINUTE)]
    assert host.planner.upcoming("new", host.now, 3) == []
    assert gone(["job", "new"], {"job": HOURLY}) == ["new"]


def test_upcoming() -> None:
    """The next few, as the schedule names them."""
    host = Host(QUARTERLY)
    assert host.planner.upcoming("job", host.now, 2) == [BEGIN + 10 * MINUTE, BEGIN + 25 * MINUTE]


def test_no_time_will_come() -> None:
    """Nothing to wait for."""
    host = Host(QUARTERLY)
    host.planner.use({}, host.now)
    assert host.planner.left(host.now) is None


def test_a_zone_that_is_gone_is_left_out() -> None:
    """Its service has no next run."""
    planner = Planner(UTC, Random(1), {})
    told = planner.use({"job": QUARTERLY.replace(time_zone="No/Where")}, Now(0, BEGIN))
    assert told.nexts == []
