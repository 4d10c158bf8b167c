"""Which connection a call goes over: decided here, without I/O and clock. What is to be opened and closed comes out.

A pool has no connection before the first call. It opens one where there is none, and further ones, up to a limit a place,
while all that there are are busy. A call goes to the member that should answer first: by how many calls it has and how
long its last ones took. A place that cannot be reached is tried again after a growing delay, and meanwhile gets nothing.
Calls that find no member wait in their order.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from snowfox.core.backoff import Backoff
from snowfox.core.named import NamedTuple
from snowfox.errors import HostError, PeerError, SnowFoxError
from snowfox.values import Seconds

if TYPE_CHECKING:
    from snowfox.core.backoff import Uniform
    from snowfox.core.rpc.endpoint import Endpoint

NEVER: Final = float("inf")
_UNKNOWN: Final[Seconds] = 0.001
"""What a call is thought to take where none was answered yet."""
_MEMORY: Final = 0.2
"""How much the last answer counts in what a member's calls take."""
_LEFT: Final = "it takes no more requests"
_HESITATION: Final[Seconds] = 0.25
"""How long a connection is awaited before another place is tried as well (RFC 8305, section 5, has the same)."""
_FIRST: Final[Seconds] = 0.05
_MOST: Final[Seconds] = 5.0


class Limits(NamedTuple):
    """How far a pool goes.

    Args:
        connections: to one place at most.
        calls: that one connection has under way at most.
        busy: calls on each connection beyond which another one is opened.
        waiting: calls that wait for a connection at most.
        idle: seconds without a call after which a connection is closed.
    """

    connections: int = 4
    calls: int = 256
    busy: int = 32
    waiting: int = 10_000
    idle: Seconds = 60.0


USUAL: Final = Limits()


class Open(NamedTuple):
    """Connect this member to this place; then tell `opened` or `failed`."""

    member: int
    place: Endpoint


class Close(NamedTuple):
    """Close this member's connection; nothing is told of it any more."""

    member: int


class Give(NamedTuple):
    """This call goes over this member; tell `done` once it is over."""

    call: int
    member: int


Action = Open | Close | Give


class _Place:
    __slots__ = ("endpoint", "failures", "lost", "problem", "retry")

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.failures = 0
        self.lost = 0
        self.retry: Seconds = 0.0
        self.problem: SnowFoxError | None = None


class _Member:
    __slots__ = ("calls", "is_open", "leaves", "number", "place", "seconds", "used", "was_left")

    def __init__(self, number: int, place: _Place, now: Seconds) -> None:
        self.number = number
        self.place = place
        self.is_open = False
        self.leaves = self.was_left = False
        self.calls = 0
        self.seconds: Seconds = _UNKNOWN
        self.used = now

    @property
    def load(self) -> float:
        """How long one more call would take here, about."""
        return (self.calls + 1) * self.seconds


class Pool:
    """See the module. Each method gives what is to be done, in that order.

    Args:
        places: where the other end is; several are equals.
        limits: see `Limits`.
        random: for delays.
    """

    def __init__(self, places: Iterable[Endpoint], *, limits: Limits, random: Uniform) -> None:
        self._limits = limits
        self._random = random
        self._backoff = Backoff(_FIRST, 2.0, _MOST)
        self._places = {place.digest: _Place(place) for place in places}
        self._members: dict[int, _Member] = {}
        self._waiting: OrderedDict[int, None] = OrderedDict()
        self._last = 0
        self._looked: Seconds = 0.0

    @property
    def connections(self) -> int:
        """How many are open or being opened."""
        return len(self._members)

    @property
    def waiting(self) -> int:
        """Calls without a member."""
        return len(self._waiting)

    @property
    def problem(self) -> SnowFoxError | None:
        """Why no place can be reached; None while one can, or was not tried."""
        problems = [place.problem for place in self._places.values()]
        return problems[0] if problems and all(problems) else None

    def ask(self, call: int, now: Seconds) -> list[Action]:
        """A call wants a member. Raises HostError when too many wait."""
        if len(self._waiting) >= self._limits.waiting:
            raise HostError(f"cannot ask: {self._limits.waiting} calls wait for a connection")
        self._waiting[call] = None
        return self._go_on(now)

    def forget(self, call: int) -> None:
        """A call that may still wait wants no member any more."""
        self._waiting.pop(call, None)

    def opened(self, number: int, now: Seconds) -> list[Action]:
        """A member is connected."""
        member = self._members.get(number)
        if member is None:
            return [Close(number)]
        member.is_open = True
        member.used = now
        member.place.failures, member.place.problem = 0, None
        return self._go_on(now)

    def failed(self, number: int, error: SnowFoxError, now: Seconds) -> list[Action]:
        """A member could not be connected."""
        member = self._members.pop(number, None)
        if member is not None:
            self._put_off(member.place, error, now)
        return self._go_on(now)

    def lost(self, number: int, error: SnowFoxError | None, now: Seconds) -> list[Action]:
        """The connection of a member is over. One that said nothing yet counts as not reached."""
        member = self._members.pop(number, None)
        if member is not None:
            member.place.lost += 1
        if member is not None and error is not None:
            self._put_off(member.place, error, now)
        return self._go_on(now)

    def lost_before(self, number: int) -> int:
        """How many connections with the place of this member were lost."""
        member = self._members.get(number)
        return 0 if member is None else member.place.lost

    def done(self, number: int, seconds: Seconds | None, now: Seconds) -> list[Action]:
        """A call of this member is over; `seconds` is what it took, None where it was not answered."""
        member = self._members.get(number)
        if member is None:
            return []
        member.calls -= 1
        member.used = now
        if seconds is not None:
            member.seconds += _MEMORY * (seconds - member.seconds)
        return self._go_on(now)

    def leave(self, number: int, now: Seconds) -> list[Action]:
        """The other end of a member takes no more: it ends what it has, and another takes its place."""
        member = self._members.get(number)
        if member is not None:
            member.leaves = member.was_left = True
            self._put_off(member.place, PeerError(_LEFT, None), now)
        return self._go_on(now)

    def replace(self, places: Iterable[Endpoint], now: Seconds) -> list[Action]:
        """Other places from now on: members of those that stay, or come back, are kept, others end what they have."""
        before = self._places
        self._places = {place.digest: before.get(place.digest) or _Place(place) for place in places}
        for member in self._members.values():
            place = self._places.get(member.place.endpoint.digest)
            member.leaves = member.was_left or place is None
            member.place = place or member.place
        return self._go_on(now)

    def tick(self, now: Seconds) -> list[Action]:
        """Time went on: places to be tried again, members that nobody used."""
        return self._go_on(now)

    def next_tick(self) -> Seconds | None:
        """The monotonic time at which `tick` has something to do; None: never."""
        when = NEVER
        if self._waiting:
            retries = (place.retry for place in self._places.values() if place.failures)
            opening = (one.used + _HESITATION for one in self._members.values() if not one.is_open)
            # What was due already waits for something else.
            when = min((time for time in (*retries, *opening) if time > self._looked), default=NEVER)
        for member in self._members.values():
            if member.is_open and not member.calls:
                when = min(when, member.used + self._limits.idle)
        return None if when == NEVER else when

    def close(self) -> list[Action]:
        """The end: all members are closed."""
        actions: list[Action] = [Close(number) for number in self._members]
        self._members.clear()
        self._waiting.clear()
        return actions

    def _put_off(self, place: _Place, error: SnowFoxError, now: Seconds) -> None:
        place.failures += 1
        place.problem = error
        place.retry = now + self._backoff.delay(place.failures, self._random)

    def _go_on(self, now: Seconds) -> list[Action]:
        self._looked = now
        actions: list[Action] = []
        while self._waiting and (member := self._least_loaded()) is not None:
            call, _ = self._waiting.popitem(last=False)
            member.calls += 1
            member.used = now
            actions.append(Give(call, member.number))
        actions += self._opened_more(now)
        for member in list(self._members.values()):
            is_idle = member.is_open and not member.calls
            if is_idle and (member.leaves or now - member.used >= self._limits.idle):
                del self._members[member.number]
                actions.append(Close(member.number))
        return actions

    def _least_loaded(self) -> _Member | None:
        able = [
            member
            for member in self._members.values()
            if member.is_open and not member.leaves and member.calls < self._limits.calls
        ]
        return min(able, key=lambda member: (member.load, member.number), default=None)

    def _opened_more(self, now: Seconds) -> list[Action]:
        """One more connection where calls wait, or all that there are are busy; to a place never two at once."""
        usable = [member for member in self._members.values() if not member.leaves]
        opening = [member for member in usable if not member.is_open]
        if any(now - member.used < _HESITATION for member in opening):
            return []
        is_busy = usable and all(member.calls > self._limits.busy for member in usable)
        if not (self._waiting or is_busy):
            return []
        counts = dict.fromkeys(self._places, 0)
        for member in usable:
            counts[member.place.endpoint.digest] += 1
        able = [
            (count, index, digest)
            for index, (digest, count) in enumerate(counts.items())
            if count < self._limits.connections
            and self._places[digest].retry <= now
            and not any(member.place is self._places[digest] for member in opening)
        ]
        if not able:
            return []
        place = self._places[min(able)[2]]
        self._last += 1
        self._members[self._last] = _Member(self._last, place, now)
        return [Open(self._last, place.endpoint)]
