"""Times of schedules, as a person reads them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from snowfox.manager.schedule.wording import time_text
from snowfox.service.schedule import Schedule

NOW = datetime(2026, 11, 25, 10, 11, tzinfo=UTC)
CRON = Schedule(cron="* * * * *")


@pytest.mark.parametrize(
    ("later", "schedule", "text"),
    [
        (timedelta(minutes=4), CRON, "10:15"),
        (timedelta(hours=16, minutes=49), CRON, "Thu 03:00"),
        (timedelta(days=7), CRON, "2026-12-02 10:11"),
        (timedelta(days=-1), CRON, "2026-11-24 10:11"),
        (timedelta(seconds=90), Schedule(every=90.0), "10:12:30"),
        (timedelta(seconds=60), Schedule(every=60.0), "10:12"),
    ],
)
def test_near_and_far(later: timedelta, schedule: Schedule, text: str) -> None:
    """The day is named unless it is this one."""
    ms = round(NOW.timestamp()) * 1000
    assert time_text(ms + round(later.total_seconds()) * 1000, ms, UTC, schedule) == text


def test_a_named_zone_is_named() -> None:
    """For it may not be that of who reads."""
    ms, zone = round(NOW.timestamp()) * 1000, ZoneInfo("Europe/Rome")
    assert time_text(ms, ms, zone, CRON.replace(time_zone="Europe/Rome")) == "11:11 CET"
