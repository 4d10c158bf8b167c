"""A change of configuration as a transaction over resources of any kind.

```text
prepare   every step that makes or changes something is tried, all at once; what it will need is held
release   give back what is held: nothing has moved
apply     step by step in order; each is journalled before and after; when one fails those before it are undone
finish    what has no place any more ends, the last first
```

A kind of resource is realised by a `Realizer`. What is kept is carried over: the same object in the new context.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from snowfox.core.config.plan import Action, Resources, Step
from snowfox.core.config.resource import Resource, ResourceKey
from snowfox.core.context import Key
from snowfox.core.log import get
from snowfox.core.unbroken import unbroken
from snowfox.errors import ConfigurationRefused, DeadlineExceeded, Degraded, InternalError, SnowFoxError
from snowfox.values import Seconds

T = TypeVar("T")

PATIENCE: Seconds = 60.0
"""How long all of `prepare` may take, and each other part."""

_log = get("config.transaction")


class Held(ABC):
    """What a step needs, got hold of. Exactly one of `release` and `apply` is called; `undo` only after `apply`."""

    @property
    def expected(self) -> object | None:
        """What the object will be, where that is known before `apply`; others may need it to be verified."""
        return None

    @abstractmethod
    async def release(self) -> None:
        """Give it back."""

    @abstractmethod
    async def apply(self) -> object:
        """Do it; the object that the resource is from now on. Raises SnowFoxError when it cannot: then nothing moved."""

    @abstractmethod
    async def undo(self) -> None:
        """As it was before `apply`. Raises SnowFoxError when it cannot be."""


class Realizer(ABC):
    """How resources of one kind become real.

    A module brings one for the kind that its section makes: `setup.add(Pools())`.

    Attributes:
        kind: which.
        key: by which its objects are found in the dynamic context, by their names; as a rule the module's own.
        outlasts: whether what has no place any more is retired only when nobody has the context of before pinned. Else
            it is when the change is made.
    """

    kind: ClassVar[str]
    key: ClassVar[Key[Any] | None] = None
    outlasts: ClassVar[bool] = True

    @abstractmethod
    async def prepare(self, step: Step, resource: Resource, before: object | None) -> Held:
        """Try a step and hold what it needs.

        Args:
            step: create, update or replace.
            resource: what is to be.
            before: the object that it is now, for update and replace.

        Raises SnowFoxError with what speaks against it; nothing is held then. Cancelling gives all back.
        """

    @abstractmethod
    async def retire(self, key: ResourceKey, thing: object, successor: object | None) -> None:
        """End what has no place any more, or whose place another took. Raises SnowFoxError when it cannot.

        Args:
            key: that it had.
            thing: the object.
            successor: the object that took its place, or None.
        """


Journal = Callable[[Step, str], Awaitable[None]]
"""Takes a step and what becomes of it, in this order; raises StoreError when it cannot be kept.

`verifies`, then `verified` or `refused`: of many steps at once. `begins`, then `done` or `failed`, `undone`: one after
another.
"""


class Transaction:
    """The steps of one change.

    Args:
        steps: of `plan`, in order.
        after: the resources that are to be.
        realizers: by kind; steps of other kinds are not looked at.
        before: the objects that are there, by key.
        journal: keeps what happens.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        after: Resources,
        realizers: Mapping[str, Realizer],
        *,
        before: Mapping[ResourceKey, object],
        journal: Journal,
    ) -> None:
        self._steps = [_needed(step, before) for step in steps if step.key.kind in realizers]
        self._after = after
        self._realizers = realizers
        self._before = before
        self._journal = journal
        self._held: dict[ResourceKey, Held] = {}
        self._done: list[Step] = []
        self._undo: dict[ResourceKey, Held] = {}
        self.things: dict[ResourceKey, object] = {
            step.key: before[step.was or step.key]
            for step in self._steps
            if step.action is Action.KEEP and (step.was or step.key) in before
        }

    async def prepare(self) -> None:
        """Try all steps at once. Raises ConfigurationRefused with all that speaks against it; nothing is held then.

        Cancelling, or a deadline, gives all back.
        """
        moving = [step for step in self._steps if step.action not in {Action.KEEP, Action.REMOVE}]
        problems: list[str] = []

        async def one(step: Step) -> None:
            realizer = self._realizers[step.key.kind]
            try:
                await self._journal(step, "verifies")
                self._held[step.key] = await _bounded(
                    realizer.prepare(step, self._after[step.key], self._before.get(step.was or step.key)),
                    f"cannot prepare {step.key}",
                )
                await self._journal(step, "verified")
            except ConfigurationRefused as error:
                problems.extend(error.problems or [str(error)])
            except SnowFoxError as error:
                problems.append("\n   ".join((str(error), *error.hint.splitlines())))
            else:
                return
            await _quietly(self._journal(step, "refused"), "cannot keep what was refused")

        try:
            async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
                for step in moving:
                    group.create_task(one(step))
        except TimeoutError:
            problems.append(f"cannot verify: it took more than {PATIENCE:g} s")
        except BaseException:
            await self.release()
            raise
        if problems:
            await self.release()
            msg = "refused: nothing was changed"
            raise ConfigurationRefused(msg, "", problems)

    async def release(self) -> None:
        """Give back all that is held and was not applied, also when cancelled meanwhile."""
        held, self._held = self._held, {}

        async def give_back() -> None:
            for key, one in held.items():
                await _quietly(one.release(), f"cannot give back {key}")

        await unbroken(give_back())

    def expected(self, key: ResourceKey, default: T) -> T:
        """What a resource is, or will be as far as that is known; `default` where it is not, or is of another type."""
        held = self._held.get(key)
        found = self.things.get(key) if held is None else held.expected
        return found if isinstance(found, type(default)) else default

    async def apply(self) -> None:
        """Do all steps. When one fails those before it are undone, what is held is given back, and its error raised.

        Raises Degraded when the undoing failed. Cancelling undoes as well.
        """
        for step in self._steps:
            held = self._held.get(step.key)
            if held is None:
                continue
            try:
                await self._journal(step, "begins")
                del self._held[step.key]
                self.things[step.key] = await self._do(step, held)
                self._done.append(step)
                self._undo[step.key] = held
                await self._journal(step, "done")
            except SnowFoxError as error:
                await self._undo_for(error)
                raise
            except BaseException:
                await self.undo()
                raise

    async def _undo_for(self, error: SnowFoxError) -> None:
        """Raises Degraded with that error, and what could not be undone."""
        try:
            await self.undo()
        except Degraded as left:
            msg = f"{error}; {left}"
            raise Degraded(msg) from error

    async def _do(self, step: Step, held: Held) -> object:
        try:
            return await _bounded(held.apply(), f"cannot apply {step.key}")
        except SnowFoxError:
            await _quietly(self._journal(step, "failed"), "cannot keep what failed")
            raise

    async def undo(self) -> None:
        """Undo all that was applied, the last first. Raises Degraded with what could not be undone."""
        await self.release()
        left: list[str] = []
        while self._done:
            step = self._done.pop()
            try:
                await _bounded(self._undo.pop(step.key).undo(), "not undone")
            except SnowFoxError as error:
                left.append(f"{step.key}: {error}")
            else:
                await _quietly(self._journal(step, "undone"), "cannot keep what was undone")
        if left:
            msg = f"cannot undo {'; '.join(left)}"
            raise Degraded(msg)

    async def finish(self, *, outlasting: bool | None = None) -> list[str]:
        """End what has no place any more, the last first; why something could not be ended. The change stands.

        Args:
            outlasting: only what outlasts the change, or only what does not; None: all.
        """
        left: list[str] = []
        for step in reversed(self._steps):
            key = step.was or step.key
            old, new = self._before.get(key), self.things.get(step.key)
            realizer = self._realizers[key.kind]
            if old is None or old is new or outlasting not in {None, realizer.outlasts}:
                continue
            try:
                await _bounded(realizer.retire(key, old, new), "not ended")
            except SnowFoxError as error:
                left.append(f"{key}: {error}")
        return left


def _needed(step: Step, before: Mapping[ResourceKey, object]) -> Step:
    """What is to be kept, and could not be made when the manager began, is made now."""
    is_lacking = step.action is Action.KEEP and step.key not in before
    return step.replace(action=Action.CREATE) if is_lacking else step


async def _bounded(work: Awaitable[T], what: str) -> T:
    """Its outcome, in time. A module's failure is one of ours. Raises SnowFoxError."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await work
    except SnowFoxError:
        raise
    except TimeoutError as error:
        msg = f"{what}: {str(error) or f'it took more than {PATIENCE:g} s'}"
        raise DeadlineExceeded(msg) from error
    except Exception as error:
        msg = f"{what}: {type(error).__name__}: {error}"
        raise InternalError(msg) from error


async def _quietly(work: Awaitable[None], what: str) -> None:
    """What has nobody to tell it to is in the log."""
    try:
        await _bounded(work, what)
    except SnowFoxError as error:
        _log.error(what, error=str(error))
