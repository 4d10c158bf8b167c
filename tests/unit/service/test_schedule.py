"""Schedules: what is written, and the instants that it means."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from snowfox.service.schedule import Cron, Every, Schedule, cron_fields, zone_of
from snowfox.testing.configuration import configuration, shown

pytest.importorskip("cronsim", reason="locked in requirements/test.txt: make .venv/.test")

TASK = '[service.report]\ntype = "task"\ncommand = "true"\n'
ROME = ZoneInfo("Europe/Rome")


def ms(*words: int, zone: ZoneInfo = ROME, fold: int = 0) -> int:
    """An instant."""
    return round(datetime(*words, tzinfo=zone, fold=fold).timestamp()) * 1000  # type: ignore[misc,arg-type]


def times(fields: str, begin: int, count: int, zone: ZoneInfo = ROME) -> list[str]:
    """The next so many, with the offset."""
    cron, found = Cron(fields, zone), []
    for _ in range(count):
        following = cron.after(begin)
        assert following is not None
        begin = following
        found.append(f"{datetime.fromtimestamp(begin / 1000, zone):%d %H:%M%z}")
    return found


def schedule_of(written: str) -> Schedule:
    """As a configuration says it."""
    return configuration(f"{TASK}schedule = {written}").services["report"].schedule


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ('"every 15m"', Schedule(every=900.0)),
        ('"@daily"', Schedule(cron="0 0 * * *")),
        ('"*/15  * * * *"', Schedule(cron="*/15 * * * *")),
        ('{ every = "1h", jitter = "30s" }', Schedule(every=3600.0, jitter=30.0)),
        (
            '{ cron = "0 3 * * mon-fri", time-zone = "Europe/Rome", overlap = "queue", missed = "once" }',
            Schedule(cron="0 3 * * mon-fri", time_zone="Europe/Rome", overlap="queue", missed="once"),
        ),
    ],
)
def test_forms(written: str, means: Schedule) -> None:
    """Text or a table; nicknames are the fields that they stand for."""
    assert schedule_of(written) == means


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ('"every 0.5s"', '"0.5s" is shorter than 1s'),
        ('"every"', '"" is not a duration'),
        ('"* * * *"', "has 4 fields, not minute, hour, day, month and day of the week"),
        ('"0 0 * * * *"', "has 6 fields"),
        ('"61 * * * *"', '"61 * * * *" is not a schedule: "61" is no minute (0 to 59)'),
        ('"0 0 31 2 *"', '"31" is no day of month (1 to 31, as the month has them)'),
        ('"* * * * 5L/2"', '"* * * * 5L/2" is not a schedule'),
        ('"@reboot"', "a task without a schedule runs at each start"),
        ('"@often"', "known are @annually, @daily"),
        ("15", "schedule must be text or a table, not a number"),
        ("{ }", "schedule says not when"),
        ('{ jitter = "1s" }', "schedule says not when"),
        ('{ cron = "@daily", every = "1h" }', "schedule says cron and every: one is enough"),
        ('{ every = "1h", time-zone = "UTC" }', "schedule.time-zone is only for cron"),
        ('{ cron = "@daily", time-zone = "Europe/Roma" }', 'did you mean "Europe/Rome"?'),
        ('{ cron = "@daily", time-zone = "Europe" }', 'there is no time zone "Europe" here'),
        ('{ cron = "@daily", time-zone = "../../etc/passwd" }', "there is no time zone"),
        ('{ cron = "@daily", overlap = "wait" }', 'must be one of "skip", "queue", "replace"'),
    ],
)
def test_mistakes(written: str, says: str) -> None:
    """Each is told in words."""
    assert says in shown(f"{TASK}schedule = {written}")


def test_only_tasks_have_one() -> None:
    """A service that never ends has no next run."""
    text = '[service.web]\ncommand = "true"\nschedule = "@daily"'
    found = shown(text)
    assert "a service runs all the time; schedule is for tasks" in found
    assert 'type = "task"' in found


def test_nobody_can_require_one() -> None:
    """It would wait for the next run; `after` is fine."""
    other = '[service.web]\ncommand = "true"\n'
    text = f'{TASK}schedule = "@daily"\n{other}'
    assert "report runs by its schedule" in shown(f'{text}requires = ["report"]')
    assert "report runs" not in shown(f'{text}after = ["report"]')


def test_a_template_may_have_one() -> None:
    """What a task says itself takes its place whole."""
    text = '[template.often]\nschedule = { every = "1m", jitter = "5s" }\n' + TASK + 'extends = "often"\n'
    assert configuration(text).services["report"].schedule == Schedule(every=60.0, jitter=5.0)
    own = configuration(f'{text}schedule = "@daily"').services["report"].schedule
    assert own == Schedule(cron="0 0 * * *")


def test_a_time_of_day_runs_once_when_the_clock_goes_back() -> None:
    """At the first of two, and never again on that day."""
    begin = ms(2026, 10, 24, 12)
    assert times("30 2 * * *", begin, 3) == ["25 02:30+0200", "26 02:30+0100", "27 02:30+0100"]
    within = ms(2026, 10, 25, 2, 10, fold=1)
    assert times("30 2 * * *", within, 1) == ["26 02:30+0100"]


def test_a_time_of_day_runs_once_when_the_clock_goes_forward() -> None:
    """At the end of the gap."""
    begin = ms(2026, 3, 28, 12)
    assert times("30 2 * * *", begin, 2) == ["29 03:00+0200", "30 02:30+0200"]
    assert times("0,30 2 * * *", begin, 2) == ["29 03:00+0200", "30 02:00+0200"]


def test_by_the_hour_real_time_counts() -> None:
    """One each hour, through both changes."""
    assert times("0 * * * *", ms(2026, 10, 25, 1, 30), 3) == [
        "25 02:00+0200",
        "25 02:00+0100",
        "25 03:00+0100",
    ]
    assert times("0 * * * *", ms(2026, 3, 29, 0, 30), 3) == [
        "29 01:00+0100",
        "29 03:00+0200",
        "29 04:00+0200",
    ]


def test_from_anywhere_the_same() -> None:
    """An instant's successor does not depend on what was asked before."""
    fields, begin = "17 */5 * * 1-5", ms(2026, 3, 27, 3)
    one = Cron(fields, ROME)
    for _ in range(200):
        following = one.after(begin)
        assert following == Cron(fields, ROME).after(begin) == Cron(fields, ROME).after(following - 1)
        begin = following


def test_each_fits_its_fields() -> None:
    """Ten years of weekdays at 6:45 are all of them."""
    cron, begin = Cron("45 6 * * 1-5", ROME), ms(2026, 1, 1)
    found = []
    while (begin := cron.after(begin) or 0) < ms(2036, 1, 1):
        found.append(datetime.fromtimestamp(begin / 1000, ROME))
    assert {(one.hour, one.minute) for one in found} == {(6, 45)}
    assert {one.weekday() for one in found} == {0, 1, 2, 3, 4}
    assert all((later.date() - earlier.date()).days <= 3 for earlier, later in pairwise(found))
    assert 2606 <= len(found) <= 2611


def test_seldom() -> None:
    """A Monday that is the 29th of February is found, however far away."""
    found = Cron("0 0 29 2 */7", ZoneInfo("UTC")).after(ms(2026, 1, 1))
    assert found is not None
    assert datetime.fromtimestamp(found / 1000, UTC).year == 2032


def test_an_interval_keeps_its_rhythm() -> None:
    """The last time in it that is over, however long ago it began."""
    every = Every(60.0)
    assert every.after(1_000) == 61_000
    assert every.latest(1_000, 60_999) == 1_000
    assert every.latest(1_000, 181_000) == 181_000


def test_a_zone_that_is_gone() -> None:
    """Told as a mistake in the value."""
    assert zone_of("Europe/Rome") is not None
    with pytest.raises(ValueError, match="no time zone"):
        Schedule(cron="0 0 * * *", time_zone="Nowhere/Atall").times(UTC)


def test_fields_are_spaced_alike() -> None:
    """So that a space more is no change."""
    assert cron_fields(" 0\t3 * *   * ") == "0 3 * * *"
