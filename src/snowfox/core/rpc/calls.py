"""One half of a session: what we ask of the other end."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from snowfox.core.rpc import frame, message
from snowfox.core.rpc.happening import Answered, Failed, Happening, Item, StreamEnded
from snowfox.core.rpc.reading import NO_DESCRIPTORS, Incoming
from snowfox.core.rpc.seen import CALLER, OK, Seen, is_watched
from snowfox.errors import Cancelled, DeadlineExceeded, HostError, ProtocolError, SnowFoxError
from snowfox.values import Seconds

if TYPE_CHECKING:
    from snowfox.core.rpc.interface import Descriptor, Method
    from snowfox.core.rpc.message import Wire, Wires
    from snowfox.core.rpc.outbox import Outbox
    from snowfox.core.trace import Trace

NEVER: Final = float("inf")

_LAST: Final = 0xFFFFFFFF
"""The highest number of a request: they begin again after it."""

_LONGEST: Final[Seconds] = 4_000_000.0
"""What fits into a frame's number as milliseconds: 46 days. What has no end is said to have these."""

_MOST: Final = 4_000_000_000
"""The same in milliseconds."""

_WORTH_TELLING: Final = frame.WINDOW // 4
"""Bytes of items that were taken before the other end is told."""

UNGREETED: Final = 1
"""Requests that may be under way before the other end said how many it takes: what every end takes."""

MOST_HELD: Final = 100_000
"""Calls that may wait here for their turn."""


class _Known:
    """A method that the other end was told of."""

    __slots__ = ("is_stream", "method", "number", "wire")

    def __init__(self, method: Method[Any, Any], number: int, wire: Wire) -> None:
        self.method = method
        self.number = number
        self.wire = wire
        self.is_stream = method.is_stream


class _Flow:
    """Bytes of a stream's items: that we have, or took without having said so."""

    __slots__ = ("given", "taken")

    def __init__(self) -> None:
        self.given = self.taken = 0


_Asked = tuple[_Known, Seconds, Seen | None]
"""What was asked, until when, and who looks. A plain tuple: one is made for each call."""

_Held = tuple[int, int, bytes, "Sequence[Descriptor]", int, int]
"""What `Outbox.put` takes, in its order."""


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
        self._flows: dict[int, _Flow] = {}
        self._known: dict[Method[Any, Any], _Known] = {}
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
        known = self._known.get(method) or self._define(method)
        body, descriptors = known.wire.write_arguments(values)
        kind = frame.CALL
        if key:
            kind = frame.KEYED
            body = message.keyed(trace, key) + body
        elif trace is not None:
            kind = frame.TRACED
            body = message.trace(trace) + body
        milliseconds, deadline = 0, NEVER
        if left is not None:
            milliseconds = int(left * 1000 + 0.5) or 1 if left < _LONGEST else _MOST
            deadline = now + left
        asked, last = self._asked, self._last
        request = last + 1 if last < _LAST else 1
        while request in asked:  # they began again, and that one is still under way
            request = request % _LAST + 1
        if len(asked) - len(self._held) >= self.most:
            self._hold((kind, request, body, descriptors, known.number, milliseconds))
        else:
            self._outbox.put(kind, request, body, descriptors, known.number, milliseconds)
        if request < last:
            self._began_again = True
        self._last = request
        look: Seen | None = None
        if is_watched():
            look = Seen(CALLER, self._link, method.full_name, request=request, asked=len(body))
        asked[request] = (known, deadline, look)
        if known.is_stream:
            self._flows[request] = _Flow()
        if deadline < self.soonest:  # noqa: PLR1730 - min costs more
            self.soonest = deadline
        return request

    def cancel(self, request: int, outcome: str = Cancelled.__name__) -> bool:
        """Forget it and tell the other end; False when it was over."""
        asked = self._asked.pop(request, None)
        if asked is None:
            return False
        self._flows.pop(request, None)
        if (look := asked[2]) is not None:
            look.end(outcome)
        if (held := self._held.pop(request, None)) is not None:
            _close(held[3])
            return True
        self._outbox.put(frame.CANCEL, request)
        self.release()
        return True

    def took(self, request: int, size: int) -> None:
        """The reader of a stream took an item of so many bytes: the other end may send more."""
        flow = self._flows.get(request)
        if flow is None:
            return
        flow.taken += size
        if flow.taken >= _WORTH_TELLING:
            self._outbox.put(frame.CREDIT, request, number=flow.taken)
            flow.given -= flow.taken
            flow.taken = 0

    def release(self) -> None:
        """Send what was held back, as far as the other end takes it."""
        while self._held and len(self._asked) - len(self._held) < self.most:
            _, held = self._held.popitem(last=False)
            self._outbox.put(*held)

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
        known, _, look = asked
        if kind == frame.ANSWER and not known.is_stream:
            happenings.append(Answered(request, known.wire.read_result(body, incoming)))
        else:
            happenings.append(self._reply(asked, kind, request, body, incoming))
            if kind == frame.ITEM:
                return
        if look is not None:
            _seen(look, happenings[-1], len(body))
        del self._asked[request]
        if known.is_stream:
            del self._flows[request]
        if self._held:
            self.release()

    def _reply(
        self, asked: _Asked, kind: int, request: int, body: bytes, incoming: Incoming
    ) -> Item | StreamEnded | Failed:
        """What is no answer to a call."""
        known = asked[0]
        if kind != frame.FAILURE and (kind == frame.ANSWER or not known.is_stream):
            raise ProtocolError(f"a reply of kind {kind} to {known.method.full_name}")
        if kind == frame.ITEM:
            return self._item(asked, request, body, incoming)
        if incoming is not NO_DESCRIPTORS:
            raise ProtocolError("descriptors where none belong")
        return StreamEnded(request) if kind == frame.END else Failed(request, message.read_failure(body))

    def expire(self, now: Seconds, happenings: list[Happening]) -> None:
        """Give up those whose time is over."""
        late: list[int] = []
        self.soonest = NEVER
        for request, (_, deadline, _) in self._asked.items():
            if deadline <= now:
                late.append(request)
            elif deadline < self.soonest:
                self.soonest = deadline
        for request in late:
            name = self._asked[request][0].method.name
            self.cancel(request, DeadlineExceeded.__name__)
            happenings.append(Failed(request, DeadlineExceeded(f"cannot {name}: no answer in time")))

    def fail(self, error: SnowFoxError, happenings: list[Happening]) -> None:
        """The session is over: so are all."""
        happenings.extend(Failed(request, error) for request in self._asked)
        self.clear(type(error).__name__)

    def clear(self, outcome: str = Cancelled.__name__) -> None:
        """Forget all."""
        for _, _, look in self._asked.values():
            if look is not None:
                look.end(outcome)
        self._asked.clear()
        self._flows.clear()
        for held in self._held.values():
            _close(held[3])
        self._held.clear()
        self.soonest = NEVER

    def _define(self, method: Method[Any, Any]) -> _Known:
        known = self._known[method] = _Known(method, len(self._known), self._wires(method))
        self._outbox.put(frame.DEFINE, body=message.definition(method), method=known.number)
        return known

    def _hold(self, held: _Held) -> None:
        if len(self._held) >= MOST_HELD:
            raise HostError(f"cannot ask: {MOST_HELD} calls wait for the other end")
        self._held[held[1]] = held

    def _item(self, asked: _Asked, request: int, body: bytes, incoming: Incoming) -> Item:
        known, _, look = asked
        flow = self._flows[request]
        size = frame.SIZE + len(body)
        if flow.given >= frame.WINDOW:
            raise ProtocolError(f"more items of {known.method.full_name} than their reader can take")
        flow.given += size
        if look is not None:
            look.replied += len(body)
        return Item(request, known.wire.read_result(body, incoming), size)


def _seen(look: Seen, last: Happening, size: int) -> None:
    """It ended so, with a reply of that size."""
    if isinstance(last, Answered):
        look.replied = size
    look.end(type(last.error).__name__ if isinstance(last, Failed) else OK)


def _close(descriptors: Sequence[Descriptor]) -> None:
    for one in descriptors:
        one.close()
