"""Hooks of services, run as helpers beside them: each with its deadline, its output in the service's log.

A hook under way is a task, one per launch at most; an instance without one has none.
"""

from __future__ import annotations

from asyncio import Task, get_running_loop, timeout
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, Protocol

from snowfox.contract.spawner import Launch
from snowfox.core.ids import Ids
from snowfox.core.log import get
from snowfox.errors import PosixError, SnowFoxError, UserError
from snowfox.manager.blueprint import Blueprints
from snowfox.service.beside import Beside
from snowfox.service.effects import RunHook
from snowfox.service.event import HookEnded
from snowfox.service.spec import Log
from snowfox.values import Exit, span_text

_log: Final = get("manager.hooks")


class RunHelper(Protocol):
    """Runs a helper to its end; gives away the read end of its output. Cancelling kills it."""

    def __call__(self, launch: Launch, capture: Callable[[int], None], /) -> Awaitable[Exit]:
        """How it ended. Raises SnowFoxError when it cannot be launched."""
        ...


class Hooks:
    """All hooks of a node.

    Args:
        helper: runs one.
        ids: for their tokens.
        tell: takes how each ended.
        attach: reads a FIFO into the log of an instance. Raises PosixError.
    """

    def __init__(
        self,
        helper: RunHelper,
        *,
        ids: Ids,
        tell: Callable[[HookEnded], None],
        attach: Callable[[str, int, Log], None],
    ) -> None:
        self._helper = helper
        self._ids = ids
        self._tell = tell
        self._attach = attach
        self._tasks: dict[str, Task[str]] = {}

    def run(self, effect: RunHook, blueprints: Sequence[Blueprints]) -> None:
        """Run one; another of the same launch is killed, and nothing is told of it.

        Args:
            effect: what is wanted.
            blueprints: those in force, then those of before, for what is no longer in the configuration.
        """
        self.stop(effect.token)
        name = f"{effect.name} {effect.instance}"
        task = get_running_loop().create_task(self._run(effect, blueprints), name=name)
        self._tasks[effect.token] = task
        task.add_done_callback(partial(self._done, effect))

    def stop(self, token: str) -> None:
        """Kill the one of this launch. That there is none is fine."""
        task = self._tasks.pop(token, None)
        if task is not None:
            task.cancel()

    def _done(self, effect: RunHook, task: Task[str]) -> None:
        if self._tasks.get(effect.token) is not task:
            return
        del self._tasks[effect.token]
        if not task.cancelled():
            error = task.exception()
            text = f"{type(error).__name__}: {error}" if error else task.result()
            self._tell(HookEnded(effect.token, effect.name, text))

    async def _run(self, effect: RunHook, blueprints: Sequence[Blueprints]) -> str:
        """Why it failed, or ""."""
        program = effect.command[0].rpartition("/")[2]
        try:
            plans, launch = self._launch(effect, blueprints)
            capture = partial(self._capture, effect.instance, plans.log(effect.instance))
            async with timeout(effect.timeout):
                end = await self._helper(launch, capture)
        except TimeoutError:
            return f"{program} was not done after {span_text(effect.timeout)}"
        except SnowFoxError as error:
            why = str(error)  # its name and its instance are told with it
            return why.partition(": ")[2] if why.startswith("cannot launch ") else why
        return "" if end.code == 0 else f"{program}: {end}"

    def _launch(self, effect: RunHook, blueprints: Sequence[Blueprints]) -> tuple[Blueprints, Launch]:
        plans = next((one for one in blueprints if one.knows(effect.instance)), None)
        if plans is None:
            msg = f"{effect.instance} is no longer in the configuration"
            raise UserError(msg)
        beside = Beside(effect.name.replace(" ", "-"), effect.command)
        return plans, plans.hook(effect.instance, beside, self._ids.new(), dict(effect.environment))

    def _capture(self, instance: str, log: Log, descriptor: int) -> None:
        try:
            self._attach(instance, descriptor, log)
        except PosixError as error:
            _log.error("cannot read the output of a hook", instance=instance, error=str(error))
