"""Promises: a value that comes later, with a read end and a write end of its own.

```python
promise, resolver = Promise[int].make("first ready", deadline=clock.after("10s"))
resolver.resolve(7)
assert await promise == 7
```

The wait of each who awaits is an `asyncio.Future`; what the promise adds is what that lacks: who made it, until when,
what caused it; that cancelling a wait leaves the promise and its other waiters alone; that a deadline costs no timer.

Deadlines are kept by one timer per loop, armed for the earliest of them and only while something with a deadline is
pending; it comes at most every 50 ms. (A timer per promise was measured at 2.8 us, `asyncio.timeout` at 3.8.)
"""

# Promise, Resolver and PromiseKeeper are one thing with three faces, and share their insides.
# ruff: noqa: SLF001
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Generator
from types import CodeType
from typing import Any, Final, Generic, TypeVar, cast

from snowfox.core import deadline as deadlines
from snowfox.core import log, trace
from snowfox.core.deadline import NO_END
from snowfox.core.named import NamedTuple
from snowfox.errors import Cancelled, DeadlineExceeded, InternalError
from snowfox.values import Seconds

T = TypeVar("T")

SWEEP: Final = 0.05
"""Seconds between two looks at deadlines; a promise expires at most this late."""

MOST_PENDING: Final = 100_000
"""Promises that may be pending in one loop; making more raises."""

_PENDING: Final[Any] = object()
_log: Final = log.get("promise")


class Pending(NamedTuple):
    """A promise that is not settled, as it is listed.

    Args:
        id: a number, of this process.
        name: what is awaited.
        maker: `function (file:line)` that made it.
        age: seconds since it was made.
        remaining: seconds until its deadline; infinite without one.
        trace: the story that it belongs to, or None.
    """

    id: int
    name: str
    maker: str
    age: Seconds
    remaining: Seconds
    trace: trace.Trace | None


class Promise(Generic[T]):
    """The read end. Made by `Promise.make`, `Promise.of` and `Promise.failed`; awaited by any number of tasks.

    Write `Promise.make(...)` beside an annotation where it is hot: `Promise[int].make(...)` costs a microsecond more.

    Awaiting gives the value or raises the error. Cancelling a wait does not cancel the promise. A rejection that
    nobody saw is logged once, when the promise is dropped (but not `Cancelled`: somebody asked for that).
    """

    __slots__ = (
        "_code",
        "_error",
        "_instruction",
        "_keeper",
        "_listeners",
        "_owner",
        "_unseen",
        "_value",
        "_waiters",
        "deadline",
        "id",
        "made",
        "name",
        "trace",
    )

    def __init__(
        self,
        name: str,
        when: Seconds = NO_END,
        keeper: PromiseKeeper | None = None,
        now: Seconds = 0.0,
        depth: int = 0,
        owner: Callable[[Any], object] | None = None,
    ) -> None:
        self.id = 0
        self.name = name
        self.deadline = when
        self.made = now
        self.trace = trace.current()
        self._value: T = _PENDING
        self._error: BaseException | None = None
        self._unseen: _Unseen | None = None
        self._owner = owner
        self._waiters: list[asyncio.Future[None]] | None = None
        self._listeners: list[Callable[[Promise[T]], object]] | None = None
        self._keeper = keeper
        self._code: CodeType | None = None
        self._instruction = 0
        if keeper is not None:
            # inspect would cost 20 us for the same.
            frame = sys._getframe(depth)
            self._code, self._instruction = frame.f_code, frame.f_lasti
            keeper._add(self)

    @classmethod
    def make(
        cls, name: str, *, deadline: Seconds | None = None, depth: int = 1
    ) -> tuple[Promise[T], Resolver[T]]:
        """A promise and its write end. Needs a running loop.

        Args:
            name: what is awaited, for people: `first ready`.
            deadline: monotonic time (`clock.after("10s")`), `NO_END`, or None for the one that the place inherits.
                A sooner one that is inherited counts.
            depth: whose call is named as the maker: 1 is who calls `make`, 2 who called that.

        Raises InternalError without any deadline, or when `MOST_PENDING` are pending.
        """
        inherited = deadlines.current()
        if deadline is None:
            if inherited == NO_END:
                msg = f"promise {name} needs a deadline"
                raise InternalError(msg)
            when = inherited
        else:
            when = min(deadline, inherited)
        keeper = PromiseKeeper.instance()
        promise = cls(name, when, keeper, keeper._time(), depth + 1)
        return promise, Resolver(promise)

    @classmethod
    def of(cls, value: T, name: str = "value") -> Promise[T]:
        """A promise that is settled already. Needs no loop."""
        promise = cls(name)
        promise._value = value
        return promise

    @classmethod
    def failed(cls, error: BaseException, name: str = "failure") -> Promise[T]:
        """A promise that is rejected already. Needs no loop."""
        promise = cls(name)
        promise._error = error
        promise._unseen = _Unseen(promise, error)
        return promise

    @property
    def is_settled(self) -> bool:
        """Whether the value or an error is there."""
        return self._value is not _PENDING or self._error is not None

    @property
    def maker(self) -> str:
        """`function (file:line)` that made it; "" where it was settled from the start."""
        return _named(self._code, self._instruction)

    def result(self) -> T:
        """The value; raises the error. InternalError while it is pending."""
        if self._error is not None:
            self._see()
            raise self._error
        if self._value is _PENDING:
            msg = f"promise {self.name} is not settled"
            raise InternalError(msg)
        return self._value

    def error(self) -> BaseException | None:
        """The error of a rejected promise, which counts as seen; None otherwise."""
        self._see()
        return self._error

    def cancel(self) -> bool:
        """Reject it with `Cancelled`, for all who wait. False when it was settled already."""
        if self.is_settled:
            return False
        return self._settle(_PENDING, Cancelled(f"{self.name} is no longer wanted"))

    def when_settled(self, listener: Callable[[Promise[T]], object]) -> None:
        """Call `listener(promise)` in place when it settles, at once if it is settled. It must not raise."""
        if self.is_settled:
            listener(self)
        elif self._listeners is None:
            self._listeners = [listener]
        else:
            self._listeners.append(listener)

    def __await__(self) -> Generator[Any, None, T]:
        if self._value is _PENDING and self._error is None:
            waiter: asyncio.Future[None] = asyncio.Future()
            if self._waiters is None:
                self._waiters = [waiter]
            else:
                self._waiters.append(waiter)
            try:
                yield from waiter
            except BaseException:
                self._forget(waiter)
                raise
        return self.result()

    def _forget(self, waiter: asyncio.Future[None]) -> None:
        if self._waiters is not None:
            self._waiters.remove(waiter)

    def _settle(self, value: T, error: BaseException | None) -> bool:
        if self._value is not _PENDING or self._error is not None:
            return False
        self._value = value
        if error is not None:
            self._error = error
            self._unseen = _Unseen(self, error)
        if self._keeper is not None:
            # The timer stays armed: arming it for each of many short promises would cost more than one look in vain.
            self._keeper._pending.pop(self.id, None)
            self._keeper = None
        if self._owner is not None:
            owner, self._owner = self._owner, None
            owner(self)
        if self._waiters is not None:
            waiters, self._waiters = self._waiters, None
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
        if self._listeners is not None:
            listeners, self._listeners = self._listeners, None
            self._tell(listeners)
        return True

    def _tell(self, listeners: list[Callable[[Promise[T]], object]]) -> None:
        for listener in listeners:
            try:
                listener(self)
            except Exception as problem:  # noqa: BLE001 - the others must still hear of it
                _log.error("a promise's listener raised", promise=self.name, error=repr(problem))

    def _see(self) -> None:
        if self._unseen is not None:
            self._unseen.error = None
            self._unseen = None


class _Unseen:
    """Of a rejected promise: tells of the error when it is dropped before anybody saw it.

    Beside the promise, not its own `__del__`, which each of them would pay for.
    """

    __slots__ = ("code", "error", "instruction", "name", "trace")

    def __init__(self, promise: Promise[Any], error: BaseException) -> None:
        self.error: BaseException | None = error
        self.name = promise.name
        self.trace = promise.trace
        self.code = promise._code
        self.instruction = promise._instruction

    def __del__(self) -> None:
        # An object whose __init__ was interrupted has no such attribute yet.
        error = getattr(self, "error", None)
        if error is None or isinstance(error, Cancelled):
            return
        maker = _named(self.code, self.instruction)
        with trace.within(self.trace):
            _log.error("a rejection that nobody saw", promise=self.name, maker=maker, error=repr(error))


def _named(code: CodeType | None, instruction: int) -> str:
    """`function (file:line)` of an instruction; "" of none."""
    if code is None:
        return ""
    lines = (line for start, end, line in code.co_lines() if start <= instruction < end)
    return f"{code.co_qualname} ({code.co_filename}:{next(lines, None) or 0})"


class Owned(Promise[T]):
    """A promise with its write end and a number of its maker's in it: for who makes very many.

    Whoever it is handed out to sees a `Promise`.

    Args:
        name: what is awaited, for people.
        when: monotonic time of its deadline.
        keeper: of the running loop.
        now: monotonic time.
        depth: whose call is named as the maker: 1 is who makes it.
        owner: called with it when it is settled by others than the maker: cancelled, or late.

    Raises InternalError when `MOST_PENDING` are pending.

    Attributes:
        number: what the maker knows it by.
    """

    __slots__ = ("number",)

    number: int

    def resolve(self, value: T) -> bool:
        """Settle it with a value, by its maker. False when it was settled already: nothing changes then."""
        self._owner = None
        return self._settle(value, None)

    def reject(self, error: BaseException) -> bool:
        """Settle it with an error, by its maker. False when it was settled already: nothing changes then."""
        self._owner = None
        return self._settle(_PENDING, error)


class Resolver(Generic[T]):
    """The write end: whoever holds it settles the promise, once."""

    __slots__ = ("promise",)

    def __init__(self, promise: Promise[T]) -> None:
        self.promise = promise

    def resolve(self, value: T) -> bool:
        """Settle it with a value. False when it was settled already (as by its deadline): nothing changes then."""
        return self.promise._settle(value, None)

    def reject(self, error: BaseException) -> bool:
        """Settle it with an error. False when it was settled already: nothing changes then."""
        return self.promise._settle(_PENDING, error)


class PromiseKeeper:
    """Knows the pending promises of one loop, finds one by its id, lets them expire."""

    def __init__(self) -> None:
        self._pending: dict[int, Promise[Any]] = {}
        self._last = 0
        self._time = asyncio.get_running_loop().time
        self._timer: asyncio.TimerHandle | None = None
        self._armed = NO_END

    @staticmethod
    def instance() -> PromiseKeeper:
        """The one of the running loop. Raises RuntimeError without one."""
        loop = asyncio.get_running_loop()
        # An attribute of the loop lives and ends with it; a dictionary of loops would keep each alive by its timer.
        keeper = getattr(loop, "_snowfox_promises", None)
        if keeper is None:
            keeper = PromiseKeeper()
            loop._snowfox_promises = keeper  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
        return cast("PromiseKeeper", keeper)

    def __len__(self) -> int:
        """How many are pending."""
        return len(self._pending)

    def find(self, id: int) -> Promise[Any] | None:
        """The pending promise with this id; None when it is settled or never was."""
        return self._pending.get(id)

    def pending(self, most: int = 100) -> list[Pending]:
        """The oldest that are pending, at most `most`."""
        now = asyncio.get_running_loop().time()
        out: list[Pending] = []
        for promise in self._pending.values():
            if len(out) >= most:
                break
            out.append(
                Pending(
                    promise.id,
                    promise.name,
                    promise.maker,
                    now - promise.made,
                    promise.deadline - now,
                    promise.trace,
                )
            )
        return out

    def _add(self, promise: Promise[Any]) -> None:
        if len(self._pending) >= MOST_PENDING:
            msg = f"cannot make promise {promise.name}: {MOST_PENDING} are pending"
            raise InternalError(msg)
        self._last += 1
        promise.id = self._last
        self._pending[self._last] = promise
        if promise.deadline + SWEEP < self._armed:
            self._arm(promise.deadline)

    def _arm(self, when: Seconds) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
        # Later by up to a sweep, so that deadlines close to one another share a timer.
        self._armed = max(when, loop.time()) + SWEEP
        self._timer = loop.call_at(self._armed, self._sweep)

    def _sweep(self) -> None:
        now = asyncio.get_running_loop().time()
        self._timer, self._armed = None, NO_END
        due: list[Promise[Any]] = []
        soonest = NO_END
        for promise in self._pending.values():
            if promise.deadline <= now:
                due.append(promise)
            elif promise.deadline < soonest:
                soonest = promise.deadline
        if soonest != NO_END:
            self._arm(soonest)
        for promise in due:
            promise._settle(_PENDING, DeadlineExceeded(f"{promise.name}: its deadline is over"))
