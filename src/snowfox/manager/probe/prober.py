"""Asks services whether they are ready, a bounded number at a time.

Between two tries a probe is an entry in the heap of timers; only a try under way is a task with a socket. A try
that finds no room waits its turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from snowfox.core.posix.api import Posix
from snowfox.errors import SnowFoxError
from snowfox.manager.alarm import Alarm, Alarms
from snowfox.manager.probe.attempt import look
from snowfox.service.spec import Ready
from snowfox.values import Exit, Seconds

MOST_AT_ONCE: Final = 32
"""Tries under way, each with a socket or a helper."""
LONGEST_TRY: Final[Seconds] = 5.0
"""Seconds for one connection and its answer."""


class RunHelper(Protocol):
    """Runs a command beside a service, as its user; ends it when cancelled."""

    def __call__(self, instance: str, command: tuple[str, ...]) -> Awaitable[Exit]:
        """How it ended. Raises SnowFoxError when it cannot be launched."""
        ...


class _Watch:
    """One launch whose readiness is asked for."""

    __slots__ = ("instance", "is_stopped", "ready", "reason", "task", "timer", "token")

    def __init__(self, instance: str, token: str, ready: Ready) -> None:
        self.instance = instance
        self.token = token
        self.ready = ready
        self.timer: Alarm | None = None
        self.task: asyncio.Task[None] | None = None
        self.is_stopped = False
        self.reason = ""


class Prober:
    """All probes of a node.

    Args:
        posix: the kernel.
        alarms: the timers.
        helper: runs the command of a probe by command.
        passed: called with instance and token when it is ready; the probe is over then.
        failed: called with instance, token and reason after a try that found it not ready in another way than before.
    """

    def __init__(
        self,
        posix: Posix,
        alarms: Alarms,
        *,
        helper: RunHelper,
        passed: Callable[[str, str], None],
        failed: Callable[[str, str, str], None],
    ) -> None:
        self._posix = posix
        self._alarms = alarms
        self._helper = helper
        self._passed = passed
        self._failed = failed
        self._watches: dict[str, _Watch] = {}
        self._queue: deque[_Watch] = deque()
        self._under_way = 0

    def start(self, instance: str, token: str, ready: Ready) -> None:
        """Ask by `tcp`, `http` or `command` until it is ready or `stop`; the same instance again starts over."""
        self.stop(instance)
        watch = self._watches[instance] = _Watch(instance, token, ready)
        self._try(watch)

    def stop(self, instance: str) -> None:
        """Ask no more. An instance that is not asked is fine."""
        watch = self._watches.pop(instance, None)
        if watch is None:
            return
        watch.is_stopped = True
        if watch.timer is not None:
            self._alarms.clear(watch.timer)
        if watch.task is not None:
            watch.task.cancel()

    def close(self) -> None:
        """Stop all."""
        for instance in list(self._watches):
            self.stop(instance)

    def _pass(self, watch: _Watch) -> None:
        if self._watches.get(watch.instance) is watch:
            del self._watches[watch.instance]
            self._passed(watch.instance, watch.token)

    def _try(self, watch: _Watch) -> None:
        watch.timer = None
        if self._under_way >= MOST_AT_ONCE:
            self._queue.append(watch)
            return
        self._under_way += 1
        watch.task = asyncio.get_running_loop().create_task(self._ask(watch), name=f"probe {watch.instance}")
        watch.task.add_done_callback(lambda task: self._done(watch, task))

    def _done(self, watch: _Watch, task: asyncio.Task[None]) -> None:
        self._under_way -= 1
        watch.task = None
        error = None if task.cancelled() else task.exception()
        if not watch.is_stopped:
            if error is None and not task.cancelled():
                self._pass(watch)
            else:
                self._fail(watch, _words(error))
        while self._queue and self._under_way < MOST_AT_ONCE:
            following = self._queue.popleft()
            if not following.is_stopped:
                self._try(following)

    def _fail(self, watch: _Watch, reason: str) -> None:
        watch.timer = self._alarms.set(watch.ready.every, lambda: self._try(watch))
        if reason != watch.reason:
            watch.reason = reason
            self._failed(watch.instance, watch.token, reason)

    async def _ask(self, watch: _Watch) -> None:
        ready = watch.ready
        if ready.command:
            end = await self._helper(watch.instance, ready.command)
            if end.code != 0:
                msg = f"{ready.command[0]}: {end}"
                raise SnowFoxError(msg)
            return
        address = ready.tcp or ready.http or ""
        async with asyncio.timeout(min(ready.timeout, LONGEST_TRY)):
            await look(self._posix, address, path=ready.path if ready.http else None)


def _words(error: BaseException | None) -> str:
    if error is None:
        return "the try was cancelled"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return str(error)
