"""The posix interface in force: one per process, or per context where a simulation holds several processes."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from snowfox.core.posix.api import Posix
from snowfox.errors import PosixNotSet

_inside: ContextVar[Posix | None] = ContextVar("posix", default=None)
_whole: list[Posix] = []


def active() -> Posix:
    """The innermost `within`, else what `activate` set. Raises PosixNotSet before either."""
    found = _inside.get()
    if found is not None:
        return found
    if not _whole:
        msg = "no posix interface is active"
        raise PosixNotSet(msg, "call activate(posix) when the process starts")
    return _whole[0]


def activate(posix: Posix | None) -> None:
    """Make it that of the whole process; None takes it away again."""
    _whole[:] = [] if posix is None else [posix]


@contextmanager
def within(posix: Posix) -> Generator[Posix]:
    """Make it that of this block, its tasks and their calls."""
    token = _inside.set(posix)
    try:
        yield posix
    finally:
        _inside.reset(token)
