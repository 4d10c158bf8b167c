"""Times of schedules, as a person reads them."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final

from snowfox.service.schedule import Schedule

_DAY: Final = 86_400_000
_SOON: Final = 6 * _DAY
_MINUTE: Final = 60.0


def time_text(planned: int, now: int, zone: tzinfo, schedule: Schedule) -> str:
    """`10:15`, `Thu 03:00`, `2026-12-01 03:00`; with seconds where the rhythm has them, `CET` where a zone is named.

    Args:
        planned: wall clock ms.
        now: wall clock ms.
        zone: whose clocks it is read from.
        schedule: that names it.
    """
    there = datetime.fromtimestamp(planned / 1000, zone)
    has_seconds = schedule.every is not None and bool(schedule.every % _MINUTE)
    text = there.strftime("%H:%M:%S" if has_seconds else "%H:%M")
    if there.date() != datetime.fromtimestamp(now / 1000, zone).date():
        text = f"{there:%a} {text}" if 0 <= planned - now < _SOON else f"{there:%Y-%m-%d} {text}"
    return f"{text} {there:%Z}" if schedule.time_zone is not None else text
