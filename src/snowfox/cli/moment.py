"""Times as people write them: `10m` ago, `14:05`, `2026-11-25`, `2026-11-25 14:05:30`."""

from __future__ import annotations

import argparse
import time
from typing import Final

from snowfox.values import duration

_FORMS: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d")
_CLOCKS: Final = ("%H:%M:%S", "%H:%M")


def moment(text: str) -> int:
    """Wall clock ms of a time on this host's clock, or of a duration before now. Raises ArgumentTypeError."""
    now = time.time()
    try:
        return int((now - duration(text)) * 1000)
    except ValueError:
        pass
    if text.endswith("Z"):
        return _utc(text)
    today = time.strftime("%Y-%m-%d ", time.localtime(now))
    for form, written in (
        *((form, text) for form in _FORMS),
        *((f"%Y-%m-%d {form}", today + text) for form in _CLOCKS),
    ):
        try:
            return int(time.mktime((*time.strptime(written, form)[:8], -1)) * 1000)
        except (ValueError, OverflowError):
            continue
    raise _wrong(text)


def _utc(text: str) -> int:
    import calendar  # noqa: PLC0415 - seldom

    for form in _FORMS:
        try:
            return calendar.timegm(time.strptime(text[:-1], form)) * 1000
        except ValueError:
            continue
    raise _wrong(text)


def _wrong(text: str) -> argparse.ArgumentTypeError:
    msg = f'"{text}" is not a time: give how long ago, as 10m, or 14:05, or "2026-11-25 14:05:30"'
    return argparse.ArgumentTypeError(msg)
