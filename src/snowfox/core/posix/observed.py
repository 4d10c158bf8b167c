"""Counts each call to the kernel by its name and errno: `snowfox_posix_calls_total{call,errno}`.

`errno` is the name of what the kernel refused with, "" where it did what it was asked. Unheard, a call costs one
more function call; put it inside a `Restricted`, which adds nothing.
"""

from __future__ import annotations

import errno as _errno
from collections.abc import Callable
from typing import Any

from snowfox.core.metrics import counter
from snowfox.core.posix.api import GROUPS, Poller, Posix
from snowfox.errors import PosixError


class _Group:
    """A group whose calls are its attributes."""


class Observed(Posix):
    """A posix whose calls are counted.

    Args:
        posix: what does the work.
    """

    def __init__(self, posix: Posix) -> None:
        self._posix = posix
        for name, kind in GROUPS.items():
            group = _Group()
            below = getattr(posix, name)
            for call in kind.__abstractmethods__:
                setattr(group, call, _counted(f"{name}.{call}", getattr(below, call)))
            setattr(self, name, group)
        self._make_poller = _counted("poller", posix.poller)

    def poller(self) -> Poller:
        """A poller of the posix below; its making is counted, its waits are not."""
        made: Poller = self._make_poller()
        return made


def _counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    calls = counter("snowfox_posix_calls_total")

    def count(*arguments: Any, **named: Any) -> Any:
        try:
            result = call(*arguments, **named)
        except PosixError as error:
            calls.add(1, call=name, errno=_errno.errorcode.get(error.errno, str(error.errno)))
            raise
        calls.add(1, call=name, errno="")
        return result

    return count
