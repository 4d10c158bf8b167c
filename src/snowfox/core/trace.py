"""Which story an action belongs to: a trace's id, and what within it led here.

Contextvars only: cheap enough for daemon and spawner. A trace is set where an event is handled or a request is served;
what is emitted, called and logged inside is linked by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Final

from snowfox.core.named import NamedTuple


class Trace(NamedTuple):
    """A place in a story.

    Args:
        id: of the whole story: the id of its first event or call.
        cause: id of the event or call inside which we are: the parent of what comes next.
    """

    id: str
    cause: str


_current: Final[ContextVar[Trace | None]] = ContextVar("snowfox.trace", default=None)


current: Final[Callable[[], Trace | None]] = _current.get
"""The trace of the place that calls; None where nothing set one. Not a function around it: each call asks."""


class within:  # noqa: N801 - reads as a statement
    """`with within(trace):` what runs inside, tasks made there included, belongs to it. None cuts the link."""

    __slots__ = ("_token", "_trace")

    def __init__(self, trace: Trace | None) -> None:
        self._trace = trace
        self._token: Token[Trace | None] | None = None

    def __enter__(self) -> Trace | None:
        self._token = _current.set(self._trace)
        return self._trace

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)
