"""`schedule`: when a task runs. What is written, and the instants that it means.

Cron fields are read by cronsim, which follows Debian's cron, its daylight saving included: what runs at a time of day
(neither minute nor hour begins with `*`) runs once on each day, at the end of the gap when its time is skipped and at
the first of two when it comes twice; what runs by the minute or hour goes by real time. croniter was rejected: each
day of a change it is wrong in another way (sentry#66868).

Instants are whole milliseconds since 1970. An interval is measured, so its instants may be those of any clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any, ClassVar, Final, Literal, Protocol

from snowfox.core.config.kind import Findings, Parsed
from snowfox.core.config.nearest import did_you_mean
from snowfox.core.config.problem import quoted
from snowfox.core.config.scanner import Path
from snowfox.core.config.section import Nested, Section
from snowfox.service.written import DURATION
from snowfox.values import Seconds

NICKNAMES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
"""As in crontab(5), but for `@reboot`: a task without a schedule runs at each start of the node."""

SHORTEST: Final[Seconds] = 1.0
"""The shortest interval."""

_SOME_SUNDAY: Final = datetime(2023, 1, 1, tzinfo=UTC)
_RANGES: Final = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, as the month has them",
    "month": "1 to 12, JAN to DEC",
    "day-of-week": "0 to 7, SUN to SAT",
}
"""The fields in their order, as cronsim calls them, and what they may be."""
_MISSING: Final = "cannot be read: the package cronsim is not installed"


class Times(Protocol):
    """Instants, each after the one before."""

    def after(self, instant: int) -> int | None:
        """The first that is later; None when there is none."""
        ...


class Cron:
    """The instants of cron fields.

    Args:
        fields: five of them, checked.
        zone: whose clocks they are about.
    """

    def __init__(self, fields: str, zone: tzinfo) -> None:
        self._fields = fields
        self._zone = zone
        self._last: int | None = None
        self._next: Callable[[], datetime] | None = None

    def after(self, instant: int) -> int | None:
        """None when there is none within 50 years."""
        if self._next is None or instant != self._last:
            from cronsim import CronSim  # noqa: PLC0415 - 5 ms, for those who have schedules

            begin = datetime.fromtimestamp(instant // 1000, self._zone)
            self._next = CronSim(self._fields, begin).__next__
        found: int | None = None
        try:
            # In the hour that comes twice, times of day are found that have been.
            while found is None or found <= instant:
                found = round(self._next().timestamp()) * 1000
        except StopIteration:
            self._next = None
            return None
        self._last = found
        return found


class Every:
    """Instants at a distance.

    Args:
        seconds: between two.
    """

    def __init__(self, seconds: Seconds) -> None:
        self._length = round(seconds * 1000)

    def after(self, instant: int) -> int:
        """So much later."""
        return instant + self._length

    def before(self, instant: int) -> int:
        """So much earlier."""
        return instant - self._length

    def latest(self, instant: int, now: int) -> int:
        """The last in the rhythm of `instant` that is not after `now`."""
        return instant + (now - instant) // self._length * self._length


def cron_fields(text: str) -> str:
    """Five fields with one space between them, `@daily` among them. Raises ValueError with a sentence for a person."""
    fields = " ".join(NICKNAMES.get(text.strip().lower(), text).split())
    count = len(fields.split())
    if fields.startswith("@"):
        why = "a task without a schedule runs at each start" if fields == "@reboot" else "known are "
        known = "" if fields == "@reboot" else ", ".join(sorted(NICKNAMES))
        msg = f"{quoted(text)} is not a schedule: {why}{known}"
        raise ValueError(msg)
    if count != 5:
        msg = f"{quoted(text)} has {count} fields, not minute, hour, day, month and day of the week"
        raise ValueError(msg)
    try:
        from cronsim import CronSim  # noqa: PLC0415 - as above
    except ImportError:
        msg = f"{quoted(text)} {_MISSING}"
        raise ValueError(msg) from None
    try:
        CronSim(fields, _SOME_SUNDAY)
    except Exception as error:
        # CronSimError, and for what its parser does not expect also TypeError, AssertionError.
        msg = f"{quoted(text)} is not a schedule" + _fault(fields, str(error).removeprefix("Bad "))
        raise ValueError(msg) from error
    return fields


def _fault(fields: str, name: str) -> str:
    """What is wrong with which field; "" where that is not known."""
    if name not in _RANGES:
        return ""
    field = fields.split()[[*_RANGES].index(name)]
    return f": {quoted(field)} is no {name.replace('-', ' ')} ({_RANGES[name]})"


def zone_of(name: str) -> tzinfo:
    """A time zone of the host's, by its name in the IANA database. Raises ValueError with a sentence for a person."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - 5 ms, for those who name one

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: a folder, such as Europe
        pass
    msg = f"there is no time zone {quoted(name)} here{_nearest(name)}"
    raise ValueError(msg)


def _nearest(name: str) -> str:
    from zoneinfo import available_timezones  # noqa: PLC0415 - as above

    hint = did_you_mean(name, sorted(available_timezones()))
    return f": {hint}" if hint else ""


def _zone(text: str) -> str:
    zone_of(text)
    return text


def _interval(text: str) -> Seconds:
    seconds: Seconds = DURATION.parse(text)
    if seconds < SHORTEST:
        msg = f"{quoted(text)} is shorter than 1s"
        raise ValueError(msg)
    return seconds


CRON: Final = Parsed("cron fields", '"*/15 * * * *", "@daily"', cron_fields)
INTERVAL: Final = Parsed("a duration", '"15m", "1h"', _interval, r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$")
ZONE: Final = Parsed("the name of a time zone", '"Europe/Rome", "UTC"', _zone)


class Schedule(Section):
    """When a task runs: by `cron` or `every`; without both it has no schedule.

    Args:
        cron: minute, hour, day, month and day of the week, or "@hourly", "@daily", "@weekly", "@monthly", "@yearly".
        every: seconds from one run to the next; the first comes after so long.
        time_zone: whose clocks `cron` is about; default: the host's.
        jitter: each run begins up to so much later.
        overlap: what becomes of a run that is due while the one before goes on.
        missed: whether it runs once for what was missed while the node or the host was down.
    """

    EXAMPLE: ClassVar[str] = '{ cron = "*/15 * * * *" }'
    WHOLE: ClassVar[bool] = True

    cron: Annotated[str, CRON] | None = None
    every: Annotated[Seconds, INTERVAL] | None = None
    time_zone: Annotated[str, ZONE] | None = None
    jitter: Annotated[Seconds, DURATION] = 0.0
    overlap: Literal["skip", "queue", "replace"] = "skip"
    missed: Literal["once", "skip"] = "skip"

    @property
    def is_set(self) -> bool:
        """Whether there is one."""
        return self.cron is not None or self.every is not None

    def names_the_same(self, other: Schedule) -> bool:
        """Whether both name the same instants."""
        return (self.cron, self.every, self.time_zone) == (other.cron, other.every, other.time_zone)

    def times(self, zone: tzinfo) -> Cron | Every:
        """Its instants; `zone` is the host's. Raises ValueError when its own is gone since it was checked."""
        if self.every is not None:
            return Every(self.every)
        return Cron(self.cron or "", self.zone(zone))

    def zone(self, host: tzinfo) -> tzinfo:
        """Whose clocks it is about. Raises ValueError as `times`."""
        return host if self.time_zone is None else zone_of(self.time_zone)


class Schedules(Nested):
    """A table, or text: cron fields, `@daily`, `every 15m`."""

    words = "text or a table"

    def __init__(self) -> None:
        super().__init__(Schedule)
        self.example = '"every 15m", "@daily", { cron = "*/15 * * * *", time-zone = "Europe/Rome" }'

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """What is written of it, a `Partial`."""
        if not isinstance(value, str):
            return super().read(value, path, findings)
        word, _, rest = value.strip().partition(" ")
        if word == "every":
            return {"every": INTERVAL.read(rest.strip(), path, findings)}
        return {"cron": CRON.read(value, path, findings)}

    def schema(self) -> dict[str, Any]:
        """Text that is not empty, or the table."""
        return {"anyOf": [{"type": "string", "minLength": 1}, super().schema()]}
