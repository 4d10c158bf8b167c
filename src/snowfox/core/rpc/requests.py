"""The other half of a session: what the other end asks of us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from snowfox.core.rpc import frame, message
from snowfox.core.rpc.digest import digest, fit
from snowfox.core.rpc.happening import Called, Credited, Happening, Withdrawn
from snowfox.core.rpc.interface import Descriptor, Interface, Method
from snowfox.core.rpc.reading import NO_DESCRIPTORS, Incoming
from snowfox.core.rpc.seen import OK, SERVER, Seen, is_watched
from snowfox.errors import (
    Cancelled,
    ConnectionLost,
    DeadlineExceeded,
    Incompatible,
    NotPermitted,
    PeerError,
    ProtocolError,
    SnowFoxError,
)
from snowfox.values import Seconds

if TYPE_CHECKING:
    from snowfox.core.rpc.message import Wire
    from snowfox.core.rpc.outbox import Outbox
    from snowfox.core.rpc.session import Options
    from snowfox.core.trace import Trace

NEVER: Final = float("inf")
MOST_DEFINED: Final = 1000
"""Methods that the other end may define; an interface has far fewer."""
UNKNOWN: Final = "unknown"
"""The name of all methods that there are not, for who looks: it is not the other end that decides how many there are."""

_ADVICE: Final = "run the same version at both ends"


class _Defined:
    """A method that the other end knows as we do."""

    __slots__ = ("is_stream", "method", "name", "wire")

    def __init__(self, method: Method[Any, Any], wire: Wire) -> None:
        self.method = method
        self.name = method.full_name
        self.is_stream = method.is_stream
        self.wire = wire


class _Refused:
    """A method that is not served: why, and its name for who looks."""

    __slots__ = ("error", "name")

    def __init__(self, name: str, error: SnowFoxError) -> None:
        self.name = name
        self.error = error


_Open = tuple[_Defined, Seconds, Incoming, Seen | None]
"""What was asked, until when, its descriptors, and who looks. A plain tuple: one is made for each request."""


class Requests:
    """Requests of the other end that are under way here.

    Args:
        outbox: where frames go.
        options: of the session.
        serving: what may be called.

    Attributes:
        last: the number of the last one that came.
    """

    def __init__(self, outbox: Outbox, options: Options, *, serving: type[Interface] | None) -> None:
        self.last = 0
        self.soonest: Seconds = NEVER
        self._outbox = outbox
        self._options = options
        self._most = options.most_requests
        self._serving = serving
        self._served = {} if serving is None else serving.methods
        self._defined: list[_Defined | _Refused] = []
        self._open: dict[int, _Open] = {}
        self._credit: dict[int, int] = {}  # of streams

    def __len__(self) -> int:
        return len(self._open)

    def define(self, number: int, body: bytes) -> None:
        """The other end is about to call a method. Raises ProtocolError; with `strict` also for one that there is not."""
        if number != len(self._defined) or number >= MOST_DEFINED:
            raise ProtocolError(f"method {number} where {len(self._defined)} was next")
        found = message.read_definition(body)
        method = self._served.get(found.name.rpartition(".")[2])
        if method is not None and method.full_name != found.name:
            method = None
        if method is None:
            if self._options.strict:
                raise ProtocolError(f"there is no method {found.name[:100]} here")
            self._defined.append(_Refused(UNKNOWN, self._missing(found.name[:100])))
        elif not fit(digest(method), found.digest):
            self._defined.append(_Refused(found.name, _different(found.name)))
        elif method.right is not None and method.right not in self._options.rights:
            text = f"cannot {method.name}: you have no right to {method.right} here"
            self._defined.append(_Refused(found.name, NotPermitted(text, None)))
        else:
            self._defined.append(_Defined(method, self._options.wires(method)))

    def _missing(self, name: str) -> SnowFoxError:
        there = "nothing" if self._serving is None else f"{self._serving.__name__}, which has no such method"
        return Incompatible(f"cannot call {name}: the other end serves {there}", _ADVICE)

    def called(  # noqa: PLR0913, PLR0917 - the parts of a frame, once per message
        self,
        kind: int,
        number: int,
        request: int,
        milliseconds: int,
        body: bytes,
        incoming: Incoming,
        now: Seconds,
        happenings: list[Happening],
    ) -> None:
        """A request came. Raises ProtocolError for a malformed one, and for one too many."""
        if (
            request in self._open
            or not request
            or len(self._open) >= self._most
            or number >= len(self._defined)
        ):
            raise self._misplaced(request, number)
        defined = self._defined[number]
        self.last = request
        look: Seen | None = None
        if is_watched():
            look = Seen(SERVER, self._options.name, defined.name, request=request, asked=len(body))
        if isinstance(defined, _Refused):
            if look is not None:
                look.end(type(defined.error).__name__)
            incoming.close()
            self._outbox.put(frame.FAILURE, request, message.failure(defined.error))
            return
        trace: Trace | None = None
        key = ""
        if kind == frame.TRACED:
            trace, body = message.read_trace(body)
        elif kind == frame.KEYED:
            trace, key, body = message.read_keyed(body)
        values = defined.wire.read_arguments(body, incoming)
        left = milliseconds / 1000 if milliseconds else defined.method.deadline
        deadline = NEVER if left is None else now + left
        self._open[request] = (defined, deadline, incoming, look)
        if defined.is_stream:
            self._credit[request] = frame.WINDOW
            key = ""
        if deadline < self.soonest:  # noqa: PLR1730 - min costs more
            self.soonest = deadline
        happenings.append(Called(request, defined.name, values, trace, key))

    def _misplaced(self, request: int, number: int) -> ProtocolError:
        if number >= len(self._defined):
            return ProtocolError(f"method {number} was not defined")
        if request in self._open or not request:
            return ProtocolError(f"request {request} is under way")
        return ProtocolError(f"more than {self._most} requests at once")

    def cancelled(self, request: int, happenings: list[Happening]) -> None:
        """The other end no longer wants it; one that was answered already is fine."""
        if request in self._open:
            self._finish(request, Cancelled.__name__)
            self._outbox.put(frame.FAILURE, request, message.failure(Cancelled("no longer wanted")))
            happenings.append(Withdrawn(request))

    def answer(self, request: int, value: object) -> None:
        """See `Session.answer`."""
        found = self._open.get(request)
        if found is None:
            close_in(value)
            return
        defined, _, incoming, look = found
        body, descriptors = defined.wire.write_result(value)
        if len(body) > frame.LIMIT:
            close_in(value)
            self.refuse(request, _too_large(defined.method, len(body)))
            return
        self._outbox.put(frame.ANSWER, request, body, descriptors)
        if look is None and incoming is NO_DESCRIPTORS and not defined.is_stream:
            del self._open[request]
            return
        if look is not None:
            look.replied = len(body)
        self._finish(request)

    def item(self, request: int, value: object) -> bool:
        """See `Session.item`."""
        found = self._open.get(request)
        if found is None:
            close_in(value)
            return False
        defined, _, _, look = found
        body, descriptors = defined.wire.write_result(value)
        if len(body) > frame.LIMIT:
            raise _too_large(defined.method, len(body))
        self._outbox.put(frame.ITEM, request, body, descriptors)
        self._credit[request] -= frame.SIZE + len(body)
        if look is not None:
            look.replied += len(body)
        return True

    def may_send(self, request: int) -> bool:
        """See `Session.may_send`."""
        return self._credit.get(request, 1) > 0

    def credited(self, request: int, size: int, happenings: list[Happening]) -> None:
        """The reader of a stream took so many bytes; of one that is over that is fine."""
        before = self._credit.get(request)
        if before is None:
            return
        after = self._credit[request] = min(before + size, frame.WINDOW)
        if before <= 0 < after:
            happenings.append(Credited(request))

    def end(self, request: int) -> None:
        """See `Session.end`."""
        if request in self._open:
            self._finish(request)
            self._outbox.put(frame.END, request)

    def refuse(self, request: int, error: SnowFoxError) -> None:
        """See `Session.refuse`."""
        if request in self._open:
            self._finish(request, type(error).__name__)
            self._outbox.put(frame.FAILURE, request, message.failure(error))

    def expire(self, now: Seconds, happenings: list[Happening]) -> None:
        """Withdraw those whose time is over."""
        late: list[int] = []
        self.soonest = NEVER
        for request, (_, deadline, _, _) in self._open.items():
            if deadline <= now:
                late.append(request)
            elif deadline < self.soonest:
                self.soonest = deadline
        for request in late:
            text = f"cannot {self._open[request][0].method.name}: not done in time"
            self.refuse(request, DeadlineExceeded(text))
            happenings.append(Withdrawn(request))

    def withdraw(self, happenings: list[Happening]) -> None:
        """The session is over: so are all. What came with them stays until `clear`: a shell may yet look at it."""
        happenings.extend(Withdrawn(request) for request in self._open)
        self.soonest = NEVER

    def clear(self) -> None:
        """Forget all; what came with them and was not taken is closed."""
        for request in list(self._open):
            self._finish(request, ConnectionLost.__name__)
        self.soonest = NEVER

    def _finish(self, request: int, outcome: str = OK) -> None:
        _, _, incoming, look = self._open.pop(request)
        self._credit.pop(request, None)
        if look is not None:
            look.end(outcome)
        if incoming is not NO_DESCRIPTORS:
            incoming.close()


def close_in(value: object) -> None:
    """Close the descriptors in a value that nobody waits for."""
    if isinstance(value, Descriptor):
        value.close()
    elif isinstance(value, (tuple, list)):
        for part in value:  # pyright: ignore[reportUnknownVariableType] - messages hold plain values
            close_in(part)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, dict):
        for part in value.values():  # pyright: ignore[reportUnknownVariableType] - messages hold plain values
            close_in(part)  # pyright: ignore[reportUnknownArgumentType]


def _different(name: str) -> SnowFoxError:
    return Incompatible(
        f"cannot call {name}: the two ends are of different versions and disagree on it", _ADVICE
    )


def _too_large(method: Method[Any, Any], size: int) -> PeerError:
    return PeerError(
        f"cannot answer {method.name}: {size} bytes, at most {frame.LIMIT}", "ask for less at once"
    )
