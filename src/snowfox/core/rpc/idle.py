"""Whether a session is used: looked at a few times rather than noted with each call, so that calls cost nothing more."""

from __future__ import annotations

from typing import Final

from snowfox.values import Seconds

LOOKS: Final = 4
"""Looks in the time after which a session counts as idle: that is found at most a quarter of it late."""


class Idle:
    """Of one session.

    Args:
        after: seconds without a call, > 0.
        now: the monotonic time at which the session begins.

    Attributes:
        next_look: the monotonic time at which to look again.
    """

    __slots__ = ("_after", "_mark", "_since", "_was_told", "next_look")

    def __init__(self, after: Seconds, now: Seconds) -> None:
        self._after = after
        self._mark: object = None
        self._since = now
        self._was_told = False
        self.next_look = now + after / LOOKS

    def look(self, mark: object, now: Seconds, *, is_used: bool) -> bool | None:
        """Look at a session.

        Args:
            mark: another one with each call.
            now: monotonic time.
            is_used: whether a call is under way.

        True once it is idle: no more requests are to be asked for. False a look later, when none came all the same: it is
        to end. None: it goes on.
        """
        self.next_look = now + self._after / LOOKS
        if is_used or mark != self._mark:
            self._mark = None if is_used else mark
            self._since = now
            self._was_told = False
            return None
        if now - self._since < self._after:
            return None
        if self._was_told:
            return False
        self._was_told = True
        return True
