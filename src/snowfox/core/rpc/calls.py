"""One half of a session: what we ask of the other end."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from snowfox.core.rpc import frame, message
from snowfox.core.rpc.happening import Answered, Failed, Happening, Item, StreamEnded
from snowfox.core.rpc.reading import NO_DESCRIPTORS, Incoming
from snowfox.core.rpc.seen import CALLER, OK, Seen, is_watched
from snowfox.errors import Cancelled, DeadlineExceeded, HostError, ProtocolError, SnowFoxError

if TYPE_CHECKING:
    from snowfox.core.rpc.interface import Descriptor, Method
    from snowfox.core.rpc.message import Wire, Wires
    from snowfox.core.rpc.outbox import Outbox
    from snowfox.core.trace import Trace
    from snowfox.values import Seconds

NEVER: Final = float("inf")

_LAST: Final = 0xFFFFFFFF
"""The highest number of a request: they begin again after it."""

_LONGEST: Final = 4_000_000.0
"""Seconds that fit into a frame's number as milliseconds: 46 days. What has no end is said to have these."""

_WORTH_TELLING: Final = frame.WINDOW // 4
"""Bytes of items that were taken before the other end is told."""

UNGREETED: Final = 1
"""Requests that may be under way before the other end said how many it takes: what every end takes."""

MOST_HELD: Final = 100_000
"""Calls that may wait here for their turn."""


class _Asked:
    __slots__ = ("deadline", "given", "method", "seen", "taken", "wire")

    def __init__(self, method: Method[Any, Any], wire: Wire, deadline: Seconds, look: Seen | None) -> None:
        self.seen = look
        self.given = self.taken = 0  # bytes of items: that we have, or took without having said so
        self.method = method
        self.wire = wire
        self.deadline = deadline


class _Held:
    __slots__ = ("body", "descriptors", "kind", "method", "milliseconds")

    def __init__(self, kind: int, method: int, milliseconds: int) -> None:
        self.kind = kind
        self.method = method
        self.milliseconds = milliseconds
        self.body = b""
        self.descriptors: list[Descriptor] = []


class Calls:
    """Requests of ours that are under way, or held back until the other end takes more.

    Args:
        outbox: where frames go.
        wires: how methods are written and read.
        link: name of the session, for who looks.
    """

    def __init__(self, outbox: Outbox, wires: Wires, *, link: str = "") -> None:
        self.soonest: Seconds = NEVER
        self.most = UNGREETED
        self._outbox = outbox
        self._wires = wires
        self._link = link
        self._last = 0
        self._began_again = False
        self._asked: dict[int, _Asked] = {}
        self._numbers: dict[Method[Any, Any], tuple[int, Wire]] = {}
        self._held: OrderedDict[int, _Held] = OrderedDict()

    def __len__(self) -> int:
        return len(self._asked)

    @property
    def last(self) -> int:
        """The number of the last one that was made."""
        return self._last

    def call(
        self,
        method: Method[Any, Any],
        values: tuple[Any, ...],
        now: Seconds,
        *,
        left: Seconds | None,
        trace: Trace | None,
        key: str = "",
    ) -> int:
        """Ask, with `left` seconds for the answer. Raises as `Session.call`."""
        known = self._numbers.get(method)
        number, wire = self._define(method) if known is None else known
        body, descriptors = wire.write_arguments(values)
        kind = frame.CALL
        if key:
            kind = frame.KEYED
            body = message.keyed(trace, key) + body
        elif trace is not None:
            kind = frame.TRACED
            body = message.trace(trace) + body
        milliseconds = 0 if left is None else max(1, round(min(left, _LONGEST) * 1000))
        request = self._last % _LAST + 1
        while request in self._asked:  # they began again, and that one is still under way
            request = request % _LAST + 1
        if len(self._asked) - len(self._held) >= self.most:
            self._hold(request, kind, number, milliseconds, body, descriptors)
        else:
            self._outbox.put(kind, request, body, descriptors, number, milliseconds)
        self._began_again = self._began_again or request < self._last
        self._last = request
        deadline = NEVER if left is None else now + left
        look: Seen | None = None
        if is_watched():
            look = Seen(CALLER, self._link, method.full_name, request=request, asked=len(body))
        self._asked[request] = _Asked(method, wire, deadline, look)
        self.soonest = min(self.soonest, deadline)
        return request

    def cancel(self, request: int, outcome: str = Cancelled.__name__) -> bool:
        """Forget it and tell the other end; False when it was over."""
        asked = self._asked.pop(request, None)
        if asked is None:
            return False
        if asked.seen is not None:
            asked.seen.end(outcome)
        if (held := self._held.pop(request, None)) is not None:
            _close(held.descriptors)
            return True
        self._outbox.put(frame.CANCEL, request)
        self.release()
        return True

    def took(self, request: int, size: int) -> None:
        """The reader of a stream took an item of so many bytes: the other end may send more."""
        asked = self._asked.get(request)
        if asked is None:
            return
        asked.taken += size
        if asked.taken >= _WORTH_TELLING:
            self._outbox.put(frame.CREDIT, request, number=asked.taken)
            asked.given -= asked.taken
            asked.taken = 0

    def release(self) -> None:
        """Send what was held back, as far as the other end takes it."""
        while self._held and len(self._asked) - len(self._held) < self.most:
            request, held = self._held.popitem(last=False)
            self._outbox.put(held.kind, request, held.body, held.descriptors, held.method, held.milliseconds)

    def replied(
        self, kind: int, request: int, body: bytes, incoming: Incoming, happenings: list[Happening]
    ) -> None:
        """A reply came. Raises ProtocolError for one that does not belong."""
        asked = self._asked.get(request)
        if asked is None:  # cancelled or expired here while the reply was under way
            incoming.close()
            if not (0 < request <= self._last or self._began_again):
                raise ProtocolError(f"a reply to request {request}, which was never made")
            return
        if kind != frame.FAILURE and asked.method.is_stream == (kind == frame.ANSWER):
            raise ProtocolError(f"a reply of kind {kind} to {asked.method.full_name}")
        if kind == frame.ANSWER:
            happenings.append(Answered(request, asked.wire.read_result(body, incoming)))
        elif kind == frame.ITEM:
            happenings.append(_item(asked, request, body, incoming))
            return
        elif incoming is not NO_DESCRIPTORS:
            raise ProtocolError("descriptors where none belong")
        elif kind == frame.END:
            happenings.append(StreamEnded(request))
        else:
            happenings.append(Failed(request, message.read_failure(body)))
        if asked.seen is not None:
            _seen(asked.seen, happenings[-1], len(body))
        del self._asked[request]
        if self._held:
            self.release()

    def expire(self, now: Seconds, happenings: list[Happening]) -> None:
        """Give up those whose time is over."""
        late: list[int] = []
        self.soonest = NEVER
        for request, asked in self._asked.items():
            if asked.deadline <= now:
                late.append(request)
            elif asked.deadline < self.soonest:
                self.soonest = asked.deadline
        for request in late:
            name = self._asked[request].method.name
            self.cancel(request, DeadlineExceeded.__name__)
            happenings.append(Failed(request, DeadlineExceeded(f"cannot {name}: no answer in time")))

    def fail(self, error: SnowFoxError, happenings: list[Happening]) -> None:
        """The session is over: so are all."""
        happenings.extend(Failed(request, error) for request in self._asked)
        self.clear(type(error).__name__)

    def clear(self, outcome: str = Cancelled.__name__) -> None:
        """Forget all."""
        for asked in self._asked.values():
            if asked.seen is not None:
                asked.seen.end(outcome)
        self._asked.clear()
        for held in self._held.values():
            _close(held.descriptors)
        self._held.clear()
        self.soonest = NEVER

    def _define(self, method: Method[Any, Any]) -> tuple[int, Wire]:
        known = self._numbers[method] = (len(self._numbers), self._wires(method))
        self._outbox.put(frame.DEFINE, body=message.definition(method), method=known[0])
        return known

    def _hold(
        self,
        request: int,
        kind: int,
        number: int,
        milliseconds: int,
        body: bytes,
        descriptors: list[Descriptor],
    ) -> None:
        if len(self._held) >= MOST_HELD:
            raise HostError(f"cannot ask: {MOST_HELD} calls wait for the other end")
        held = self._held[request] = _Held(kind, number, milliseconds)
        held.body, held.descriptors = body, descriptors


def _item(asked: _Asked, request: int, body: bytes, incoming: Incoming) -> Item:
    """An item came."""
    size = frame.SIZE + len(body)
    if asked.given >= frame.WINDOW:
        raise ProtocolError(f"more items of {asked.method.full_name} than their reader can take")
    asked.given += size
    if asked.seen is not None:
        asked.seen.replied += len(body)
    return Item(request, asked.wire.read_result(body, incoming), size)


def _seen(look: Seen, last: Happening, size: int) -> None:
    """It ended so, with a reply of that size."""
    if isinstance(last, Answered):
        look.replied = size
    look.end(type(last.error).__name__ if isinstance(last, Failed) else OK)


def _close(descriptors: list[Descriptor]) -> None:
    for one in descriptors:
        one.close()
