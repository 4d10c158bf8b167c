"""What `status` shows: the last status of each instance, and who waits for a state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from snowfox.contract.manager import InstanceStatus
from snowfox.core.clock import Clock
from snowfox.service.status import NEXT_RUN, Status
from snowfox.values import Seconds

_TIMED: Final = frozenset({"starting", "ready", "stopping", "backoff"})
"""States whose message may say how long ago, or how long yet."""
_REACHES: Final = {"ready": frozenset({"ready", "finished"})}


class Board:
    """The statuses of all instances, in the order of the configuration.

    Args:
        clock: turns the engine's monotonic times into those of people.

    `live` is the engine's status of an instance at a time, for messages that tell how long something takes yet.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.statuses: dict[str, Status] = {}
        self.phase = "starting"
        self.live: Callable[[str, Seconds], Status | None] = lambda instance, _: self.statuses.get(instance)
        self._wake: asyncio.Future[None] | None = None

    def put(self, status: Status) -> None:
        """An instance changed."""
        self.statuses[status.id] = status
        self._tell()

    def remove(self, instance: str) -> None:
        """An instance is gone."""
        self.statuses.pop(instance, None)
        self._tell()

    def enter(self, phase: str) -> None:
        """The node is in another phase."""
        self.phase = phase
        self._tell()

    async def until_phase(self, phase: str) -> None:
        """Wait until the node is in this phase. Without a deadline of its own."""
        while self.phase != phase:
            await self._change()

    async def until_state(self, instances: list[str], state: str, *, within: Seconds) -> bool:
        """True once all are in `state` (`ready` counts `finished`); False when `within` seconds are over."""
        wanted = _REACHES.get(state, frozenset({state}))
        end = self._clock.now() + within
        while not all(one in self.statuses and self.statuses[one].state in wanted for one in instances):
            left = end - self._clock.now()
            if left <= 0:
                return False
            try:
                async with asyncio.timeout(left):
                    await self._change()
            except TimeoutError:
                return False
        return True

    def pids(self, instances: Iterable[str] | None = None) -> list[int]:
        """Main processes of these that have one; None: of all."""
        chosen = self.statuses if instances is None else instances
        return [self.statuses[one].pid for one in chosen if one in self.statuses and self.statuses[one].pid]

    def rows(self, instances: list[str], memory: Mapping[int, int]) -> list[InstanceStatus]:
        """Rows of `status` of these; `memory`: bytes by main process."""
        now, wall = self._clock.now(), self._clock.wall()
        found = (status for one in instances if (status := self.now(one)) is not None)
        return [
            InstanceStatus(
                status.id,
                status.service,
                status.state,
                status.light,
                wall - round((now - status.since) * 1000),
                status.pid,
                memory.get(status.pid, 0),
                status.restarts,
                status.message,
                status.started,
            )
            for status in found
        ]

    def now(self, instance: str) -> Status | None:
        """Its status, with the times of now in the message, where that can have any; None for an unknown one."""
        status = self.statuses.get(instance)
        has_times = status is not None and _has_times(status)
        return self.live(instance, self._clock.now()) if has_times else status

    def _tell(self) -> None:
        if self._wake is not None:
            self._wake.set_result(None)
            self._wake = None

    async def _change(self) -> None:
        if self._wake is None:
            self._wake = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._wake)


def _has_times(status: Status) -> bool:
    message = status.message
    return bool(message) and (status.state in _TIMED or message.startswith(NEXT_RUN))
