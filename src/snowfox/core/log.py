"""Logging as a façade: costs a comparison when nobody listens, and cannot break its host.

`logging` is not used: it costs 17 ms of import, which daemon and spawner do not pay, nor do they pay for `json`. A
sink is called in place with each record; what it raises is counted, never passed on.

```python
log = get("spawner")
log.warning("refused a launch", instance="web@1", user="root")
set_sink(json_line_sink(write))      # {"at":…,"level":"warning","name":"spawner","text":"refused a launch",…}
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from snowfox.core import trace
from snowfox.core.clock import Clock, active
from snowfox.core.named import NamedTuple

LEVELS: Final = ("debug", "info", "warning", "error")
"""From the least to the most important."""

_ESCAPES: Final = {
    **{number: f"\\u{number:04x}" for number in (*range(0x20), 0x7F, 0x2028, 0x2029)},
    0x08: "\\b",
    0x09: "\\t",
    0x0A: "\\n",
    0x0C: "\\f",
    0x0D: "\\r",
    0x22: '\\"',
    0x5C: "\\\\",
}


class Record(NamedTuple):
    """What was said: level (one of `LEVELS`), by whom, text, fields of plain values, trace of the place."""

    level: str
    name: str
    text: str
    fields: Mapping[str, Any]
    trace: trace.Trace | None


Sink = Callable[[Record], object]
"""Takes each record, in place: it must be quick and must not block."""


class State:
    """The one place for what is set: a sink, the same where it takes debug too, and how often a sink failed.

    Read by who would have work with a record of level `debug`; written by `set_sink` only.
    """

    sink: Sink | None = None
    detailed: Sink | None = None
    failures: int = 0


def set_sink(sink: Sink | None) -> Sink | None:
    """Let `sink` take all records from now on; None silences. Returns the one before, to put back.

    A sink whose attribute `least` is above `debug` is not troubled with records of that level, which are the many.
    """
    before, State.sink = State.sink, sink
    State.detailed = sink if getattr(sink, "least", LEVELS[0]) == LEVELS[0] else None
    return before


def failures() -> int:
    """How many records sinks of this process failed to take."""
    return State.failures


class Log:
    """A named voice. Fields are plain values: str, int, float, bool, None, lists and dicts of them."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def debug(self, text: str, **fields: Any) -> None:
        """For whoever looks for a mistake."""
        if State.detailed is not None:
            self._say("debug", text, fields)

    def info(self, text: str, **fields: Any) -> None:
        """What happened, as expected."""
        if State.sink is not None:
            self._say("info", text, fields)

    def warning(self, text: str, **fields: Any) -> None:
        """What should not have happened and was dealt with."""
        if State.sink is not None:
            self._say("warning", text, fields)

    def error(self, text: str, **fields: Any) -> None:
        """What failed."""
        if State.sink is not None:
            self._say("error", text, fields)

    def _say(self, level: str, text: str, fields: Mapping[str, Any]) -> None:
        sink = State.sink
        if sink is None:
            return
        try:
            sink(Record(level, self.name, text, fields, trace.current()))
        except Exception:  # noqa: BLE001 - a façade cannot break its host
            State.failures += 1


def get(name: str) -> Log:
    """The voice of a part of the program: `spawner`, `manager.engine`."""
    return Log(name)


class _JsonLines:
    """See `json_line_sink`."""

    __slots__ = ("_clock", "_heard", "_write", "least")

    def __init__(self, write: Callable[[bytes], object], clock: Clock | None, least: str) -> None:
        self._write = write
        self._clock = clock
        self.least = least
        self._heard = LEVELS[LEVELS.index(least) :]

    def __call__(self, record: Record) -> None:
        if record.level not in self._heard:
            return
        members: dict[str, Any] = {
            "at": (self._clock or active()).wall(),
            "level": record.level,
            "name": record.name,
            "text": record.text,
        }
        if record.trace is not None:
            members["trace"], members["cause"] = record.trace
        for name, value in record.fields.items():
            members[name if name not in members else f"{name}_"] = value
        self._write(json_bytes(members) + b"\n")


def json_line_sink(
    write: Callable[[bytes], object], *, clock: Clock | None = None, least: str = "debug"
) -> Sink:
    """A sink that writes one JSON object per record, each in one call with its newline.

    Args:
        write: takes the bytes of a line. What it raises counts as a failure of the sink.
        clock: for the member `at` (milliseconds since 1970); the active one by default.
        least: the least important level that is written.
    """
    return _JsonLines(write, clock, least)


def json_bytes(value: object) -> bytes:
    """JSON (RFC 8259) on one line, in UTF-8, of plain values; what is not plain becomes its `str`.

    Lone surrogates, as in names of files that are not UTF-8, become an escape (RFC 8259, 8.2). NaN and the infinities,
    which JSON has not, become null.
    """
    out: list[str] = []
    _write(value, out)
    return "".join(out).encode("utf-8", "backslashreplace")


def _write(value: object, out: list[str]) -> None:
    match value:
        case str():
            out.append(_text(value))
        case None:
            out.append("null")
        case bool():
            out.append("true" if value else "false")
        case int():
            out.append(int.__repr__(value))
        case float():
            out.append(float.__repr__(value) if value - value == 0 else "null")
        case dict():
            _write_members(value, out)  # pyright: ignore[reportUnknownArgumentType] - members are looked at one by one
        case list() | tuple() | set() | frozenset():
            _write_items(list(value), out)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        case bytes():
            out.append(_text(value.decode("utf-8", "backslashreplace")))
        case _:
            out.append(_text(str(value)))


def _text(text: str) -> str:
    """In quotes. Nearly all texts are as they are: to find that out takes less than to look each letter up."""
    is_plain = text.isprintable() and '"' not in text and "\\" not in text
    return f'"{text}"' if is_plain else f'"{text.translate(_ESCAPES)}"'


def _write_members(members: Mapping[Any, Any], out: list[str]) -> None:
    out.append("{")
    comma = ""
    for name, value in members.items():
        out.append(f"{comma}{_text(str(name))}:")
        _write(value, out)
        comma = ","
    out.append("}")


def _write_items(items: list[Any], out: list[str]) -> None:
    out.append("[")
    comma = ""
    for value in items:
        out.append(comma)
        _write(value, out)
        comma = ","
    out.append("]")
