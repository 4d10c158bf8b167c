"""One conversation, without I/O: bytes and descriptors in, happenings out; what is to be sent waits in an outbox.

Both ends may call (`calls`) and serve (`requests`) at once. Requests are answered in any order. The deadline of a call
travels with it and is kept at both ends: the caller stops waiting, the server withdraws the request. A shell (`channel`,
`blocking`, `link`) moves bytes and time; it calls `receive`, `tick` and the verbs, never two at once.

Methods are agreed by name, each with a digest, before their first call: a call costs a number, nothing that is not used
costs anything. A method on which the ends disagree, or that one of them lacks, is refused when called.

Against a hostile peer: a frame that is malformed or out of place ends the session; requests under way are bounded;
descriptors that nobody takes are closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from snowfox.core import trace as tracing
from snowfox.core.named import NamedTuple
from snowfox.core.rpc import frame, idempotency, message
from snowfox.core.rpc.calls import Calls
from snowfox.core.rpc.happening import (
    Answered,
    Called,
    Credited,
    Ended,
    Failed,
    Happening,
    Item,
    Leaving,
    StreamEnded,
    Withdrawn,
)
from snowfox.core.rpc.idle import Idle
from snowfox.core.rpc.interface import Interface, Method
from snowfox.core.rpc.outbox import Outbox
from snowfox.core.rpc.pulse import PATIENCE, Pulse
from snowfox.core.rpc.reading import NO_DESCRIPTORS, Incoming
from snowfox.core.rpc.requests import Requests
from snowfox.errors import ConnectionLost, DeadlineExceeded, ProtocolError, SnowFoxError
from snowfox.values import Seconds

if TYPE_CHECKING:
    from snowfox.core.posix.api import Posix

__all__ = [
    "Answered",
    "Called",
    "Credited",
    "Ended",
    "Failed",
    "Happening",
    "Item",
    "Leaving",
    "Options",
    "Session",
    "StreamEnded",
    "Withdrawn",
]

NEVER: Final = float("inf")
_CALLS: Final = frozenset({frame.CALL, frame.TRACED, frame.KEYED})
_PLAIN: Final = frozenset({frame.CALL, frame.ANSWER})
"""What nearly all frames are."""

COARSE: Final[Seconds] = 0.05
"""Between two looks at deadlines: one comes at most this late."""


class Options(NamedTuple):
    """How a session behaves.

    Args:
        name: who we are, for messages.
        ping_after: seconds of silence after which we ask whether the other end lives; None: never.
        dead_after: seconds of silence after which it counts as dead; None: never.
        rights: what the other end may do here.
        most_requests: how many of its requests may be under way. It is told so and holds back further ones.
        passes: whether descriptors can be sent to the other end, and come from it.
        idle_after: seconds without a call, either way, after which we ask for no more requests, and end the session when
            none came for another quarter of that time; None: never. Pings do not count.
        strict: whether asking for a method that we lack ends the session, too: of a peer that has no rights of ours it is
            no other version but an attempt.
        greeted_within: seconds that the other end has to say who it is; None: as many as it takes.
        wires: how messages are written and read: with the standard library, or `fast.fast`.
    """

    name: str
    ping_after: Seconds | None = 2.0
    dead_after: Seconds | None = 5.0
    rights: frozenset[str] = frozenset()
    most_requests: int = 20_000
    wires: message.Wires = message.small
    passes: bool = True
    idle_after: Seconds | None = None
    strict: bool = False
    greeted_within: Seconds | None = None


GREETED_WITHIN: Final[Seconds] = 10.0
"""How long who connects may take to say who it is, and who is connected to."""

CLIENT: Final = Options("client", ping_after=5.0, dead_after=20.0)
"""Of clients: they watch for silence, a server on the same host need not."""


class Session:
    """One end of a conversation.

    Args:
        now: the monotonic time at which it begins.
        options: see `Options`.
        serving: what the other end may call; None: nothing.
        posix: what closes descriptors.

    Attributes:
        greeted: whether the other end said who it is.
    """

    def __init__(
        self, now: Seconds, options: Options, *, serving: type[Interface] | None, posix: Posix
    ) -> None:
        self.options = options
        self.outbox = Outbox(passes=options.passes)
        self.ended = False
        self.peer_name = ""
        self.calls = Calls(self.outbox, options.wires, link=options.name)
        self.requests = Requests(self.outbox, options, serving=serving)
        self.pulse = Pulse(now, self.outbox, ping_after=options.ping_after, dead_after=options.dead_after)
        self._idle = None if options.idle_after is None else Idle(options.idle_after, now)
        self._posix = posix
        self._frames = frame.Frames(passes=options.passes)
        self._looked = now
        self.greeted = False
        self._greet_by = now + (options.greeted_within or NEVER)
        self.outbox.put(frame.HELLO, body=message.hello(options.name, options.most_requests))

    # --- what we do

    def call(
        self, method: Method[Any, Any], values: tuple[Any, ...], now: Seconds, *, deadline: Seconds | None
    ) -> int:
        """Ask the other end. Returns the request's number; an answer comes as a happening.

        Args:
            method: of an interface of the other end.
            values: all its arguments, in order. Their descriptors are given away.
            now: monotonic time.
            deadline: seconds that it may take; None: what the method says.

        Raises InternalError when an argument has not the declared type or the message is too large, HostError when
        too many calls wait, ConnectionLost when the session is over; descriptors stay the caller's then.
        """
        if self.ended:
            raise ConnectionLost("the session is over")
        left = method.deadline if deadline is None else deadline
        return self.calls.call(
            method, values, now, left=left, trace=tracing.current(), key=idempotency.current()
        )

    def cancel(self, request: int) -> None:
        """We no longer want it; nothing more is heard of it. One that is over is fine."""
        self.calls.cancel(request)

    def answer(self, request: int, value: object) -> None:
        """Answer a request; in vain when it was withdrawn. Raises InternalError for a value of another type."""
        self.requests.answer(request, value)

    def refuse(self, request: int, error: SnowFoxError) -> None:
        """Answer a request, or end a stream, with an error; in vain when it was withdrawn."""
        self.requests.refuse(request, error)

    def item(self, request: int, value: object) -> bool:
        """An item of a stream; False when it is no longer wanted. One more than `may_send` allows ends the session.

        Raises InternalError for a value of another type, PeerError for one that is too large.
        """
        return self.requests.item(request, value)

    def may_send(self, request: int) -> bool:
        """Whether another item of a stream may be sent now, or the stream is over; else `Credited` comes."""
        return self.requests.may_send(request)

    def took(self, request: int, size: int) -> None:
        """Somebody read an item of this size of a stream of ours. One that is over is fine."""
        self.calls.took(request, size)

    def end(self, request: int) -> None:
        """A stream is at its end; in vain when it was withdrawn."""
        self.requests.end(request)

    def drain(self) -> None:
        """Ask the other end for no more requests. Those that cross this, or come all the same, are served."""
        if not self.ended:
            self.outbox.put(frame.DRAIN)

    def goodbye(self, error: SnowFoxError | None = None) -> None:
        """Tell the other end that we leave, and why; the last that is sent."""
        if not self.ended:
            self.outbox.put(frame.GOODBYE, body=b"" if error is None else message.failure(error))

    def close(self) -> None:
        """Forget everything: descriptors that nobody took are closed. Nothing is sent or received after it."""
        self.ended = True
        self.requests.clear()
        self.calls.clear()
        for number in [*self.outbox.drop(), *self._frames.descriptors]:
            self._posix.files.close(number)
        self._frames.descriptors.clear()

    # --- what happens to us

    def receive(self, data: bytes, descriptors: tuple[int, ...], now: Seconds) -> list[Happening]:
        """Bytes came. After an `Ended`, the last happening, only `close` is left to do."""
        self.pulse.heard(len(data), now)
        happenings: list[Happening] = []
        if self.ended:
            self._frames.descriptors.extend(descriptors)
            return happenings
        frames: list[frame.Frame] = []
        done = 0
        try:
            frames = self._frames.feed(data, descriptors)
            for done, one in enumerate(frames, 1):  # noqa: B007 - what is behind it is closed below
                kind, method, request, number, given, body = one
                if given or not self.greeted or kind not in _PLAIN:
                    self._take(one, now, happenings)
                    if self.ended:
                        break
                elif kind == frame.ANSWER:
                    self.calls.replied(kind, request, body, NO_DESCRIPTORS, happenings)
                else:
                    self.requests.called(kind, method, request, number, body, NO_DESCRIPTORS, now, happenings)
        except ProtocolError as error:
            if not self.ended:
                self.goodbye(error)
                self._over(error, happenings)
        for one in frames[done:]:
            self._frames.descriptors.extend(one[4])
        return happenings

    def lost(self, error: SnowFoxError | None) -> list[Happening]:
        """The transport is at its end, with an error or without."""
        happenings: list[Happening] = []
        if not self.ended:
            unanswered = error is None and len(self.calls) > 0
            self._over(ConnectionLost("the other end went away") if unanswered else error, happenings)
        return happenings

    def tick(self, now: Seconds) -> list[Happening]:
        """Time went on: deadlines, silence, a peer that does not read."""
        happenings: list[Happening] = []
        if self.ended:
            return happenings
        if now >= self.calls.soonest:
            self._looked = now
            self.calls.expire(now, happenings)
        if now >= self.requests.soonest:
            self._looked = now
            self.requests.expire(now, happenings)
        if (silence := self.pulse.death(now)) is not None:
            self._over(DeadlineExceeded(f"nothing heard for {silence:.1f} s"), happenings)
        elif self.pulse.is_stuck(now):
            self._over(DeadlineExceeded(f"the other end has not read for {PATIENCE:g} s"), happenings)
        elif now >= self._greet_by:
            error = DeadlineExceeded(f"the other end did not greet within {self.options.greeted_within:g} s")
            self.goodbye(error)
            self._over(error, happenings)
        elif self._idle is not None and now >= self._idle.next_look:
            self._look(self._idle, now, happenings)
        return happenings

    @property
    def soonest(self) -> Seconds:
        """A monotonic time before which no deadline of a call or request is over."""
        return min(self.calls.soonest, self.requests.soonest)

    def next_tick(self) -> Seconds | None:
        """The monotonic time at which `tick` has something to do; None: never."""
        when = self.pulse.next_look(max(self.soonest, self._looked + COARSE), self._looked)
        when = min(when, self._greet_by)
        if self._idle is not None:
            when = min(when, self._idle.next_look)
        return None if self.ended or when == NEVER else when

    # --- inside

    def _take(self, one: frame.Frame, now: Seconds, happenings: list[Happening]) -> None:
        kind, method, request, number, descriptors, body = one
        incoming = Incoming(descriptors, self._posix) if descriptors else NO_DESCRIPTORS
        try:
            if not self.greeted:
                self._greet(kind, body)
            elif kind in _CALLS:
                self.requests.called(kind, method, request, number, body, incoming, now, happenings)
                return
            elif frame.ANSWER <= kind <= frame.END:
                self.calls.replied(kind, request, body, incoming, happenings)
                return
            elif kind == frame.PONG:
                self.pulse.answered(now)
            else:
                self._managed(kind, method, request, number, body, happenings)
            _insist(incoming)
        except ProtocolError:
            incoming.close()
            raise

    def _greet(self, kind: int, body: bytes) -> None:
        if kind != frame.HELLO:
            raise ProtocolError("the other end did not greet")
        hello = message.read_hello(body)
        self.peer_name = hello.name[:100]
        self.calls.most = max(1, hello.most_requests)
        self.greeted = True
        self._greet_by = NEVER
        self.calls.release()

    def _managed(
        self, kind: int, method: int, request: int, number: int, body: bytes, happenings: list[Happening]
    ) -> None:
        if kind == frame.DEFINE:
            self.requests.define(method, body)
        elif kind == frame.CANCEL:
            self.requests.cancelled(request, happenings)
        elif kind == frame.DRAIN:
            happenings.append(Leaving())
        elif kind == frame.CREDIT:
            self.requests.credited(request, number, happenings)
        elif kind == frame.PING:
            self.outbox.put(frame.PONG)
        elif kind == frame.GOODBYE:
            error = message.read_failure(body) if body else None
            unanswered = error is None and len(self.calls) > 0
            self._over(ConnectionLost("the other end left") if unanswered else error, happenings)
        else:
            raise ProtocolError(f"a frame of kind {kind} where none belongs")

    def _look(self, idle: Idle, now: Seconds, happenings: list[Happening]) -> None:
        is_used = len(self.calls) > 0 or len(self.requests) > 0
        goes_on = idle.look((self.calls.last, self.requests.last), now, is_used=is_used)
        if goes_on:
            self.drain()
        elif goes_on is False:
            self.goodbye()
            self._over(None, happenings)

    def _over(self, error: SnowFoxError | None, happenings: list[Happening]) -> None:
        self.ended = True
        failure = error or ConnectionLost("the session is over")
        if isinstance(failure, DeadlineExceeded):  # of the session's silence, not of a call
            failure = ConnectionLost(str(failure))
        self.calls.fail(failure, happenings)
        self.requests.withdraw(happenings)
        happenings.append(Ended(error))


def _insist(incoming: Incoming) -> None:
    if incoming is not NO_DESCRIPTORS:
        raise ProtocolError("descriptors where none belong")
