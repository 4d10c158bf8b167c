"""Modules: parts of a program that are set up in order and torn down in reverse.

```python
class Level(ModuleLevel):                      # a program defines its own
    EARLY = 10
    STORE = 20

@module(Level.STORE, after="files")
async def journal(setup: Setup) -> AsyncIterator[None]:
    setup.add(TcpProbe)
    yield                                      # what follows is teardown
```

Importing never acts: the decorator returns a frozen description, `discover` collects them from the packages that a
process names and, when asked, from the entry points of installed distributions. Order: level, `after`, name. What
`after` names is needed: when it fails, those after it are skipped, and nothing else; unless it is essential, which
takes down all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from enum import IntEnum
from typing import Any, Final, TypeVar

from snowfox.core import log
from snowfox.core.frozen import Frozen
from snowfox.core.named import NamedTuple
from snowfox.errors import ModuleFailed, SnowFoxError
from snowfox.values import Seconds

T = TypeVar("T")

_log: Final = log.get("module")


class ModuleLevel(IntEnum):
    """When a module is set up, lower values first. Has no members: a program derives its own."""


class Module(Frozen):
    """A description, made by `@module`.

    Args:
        name: unique in the program.
        level: when.
        after: names of modules that it needs, of its level or a lower one.
        essential: whether the program cannot do without it.
        package: who brought it, a dotted module name.
        run: the generator function: setup, `yield`, teardown.
    """

    name: str
    level: ModuleLevel
    after: tuple[str, ...]
    essential: bool
    package: str
    run: Callable[[Setup], AsyncIterator[None]]


class ModuleState(NamedTuple):
    """A row of `snowfox modules`; state is `waiting`, `up`, `failed`, `skipped` or `down`, message says why."""

    name: str
    level: str
    state: str
    package: str
    essential: bool
    message: str


class Setup:
    """What a module gets: a way to add things, and what the program shares.

    Args:
        context: what the program gives to all its modules, its static context or what stands for it.
    """

    def __init__(self, context: Any) -> None:
        self.context = context
        self.added: list[object] = []

    def add(self, thing: object) -> None:
        """Contribute a class or an object; the program finds it with `Modules.added`."""
        self.added.append(thing)


def module(
    level: ModuleLevel, *, after: str | Iterable[str] = (), name: str = "", essential: bool = False
) -> Callable[[Callable[[Setup], AsyncIterator[None]]], Module]:
    """Describe an async generator function as a module; it is named as the function unless `name` is given."""

    def decorate(run: Callable[[Setup], AsyncIterator[None]]) -> Module:
        names = (after,) if isinstance(after, str) else tuple(after)
        own = name or run.__name__
        return Module(own, level, names, essential, run.__module__, run)

    return decorate


class Modules:
    """The modules of a process: ordered, set up, torn down.

    Args:
        modules: as `discover` found them.
        context: for `Setup.context`.
        deadline: seconds that one setup or teardown may take.

    Raises ModuleFailed for two of one name, an unknown name in `after`, a cycle, or an `after` of a later level.
    """

    def __init__(self, modules: Iterable[Module], context: Any = None, *, deadline: Seconds = 30.0) -> None:
        self._order = ordered(modules)
        self._context = context
        self._deadline = deadline
        self._states = dict.fromkeys((one.name for one in self._order), "waiting")
        self._messages: dict[str, str] = {}
        self._running: list[tuple[Module, AsyncIterator[None]]] = []
        self._added: list[object] = []

    @property
    def names(self) -> tuple[str, ...]:
        """In the order of setup."""
        return tuple(one.name for one in self._order)

    def states(self) -> list[ModuleState]:
        """How each is, in the order of setup."""
        return [
            ModuleState(
                one.name,
                one.level.name,
                self._states[one.name],
                one.package,
                one.essential,
                self._messages.get(one.name, ""),
            )
            for one in self._order
        ]

    def added(self, kind: type[T]) -> list[type[T] | T]:
        """What modules contributed: subclasses and instances of `kind`, in the order of setup."""
        return [
            thing
            for thing in self._added
            if isinstance(thing, kind) or (isinstance(thing, type) and issubclass(thing, kind))
        ]

    async def setup(self, until: ModuleLevel | None = None) -> None:
        """Set up all that wait, up to and including this level; call it again for the rest.

        A failure takes down (as `skipped`) only those that need the module, unless one of these is essential: then
        all that is up is torn down and ModuleFailed is raised.
        """
        for one in self._order:
            if self._states[one.name] != "waiting" or (until is not None and one.level > until):
                continue
            failure = self._lacks(one) or await self._set_up(one)
            if failure is None:
                continue
            self._messages[one.name] = str(failure)
            _log.error("a module failed", module=one.name, level=one.level.name, error=str(failure))
            if one.essential:
                await self._give_up(failure)

    async def teardown(self) -> None:
        """Tear down all that is up, in reverse; each gets its turn. ModuleFailed lists all that failed."""
        failures = await self._tear_down()
        if len(failures) == 1:
            raise failures[0]
        if failures:
            msg = "; ".join(map(str, failures))
            raise ModuleFailed(msg) from ExceptionGroup("teardown", failures)

    def _lacks(self, one: Module) -> ModuleFailed | None:
        missing = [name for name in one.after if self._states[name] != "up"]
        if not missing:
            return None
        self._states[one.name] = "skipped"
        return ModuleFailed(
            f"cannot set up module {one.name} ({one.level.name}): it needs {', '.join(missing)}"
        )

    async def _set_up(self, one: Module) -> ModuleFailed | None:
        setup = Setup(self._context)
        try:
            steps = one.run(setup)
            async with asyncio.timeout(self._deadline):
                await anext(steps)
        except StopAsyncIteration:
            return self._failed(one, "set up", "it does not yield")
        except Exception as error:  # noqa: BLE001 - a module's failure is the module's
            return self._failed(one, "set up", _words(error, self._deadline), error)
        self._states[one.name] = "up"
        self._running.append((one, steps))
        self._added += setup.added
        return None

    async def _tear_down(self) -> list[ModuleFailed]:
        failures: list[ModuleFailed] = []
        while self._running:
            one, steps = self._running.pop()
            self._states[one.name] = "down"
            try:
                async with asyncio.timeout(self._deadline):
                    await anext(steps)
            except StopAsyncIteration:
                continue
            except Exception as error:  # noqa: BLE001 - the others must still be torn down
                failures.append(self._failed(one, "tear down", _words(error, self._deadline), error))
            else:
                failures.append(self._failed(one, "tear down", "it yields twice"))
        return failures

    async def _give_up(self, failure: ModuleFailed) -> None:
        for other in await self._tear_down():
            failure.add_note(str(other))
        raise failure

    def _failed(self, one: Module, what: str, why: str, cause: Exception | None = None) -> ModuleFailed:
        advice = cause.hint if isinstance(cause, SnowFoxError) else ""
        failure = ModuleFailed(f"cannot {what} module {one.name} ({one.level.name}): {why}", advice)
        failure.__cause__ = cause
        self._states[one.name] = "failed"
        self._messages[one.name] = str(failure)
        return failure


def ordered(modules: Iterable[Module]) -> tuple[Module, ...]:
    """In the order of setup: by level, then what `after` says, then by name. Raises ModuleFailed."""
    by_name: dict[str, Module] = {}
    for one in modules:
        other = by_name.setdefault(one.name, one)
        if other is not one:
            msg = f"two modules are named {one.name}: of {other.package} and of {one.package}"
            raise ModuleFailed(msg)
    for one in by_name.values():
        for name in one.after:
            _check_after(one, name, by_name)
    done: dict[str, Module] = {}
    waiting = sorted(by_name.values(), key=lambda one: (one.level, one.name))
    while waiting:
        following = next((one for one in waiting if all(name in done for name in one.after)), None)
        if following is None:
            raise ModuleFailed(_cycle(waiting, by_name))
        waiting.remove(following)
        done[following.name] = following
    return tuple(done.values())


def _check_after(one: Module, name: str, by_name: dict[str, Module]) -> None:
    other = by_name.get(name)
    if other is None:
        msg = f"module {one.name} ({one.level.name}) comes after {name}, which there is not"
        raise ModuleFailed(msg)
    if other.level > one.level:
        msg = f"module {one.name} ({one.level.name}) comes after {name}, which is of a later level ({other.level.name})"
        raise ModuleFailed(msg)


def _cycle(waiting: list[Module], by_name: dict[str, Module]) -> str:
    stuck = {one.name for one in waiting}
    path = [waiting[0].name]
    while True:
        following = next(name for name in by_name[path[-1]].after if name in stuck)
        if following in path:
            return (
                f"modules wait for one another: {' after '.join([*path[path.index(following) :], following])}"
            )
        path.append(following)


def _words(error: Exception, deadline: Seconds) -> str:
    if isinstance(error, TimeoutError):
        return f"not done within {deadline:g}s"
    return str(error) or type(error).__name__
