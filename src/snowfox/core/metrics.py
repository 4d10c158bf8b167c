"""Metrics as a façade: costs a comparison when nobody listens, and cannot break its host.

```python
CALLS = counter("snowfox_posix_calls_total")
CALLS.add(call="bind", errno="EACCES")
totals = Totals(); set_sink(totals)       # and totals.value("snowfox_posix_calls_total", call="bind", …)
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

MOST_SERIES: Final = 10_000
"""Series (a name with its labels) that `Totals` holds; more are counted as dropped."""

Sink = Callable[[str, str, float, Mapping[str, str]], object]
"""Takes kind (`counter`: an increment, `gauge`: a value), name, number and labels, in place."""

Key = tuple[str, tuple[tuple[str, str], ...]]


class State:
    """The one place for what is set: a sink, and how often a sink failed.

    Read by who would have work with finding a number; written by `set_sink` only.
    """

    sink: Sink | None = None
    failures: int = 0


def set_sink(sink: Sink | None) -> Sink | None:
    """Let `sink` take all from now on; None silences. Returns the one before, to put back."""
    before, State.sink = State.sink, sink
    return before


def failures() -> int:
    """How many numbers sinks of this process failed to take."""
    return State.failures


def _tell(kind: str, name: str, number: float, labels: Mapping[str, str]) -> None:
    sink = State.sink
    if sink is None:
        return
    try:
        sink(kind, name, number, labels)
    except Exception:  # noqa: BLE001 - a façade cannot break its host
        State.failures += 1


class Counter:
    """A number that only grows."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def add(self, count: float = 1, **labels: str) -> None:
        """Add `count` (>= 0) to the series with these labels."""
        if State.sink is not None:
            _tell("counter", self.name, count, labels)


class Gauge:
    """A number that goes up and down."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def set(self, value: float, **labels: str) -> None:
        """The series with these labels is `value` now."""
        if State.sink is not None:
            _tell("gauge", self.name, value, labels)


def counter(name: str) -> Counter:
    """A counter; two of the same name are one."""
    return Counter(name)


def gauge(name: str) -> Gauge:
    """A gauge; two of the same name are one."""
    return Gauge(name)


class Totals:
    """A sink that adds up in memory, at most `MOST_SERIES` series."""

    def __init__(self) -> None:
        self.series: dict[Key, float] = {}
        self.dropped = 0

    def __call__(self, kind: str, name: str, number: float, labels: Mapping[str, str]) -> None:
        """Take one number."""
        key = (name, tuple(sorted(labels.items())))
        if key not in self.series and len(self.series) >= MOST_SERIES:
            self.dropped += 1
        elif kind == "gauge":
            self.series[key] = number
        else:
            self.series[key] = self.series.get(key, 0) + number

    def value(self, name: str, **labels: str) -> float:
        """The total of one series; 0 when nothing came."""
        return self.series.get((name, tuple(sorted(labels.items()))), 0)
