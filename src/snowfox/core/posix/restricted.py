"""A role's part of the kernel: what is not listed is refused.

A guard against our own mistakes, not a security boundary: that is the process. What is allowed costs nothing: the
calls are those of the posix below.
"""

from __future__ import annotations

from typing import Any, NoReturn

from snowfox.core.posix.api import GROUPS, Poller, Posix
from snowfox.errors import NotRestrictedTo

POLLER = "poller"
"""The name of `Posix.poller` in a list."""


def all_calls() -> frozenset[str]:
    """The names of all calls: `files.open`, ..., `poller`."""
    named = {f"{group}.{call}" for group, kind in GROUPS.items() for call in kind.__abstractmethods__}
    return frozenset(named | {POLLER})


class _Group:
    """A group whose calls are its attributes."""


class Restricted(Posix):
    """A posix that allows only the calls listed.

    Args:
        posix: what does the work.
        allowed: names as `files.open`; each exists, else ValueError.
        role: who is restricted, for the error.
    """

    def __init__(self, posix: Posix, allowed: frozenset[str], *, role: str) -> None:
        unknown = allowed - all_calls()
        if unknown:
            msg = f"no such calls: {', '.join(sorted(unknown))}"
            raise ValueError(msg)
        self._posix = posix
        self._role = role
        self._allows_poller = POLLER in allowed
        for name, kind in GROUPS.items():
            group = _Group()
            below = getattr(posix, name)
            for call in kind.__abstractmethods__:
                full = f"{name}.{call}"
                setattr(group, call, getattr(below, call) if full in allowed else _refuser(role, full))
            setattr(self, name, group)

    def poller(self) -> Poller:
        """The poller of the posix below. Raises NotRestrictedTo when `poller` is not listed."""
        if not self._allows_poller:
            _refuse(self._role, POLLER)
        return self._posix.poller()


def _refuser(role: str, call: str) -> Any:
    def refuse(*_arguments: Any, **_named: Any) -> NoReturn:
        _refuse(role, call)

    return refuse


def _refuse(role: str, call: str) -> NoReturn:
    msg = f"{role} may not use {call}"
    raise NotRestrictedTo(msg, f"list it for {role} in core/posix/roles.py if it should")
