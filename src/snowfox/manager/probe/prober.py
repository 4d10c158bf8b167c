"""Asks services whether they are ready, and again and again whether they are alive.

Between two tries a probe is an entry in the heap of timers; only a try under way is a task with a socket or a helper,
of each a bounded number: slow commands do not hold up those that only connect.

Tries of `alive` are spread over time: the first comes after half to one and a half of `every`, by chance, so that a
thousand that got ready together are not asked together, and each keeps its rhythm. A try that took longer than it may
because this process did not run (stopped, the host suspended) says nothing about the service.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import Final, Protocol

from snowfox.core.clock import Clock
from snowfox.core.posix.api import Posix
from snowfox.errors import SnowFoxError, errno_text
from snowfox.manager.alarm import Alarm, Alarms
from snowfox.manager.probe.attempt import look
from snowfox.manager.probe.lane import Lane, Ticket
from snowfox.service.event import Ailing, Event, ProbeAnswered, ProbeFailed, Unwell
from snowfox.service.spec import Alive, Ready
from snowfox.values import Exit, Seconds

MOST_SOCKETS: Final = 64
"""Tries by socket under way."""
MOST_HELPERS: Final = 16
"""Tries by command under way, each with a process."""
LONGEST_TRY: Final[Seconds] = 5.0
"""Seconds for one connection of a `ready` and its answer."""
STALL: Final[Seconds] = 1.0
"""Seconds over its time after which a try was held up by us."""


class RunHelper(Protocol):
    """Runs a command beside a service, as its user; ends it when cancelled."""

    def __call__(self, instance: str, command: tuple[str, ...]) -> Awaitable[Exit]:
        """How it ended. Raises SnowFoxError when it cannot be launched."""
        ...


class Means:
    """What tries are made with.

    Args:
        posix: the kernel.
        clock: how long they take.
        helper: runs the command of a probe by command.
        random: spreads them.
    """

    def __init__(
        self, posix: Posix, clock: Clock, *, helper: RunHelper, random: Random | None = None
    ) -> None:
        self.posix = posix
        self.clock = clock
        self.helper = helper
        self.random = random or Random()  # noqa: S311 - spread, not a secret


class _Asked:
    """One launch that is asked."""

    __slots__ = ("began", "failures", "instance", "probe", "reason", "ticket", "timer", "token", "well")

    def __init__(self, instance: str, token: str, probe: Ready | Alive) -> None:
        self.instance = instance
        self.token = token
        self.probe = probe
        self.timer: Alarm | None = None
        self.ticket: Ticket | None = None
        self.began: Seconds = 0.0
        self.reason = ""
        self.failures = 0
        self.well: Seconds = 0.0

    @property
    def most(self) -> Seconds | None:
        """Seconds that a try may take; None for the command of a `ready`, whose time is that of the start."""
        if isinstance(self.probe, Ready):
            return None if self.probe.command else min(self.probe.timeout, LONGEST_TRY)
        return self.probe.timeout


class Prober:
    """All probes of a node.

    Args:
        means: what tries are made with.
        alarms: the timers.
        tell: takes events for the engine: ProbeAnswered (the probe is over then), ProbeFailed (in another way than
            before), Ailing, Unwell (the probe goes on).
    """

    def __init__(self, means: Means, alarms: Alarms, tell: Callable[[Event], None]) -> None:
        self._means = means
        self._alarms = alarms
        self._tell = tell
        self._starting: dict[str, _Asked] = {}
        self._watched: dict[str, _Asked] = {}
        self._sockets = Lane(MOST_SOCKETS)
        self._helpers = Lane(MOST_HELPERS)

    def start(self, instance: str, token: str, ready: Ready) -> None:
        """Ask until it is ready or `stop`; the same launch again starts over."""
        self.stop(token)
        asked = self._starting[token] = _Asked(instance, token, ready)
        self._try(asked)

    def stop(self, token: str) -> None:
        """Ask no more whether it is ready. A launch that is not asked is fine."""
        self._drop(self._starting.pop(token, None))

    def watch(self, instance: str, token: str, alive: Alive) -> None:
        """Ask whether it is alive until `unwatch`; the same launch again starts over."""
        self.unwatch(token)
        asked = self._watched[token] = _Asked(instance, token, alive)
        asked.well = self._means.clock.now()
        self._later(asked, alive.every * (0.5 + self._means.random.random()))

    def unwatch(self, token: str) -> None:
        """Ask no more whether it is alive. A launch that is not asked is fine."""
        self._drop(self._watched.pop(token, None))

    def close(self) -> None:
        """Ask nobody any more."""
        for token in list(self._starting):
            self.stop(token)
        for token in list(self._watched):
            self.unwatch(token)

    def _drop(self, asked: _Asked | None) -> None:
        if asked is None:
            return
        if asked.timer is not None:
            self._alarms.clear(asked.timer)
        if asked.ticket is not None:
            asked.ticket.cancel()

    def _later(self, asked: _Asked, seconds: Seconds) -> None:
        asked.timer = self._alarms.set(seconds, lambda: self._try(asked))

    def _try(self, asked: _Asked) -> None:
        asked.timer = None
        asked.began = self._means.clock.now()
        lane = self._helpers if asked.probe.command else self._sockets
        asked.ticket = lane.run(
            partial(self._ask, asked), f"probe {asked.instance}", lambda error: self._done(asked, error)
        )

    def _done(self, asked: _Asked, error: BaseException | None) -> None:
        asked.ticket = None
        if isinstance(asked.probe, Ready):
            self._looked(asked, asked.probe, error)
        else:
            self._watched_once(asked, asked.probe, error)

    def _looked(self, asked: _Asked, ready: Ready, error: BaseException | None) -> None:
        if error is None:
            del self._starting[asked.token]
            self._tell(ProbeAnswered(asked.token))
            return
        self._later(asked, ready.every)
        reason = _words(error)
        if reason != asked.reason:
            asked.reason = reason
            self._tell(ProbeFailed(asked.token, reason))

    def _watched_once(self, asked: _Asked, alive: Alive, error: BaseException | None) -> None:
        now = self._means.clock.now()
        took = now - asked.began
        self._later(asked, max(alive.every - took, 0.0))
        if error is None:
            asked.well = now
            if asked.failures:
                asked.failures = 0
                self._tell(Ailing(asked.token, ""))
        elif not (isinstance(error, TimeoutError) and took > alive.timeout + STALL):
            asked.failures += 1
            self._tell(self._ail(asked, alive, _words(error)))

    def _ail(self, asked: _Asked, alive: Alive, reason: str) -> Event:
        if asked.failures < alive.failures:
            return Ailing(asked.token, f"{reason}, {asked.failures} of {alive.failures}")
        times = f", {asked.failures} times in a row" if asked.failures > 1 else ""
        asked.failures = 0
        silent = self._means.clock.now() - asked.well
        return Unwell(asked.token, "probe", f"not alive: {reason}{times}", silent)

    async def _ask(self, asked: _Asked) -> None:
        probe = asked.probe
        asked.began = self._means.clock.now()
        async with asyncio.timeout(asked.most):
            if probe.command:
                end = await self._means.helper(asked.instance, probe.command)
                if end.code != 0:
                    msg = f"{probe.command[0]}: {end}"
                    raise SnowFoxError(msg)
                return
            address = probe.tcp or probe.http or probe.unix or ""
            await look(self._means.posix, address, path=probe.path if probe.http else None)


def _words(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "the try was cancelled"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if (
        isinstance(error, OSError) and error.errno in errno.errorcode
    ):  # asyncio words it with Python's address
        return errno_text(error.errno)
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return str(error)
