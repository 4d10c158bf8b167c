"""Whatever the clocks do and whoever is there to look: every time that a schedule names is told once, and run by its rules.

Times are found a second time here, in another way: day by day on the clocks of the zone. The planner, the engine and
the processes of a stage are then driven through months, with clocks that are set, hosts that sleep, managers that
die, runs of any length and people who stop them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from snowfox.manager.schedule.planner import FAR, PATIENCE, Now, Planner, Told
from snowfox.service import event
from snowfox.service.fact import ServiceDue, ServiceSkipped, ServiceStarted
from snowfox.service.schedule import Cron, Schedule
from snowfox.service.spec import Restart, Service
from snowfox.testing.stage import Stage
from snowfox.values import Exit

pytest.importorskip("cronsim", reason="locked in requirements/test.txt: make .venv/.test")

ROME = ZoneInfo("Europe/Rome")
ZONES = ("Europe/Rome", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Asuncion")
DAY, HOUR, MINUTE = 86_400_000, 3_600_000, 60_000


def ms(moment: datetime) -> int:
    """An instant in whole milliseconds."""
    return round(moment.timestamp()) * 1000


def at_times_of_day(
    times: tuple[tuple[int, int], ...], days: set[int], zone: ZoneInfo, begin: date
) -> Iterator[int]:
    """The first instant of each day at which the zone's clocks show that time or more; days of the week from 0, Monday."""
    for count in range(100_000):
        day = begin + timedelta(days=count)
        if day.weekday() in days:
            found = set()
            for hour, minute in times:
                local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                while local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local.replace(
                    tzinfo=None
                ):
                    local = local.replace(tzinfo=None) + timedelta(minutes=1)
                    local = local.replace(tzinfo=zone)
                found.add(ms(local))
            yield from sorted(found)


def by_real_time(minutes: set[int], hours: set[int], zone: ZoneInfo, begin: datetime) -> Iterator[int]:
    """Every minute of real time at which the zone's clocks show one of these."""
    moment = begin.astimezone(UTC).replace(second=0)
    while True:
        moment += timedelta(minutes=1)
        local = moment.astimezone(zone)
        if local.minute in minutes and local.hour in hours:
            yield ms(moment)


@pytest.mark.parametrize("zone", ZONES)
def test_ten_years_of_times_of_day(zone: str) -> None:
    """Once a day, through every change of daylight saving that the zone has."""
    there, begin = ZoneInfo(zone), date(2020, 1, 1)
    times = ((0, 0), (1, 59), (2, 30), (23, 15))
    for hour, minute in times:
        cron, last = Cron(f"{minute} {hour} * * *", there), ms(datetime(2020, 1, 1, tzinfo=there)) - 1
        expected = at_times_of_day(((hour, minute),), set(range(7)), there, begin)
        for _ in range(3653):
            following = cron.after(last)
            assert following == next(expected)
            last = following


@pytest.mark.parametrize("zone", [one for one in ZONES if one != "Australia/Lord_Howe"])
def test_a_year_by_real_time(zone: str) -> None:
    """Every second hour of the clocks, in each of two hours of that name.

    But for Lord Howe Island, whose clocks go back by half an hour: there cronsim looks for hours by whole ones, and
    passes over the first half of that one.
    """
    there = ZoneInfo(zone)
    begin = datetime(2024, 1, 1, tzinfo=there)
    cron, last = Cron("*/20 */2 * * *", there), ms(begin)
    expected = by_real_time({0, 20, 40}, set(range(0, 24, 2)), there, begin)
    for _ in range(3 * 12 * 100):
        following = cron.after(last)
        assert following == next(expected)
        last = following


class Model:
    """What is to come of a schedule, by the rules of `planner`, from times that are found in another way.

    Args:
        schedule: by name.
        now: when it begins.
    """

    def __init__(self, name: str, now: Now) -> None:
        self.name = name
        self.schedule = SCHEDULES[name]
        self.looked = now.wall if self.schedule.every is None else now.boot
        self.seen = now

    def times(self, after: int, until: int) -> list[int]:
        """Those of its own clock."""
        if self.schedule.every is not None:
            length = round(self.schedule.every * 1000)
            return list(range(after + length, until + 1, length))
        hours, days = TIMES[self.name]
        begin = datetime.fromtimestamp(after / 1000, ROME).date() - timedelta(days=1)
        found = []
        for one in at_times_of_day(hours, days, ROME, begin):
            if one > until:
                return found
            if one > after:
                found.append(one)
        return found

    def look(self, now: Now) -> list[tuple[int, bool]]:
        """What is due or was missed: the time on its own clock, and whether it was missed."""
        is_interval = self.schedule.every is not None
        drift = (now.wall - self.seen.wall) - (now.boot - self.seen.boot)
        self.seen = now
        if drift < -FAR and not is_interval:
            self.looked = now.wall
        time = now.boot if is_interval else now.wall
        told: list[tuple[int, bool]] = []
        for one in self.times(self.looked, time):
            if time - one > PATIENCE and not told:
                # An interval keeps its rhythm.
                self.looked = self.times(self.looked, time)[-1] if is_interval else time
                return [(one, True)]
            told.append((one, False))
            self.looked = one
        return told


SCHEDULES = {
    "nightly": Schedule(cron="30 2 * * *", time_zone="Europe/Rome", missed="once"),
    "workdays": Schedule(cron="0,45 1,2,3 * * 1-5", time_zone="Europe/Rome", overlap="queue"),
    "interval": Schedule(every=7 * 3600.0, overlap="replace", missed="once"),
    "often": Schedule(every=1800.0, overlap="skip"),
}
EVERY_DAY = set(range(7))
TIMES = {
    "nightly": (((2, 30),), EVERY_DAY),
    "workdays": (tuple((hour, minute) for hour in (1, 2, 3) for minute in (0, 45)), set(range(5))),
}
BEGINS = (
    datetime(2026, 3, 28, tzinfo=UTC),
    datetime(2026, 10, 24, 12, tzinfo=UTC),
    datetime(2028, 2, 28, tzinfo=UTC),
)


class AnyTime(RuleBasedStateMachine):
    """One task with a schedule, its planner and its engine, and the world around them."""

    @initialize(begin=st.sampled_from(BEGINS), name=st.sampled_from(sorted(SCHEDULES)))
    def begin(self, begin: datetime, name: str) -> None:
        """The node comes up for the first time."""
        self.boot, self.wall = 10_000, ms(begin)
        self.looked: dict[str, int] = {}
        self.model = Model(name, self.now)
        self.waits = 0
        self.is_stopped = False
        self.numbers = 0
        self.stage = self.new_stage()
        self.stage.up()
        self.take_over()

    @property
    def now(self) -> Now:
        """Both clocks."""
        return Now(self.boot, self.wall)

    def new_stage(self) -> Stage:
        """An engine and its processes; ids grow from one to the next."""
        self.numbers += 1_000_000
        job = Service(
            "job", ("x",), is_task=True, schedule=self.model.schedule, restart=Restart(when="never")
        )
        return Stage(job, ids=(f"{number:026}" for number in range(self.numbers, self.numbers + 999_999)))

    def take_over(self) -> None:
        """A planner that knows what the one before kept."""
        self.planner = Planner(UTC, Random(1), self.looked)
        self.tell(self.planner.use({"job": self.model.schedule}, self.now))

    def tell(self, told: Told) -> None:
        """As the scheduler does."""
        self.looked.update(told.looked)
        for run in told.runs:
            happened = event.Due("job", run.planned, run.late / 1000, run.is_missed)
            self.stage.tell(happened if run.is_due else event.Missed("job", run.planned))

    def look(self) -> None:
        """The planner looks, and what it tells is what the model says."""
        now = self.now
        expected = self.model.look(now)
        told = self.planner.look(now)
        shift = 0 if self.model.schedule.every is None else now.wall - now.boot
        assert [(run.planned, run.is_missed) for run in told.runs] == [
            (one + shift, gone) for one, gone in expected
        ]
        once = self.model.schedule.missed == "once"
        assert all(run.is_due is (once or not run.is_missed) for run in told.runs)
        self.tell(told)
        for _, is_missed in expected:
            if not self.is_stopped and (once or not is_missed):
                self.come()

    def come(self) -> None:
        """What becomes of one that is due, beside those that are not over."""
        match self.model.schedule.overlap if self.waits else "":
            case "queue":
                self.waits = min(self.waits + 1, 101)
            case "":
                self.waits = 1

    @rule(length=st.integers(1, 45 * DAY) | st.integers(1, 2 * HOUR))
    def pass_time(self, length: int) -> None:
        """Time passes; it is looked at whenever something is due."""
        end = self.boot + length
        while self.boot < end:
            left = self.planner.left(self.now)
            assert left is not None
            step = min(max(left, 1), end - self.boot)
            self.boot, self.wall = self.boot + step, self.wall + step
            self.look()
            # A run of a schedule that comes often does not last for months.
            if self.waits and self.model.name == "often" and self.boot % 3 == 0:
                self.end_run(code=0)

    @rule(seconds=st.integers(-40 * 86_400, 40 * 86_400) | st.integers(-4 * 3600, 4 * 3600))
    def set_clock(self, seconds: int) -> None:
        """Somebody sets the wall clock; what is less than a second is no matter to a schedule."""
        self.wall += seconds * 1000
        self.look()

    @rule(length=st.integers(1, 20 * DAY) | st.integers(1, 3 * MINUTE))
    def sleep(self, length: int) -> None:
        """The host sleeps; nobody looks meanwhile."""
        self.boot, self.wall = self.boot + length, self.wall + length
        self.look()

    @rule(length=st.integers(0, 10 * DAY) | st.integers(0, 3 * MINUTE), reboots=st.booleans())
    def restart(self, length: int, *, reboots: bool) -> None:
        """The manager, or the whole node with its host, is away for a while."""
        before, every = self.stage, self.model.schedule.every
        self.stage = self.new_stage()
        self.wall += length
        if reboots:
            self.waits = 0
            self.boot = 5_000
            if every is not None:  # what it was on the wall clock is what counts
                self.model.looked += self.now.boot - (self.model.seen.boot + length)
        else:
            self.boot += length
        found = [event.Found(token, 9, 9, 1.0) for token in (() if reboots else before.running)]
        self.stage.up(found=tuple(found), remembered={} if reboots else before.statuses, wanted=before.wanted)
        self.stage.wanted = dict(before.wanted)
        self.take_over()
        self.model.seen = self.now
        self.look()

    @rule(code=st.sampled_from((0, 1)))
    def end_run(self, code: int) -> None:
        """The run that goes on ends; the next that waits begins."""
        if self.waits:
            self.stage.exit("job", Exit(code))
            self.waits -= 1

    @rule()
    def stop_or_start(self) -> None:
        """A person stops it, or starts it again: what was due is over, and a start is no run then."""
        self.stage.ask("start" if self.is_stopped else "stop", "job")
        self.is_stopped = not self.is_stopped
        self.waits = 0

    @rule()
    def run_now(self) -> None:
        """A person wants a run now; one that goes on is it."""
        if not self.is_stopped:
            self.stage.ask("start", "job")
            self.waits = max(self.waits, 1)

    @invariant()
    def one_process_at_most(self) -> None:
        """It runs exactly when a run is not over, and its row says what it is."""
        if not hasattr(self, "stage"):
            return
        assert len(self.stage.running) == (1 if self.waits else 0)
        status = self.stage.statuses["job"]
        assert status.due == self.waits
        expected = {"stopped"} if self.is_stopped else {"waiting", "finished", "failed"}
        assert status.state in ({"starting"} if self.waits else expected)

    @invariant()
    def what_is_told_is_what_ran(self) -> None:
        """No start without a reason: each was due, or asked for, or taken over."""
        if not hasattr(self, "stage"):
            return
        facts = [fact for _, fact in self.stage.facts]
        dues = sum(isinstance(fact, ServiceDue) for fact in facts)
        starts = sum(isinstance(fact, ServiceStarted) for fact in facts)
        asked = sum(one.startswith("start") for one in self.stage.done) + 1
        assert starts <= dues + asked
        assert all(fact.reason for fact in facts if isinstance(fact, ServiceSkipped))


AnyTime.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
TestAnyTime = AnyTime.TestCase
