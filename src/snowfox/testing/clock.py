"""Time that moves only when a test moves it.

For a decision core, `clock.advance("10s")` just moves it. For asyncio there is a loop whose time is the clock's: then
`await clock.advance("10s")` runs what is ready, then every timer that comes due on the way, each at its own time, in
order, and sleeps nowhere. Sockets and threads are real: before time moves, the loop sees to what sockets have for it
and waits for the calls that are out in threads (the store's).

```python
async def test_it(clock: VirtualClock) -> None:        # the fixture of tests/conftest.py
    await clock.advance("10s")

run_virtual(lambda clock: story(clock))                # the same without pytest
```

Prior art: trio's MockClock. Its autojump (time moves when all wait) was rejected: a test is to say what passes.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Generator
from concurrent.futures import Executor
from contextvars import Context
from selectors import BaseSelector, DefaultSelector, SelectorKey
from typing import Any, Final, TypeVar, TypeVarTuple

from snowfox.core.clock import Clock, seconds, using
from snowfox.errors import InternalError
from snowfox.values import Seconds

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_PATIENCE: Final[Seconds] = 10.0
"""Real seconds without anything happening after which a test is told that it waits for time that it does not move."""
_MOST_TURNS: Final = 100_000
"""Turns of the loop without a pause after which something is said to spin."""


class VirtualClock(Clock):
    """A clock for tests.

    Args:
        now: monotonic seconds at the start.
        wall: milliseconds since 1970 at the start.
        boot: nanoseconds since boot at the start.
    """

    def __init__(
        self,
        now: Seconds = 1000.0,
        wall: int = 1_700_000_000_000,
        boot: int = 2_000_000_000_000,
    ) -> None:
        self._start = now
        self._now = now
        self._wall = wall
        self._boot = boot
        self._loop: VirtualLoop | None = None

    def now(self) -> Seconds:
        """Monotonic seconds."""
        return self._now

    def wall(self) -> int:
        """Milliseconds since 1970."""
        return self._wall + round((self._now - self._start) * 1000)

    def boot(self) -> int:
        """Nanoseconds since boot."""
        return self._boot + round((self._now - self._start) * 1e9)

    def jump_wall(self, milliseconds: int) -> None:
        """Let the wall clock jump, as when somebody sets it; monotonic time does not notice."""
        self._wall += milliseconds

    def advance(self, length: str | Seconds) -> Advance:
        """Let time pass. Without a loop at once; with one it must be awaited. ValueError for a negative length."""
        amount = seconds(length)
        if amount < 0:
            msg = f"time does not go back by {amount}"
            raise ValueError(msg)
        if self._loop is None:
            self._now += amount
            return Advance(None)
        return Advance(self._loop.pass_time(amount))

    def settle(self) -> Advance:
        """`await clock.settle()`: run all that is ready, without letting time pass."""
        return self.advance(0.0)

    def loop(self) -> VirtualLoop:
        """A loop whose time is this clock's, until it is closed; one at a time."""
        if self._loop is not None:
            msg = "the virtual clock has a loop already"
            raise InternalError(msg)
        self._loop = VirtualLoop(self)
        return self._loop

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        """Run it to its end in a loop of its own; `clock.active()` is this clock inside."""
        with using(self), asyncio.Runner(loop_factory=self.loop) as runner:
            return runner.run(story)

    def _set(self, now: Seconds) -> None:
        self._now = max(self._now, now)

    def _detach(self) -> None:
        self._loop = None


class Advance:
    """What `advance` returns: awaited where there is a loop."""

    def __init__(self, steps: Coroutine[Any, Any, None] | None) -> None:
        self._steps = steps

    def __await__(self) -> Generator[Any, None, None]:
        steps, self._steps = self._steps, None
        if steps is not None:
            yield from steps.__await__()

    def __del__(self) -> None:
        steps = getattr(self, "_steps", None)
        if steps is not None:
            steps.close()
            warnings.warn("no time passed: clock.advance() was not awaited", RuntimeWarning, stacklevel=2)


class _Selector(BaseSelector):
    """Looks at real descriptors, never waits for virtual time."""

    def __init__(self) -> None:
        self._real = DefaultSelector()

    def register(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        return self._real.modify(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return self._real.select(0)
        found = self._real.select(_PATIENCE)
        if not found:
            msg = f"nothing happened for {_PATIENCE:g}s: the test waits for time that it does not move"
            raise InternalError(msg)
        return found

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Any:
        return self._real.get_map()


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time is a `VirtualClock`'s. Made by `VirtualClock.loop`, or with a clock of its own."""

    def __init__(self, clock: VirtualClock | None = None) -> None:
        self._selector_of_ours = _Selector()
        super().__init__(self._selector_of_ours)
        self.clock = clock or VirtualClock()
        self.clock._loop = self  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the two are one thing
        self._timers: list[asyncio.TimerHandle] = []
        self._out: set[asyncio.Future[Any]] = set()

    def time(self) -> Seconds:
        """The clock's."""
        return self.clock.now()

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As every loop, and remembers the timer."""
        handle = super().call_at(when, callback, *args, context=context)
        self._timers.append(handle)
        return handle

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """As every loop, and remembers that it is out."""
        future = super().run_in_executor(executor, func, *args)
        self._out.add(future)
        future.add_done_callback(self._out.discard)
        return future

    def close(self) -> None:
        """As every loop, and gives the clock back."""
        super().close()
        self.clock._detach()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the two are one thing

    async def pass_time(self, amount: Seconds) -> None:
        """Run what is ready, and every timer due within `amount`, each at its time."""
        end = self.time() + amount
        await self._settle()
        while (following := self._next_timer()) is not None and following <= end:
            self.clock._set(following)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            await self._settle()
        self.clock._set(end)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        await self._settle()

    def _next_timer(self) -> Seconds | None:
        now = self.time()
        # A timer of the past was run by the loop in its last turn.
        self._timers = [timer for timer in self._timers if not timer.cancelled() and timer.when() > now]
        return min((timer.when() for timer in self._timers), default=None)

    async def _settle(self) -> None:
        quiet = 0
        for _ in range(_MOST_TURNS):
            ready: list[Any] = self._ready  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType] - BaseEventLoop's own
            if ready or self._selector_of_ours.select(0):
                quiet = 0
            elif self._out:
                await asyncio.wait(list(self._out), return_when=asyncio.FIRST_COMPLETED)
                quiet = 0
            elif quiet >= 2:
                return
            else:
                # A timer that is due now becomes ready only in the loop's next turn.
                quiet += 1
            await asyncio.sleep(0)
        msg = f"something spins: {_MOST_TURNS} turns of the loop without a pause"
        raise InternalError(msg)


def run_virtual(story: Callable[[VirtualClock], Awaitable[T]]) -> T:
    """Run `story(clock)` to its end in virtual time."""
    clock = VirtualClock()

    async def whole() -> T:
        return await story(clock)

    return clock.run(whole())
