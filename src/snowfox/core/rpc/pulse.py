"""Whether the other end of a session lives and reads, and how long it takes to answer: pings when it is silent or when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from snowfox.core.rpc import frame

if TYPE_CHECKING:
    from snowfox.core.rpc.outbox import Outbox
    from snowfox.values import Seconds

PINGS_AT: Final[Seconds] = 0.5
"""Silence is looked for at multiples of it: who has several sessions wakes once for all of their pings."""


PATIENCE: Final[Seconds] = 30.0
"""How long the other end may take nothing of what waits for it."""


class Pulse:
    """Of one session.

    Args:
        now: the monotonic time at which it begins.
        outbox: of the session.
        ping_after: seconds of silence after which we ask; None: never.
        dead_after: seconds of silence after which it counts as dead; None: never.

    Attributes:
        received: bytes that came, ever.
        round_trip: seconds from the last ping that was answered to its answer; None before that.
    """

    __slots__ = (
        "_asked",
        "_at",
        "_dead_after",
        "_heard",
        "_outbox",
        "_ping_after",
        "_stuck",
        "received",
        "round_trip",
    )

    def __init__(
        self, now: Seconds, outbox: Outbox, *, ping_after: Seconds | None, dead_after: Seconds | None
    ) -> None:
        self.received = 0
        self.round_trip: Seconds | None = None
        self._outbox = outbox
        self._ping_after = ping_after
        self._dead_after = dead_after
        self._heard = now
        self._asked = False  # since it was heard last
        self._at: Seconds | None = None
        self._stuck: tuple[int, Seconds] | None = None

    @property
    def is_measuring(self) -> bool:
        """Whether a ping is not answered yet."""
        return self._at is not None

    @property
    def is_asked(self) -> bool:
        """Whether it was silent, and asked for that whether it lives."""
        return self._asked

    def heard(self, size: int, now: Seconds) -> None:
        """So many bytes came."""
        self.received += size
        self._heard = now
        self._asked = False

    def ping(self, now: Seconds) -> None:
        """Measure the round trip, unless that goes on."""
        if self._at is None:
            self._at = now
            self._outbox.put(frame.PING)

    def answered(self, now: Seconds) -> None:
        """A ping was. One that we did not send is fine."""
        if self._at is not None:
            self.round_trip, self._at = now - self._at, None

    def death(self, now: Seconds) -> Seconds | None:
        """The silence after which it counts as dead, when it is so; else pings when it is time to."""
        silence = now - self._heard
        if self._dead_after is not None and silence >= self._dead_after:
            return silence
        if self._ping_after is not None and silence >= self._ping_after and not self._asked:
            self._asked = True
            if self._at is None:
                self._at = now
            self._outbox.put(frame.PING)
        return None

    def is_stuck(self, now: Seconds) -> bool:
        """Whether the other end took nothing for long of what waits for it."""
        gone = self._outbox.gone
        if not self._outbox.is_blocked:
            self._stuck = None
        elif self._stuck is None or self._stuck[0] != gone:
            self._stuck = (gone, now)
        else:
            return now - self._stuck[1] >= PATIENCE
        return False

    def next_look(self, when: Seconds, looked: Seconds) -> Seconds:
        """The monotonic time at which `death` or `is_stuck` has something to do; `when` where that is sooner.

        Args:
            when: what else there is to do.
            looked: when deadlines were looked at last.
        """
        if self._ping_after is not None and not self._asked:
            when = min(when, _rounded_up(self._heard + self._ping_after))
        if self._dead_after is not None:
            when = min(when, self._heard + self._dead_after)
        if self._outbox.is_blocked:
            when = min(when, looked if self._stuck is None else self._stuck[1] + PATIENCE)
        return when


def _rounded_up(moment: Seconds) -> Seconds:
    return -(-moment // PINGS_AT) * PINGS_AT
