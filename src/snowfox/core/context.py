"""The two contexts, nothing else.

`StaticContext` is built at boot and frozen. `DynamicContext` is what the configuration in force made: its version, and
resources by typed key. Each class has one access, `instance()`, which resolves through a context variable (so that a
simulation holds three processes in one thread) with a process-wide default; all else belongs to the instances, of
which two may be alive at once: the one in force, and one that is being prepared or is still pinned.

```python
POOL = Key[Pool]("pool")
DynamicContext("v1", {(POOL, "shop"): pool}).install()
with DynamicContext.instance().pinned() as context:
    pool = context[POOL, "shop"]
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from typing import Any, Final, Generic, TypeVar, cast

from snowfox.core import log
from snowfox.core.clock import Clock
from snowfox.core.frozen import Frozen
from snowfox.core.ids import Ids
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Posix
from snowfox.core.store.api import Store
from snowfox.errors import ContextNotSet, InternalError, NotFound

T = TypeVar("T")
C = TypeVar("C")

_log: Final = log.get("context")


class _Access(Generic[C]):
    """A context variable with a process-wide default: how `instance()` finds it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.variable: ContextVar[C | None] = ContextVar(f"snowfox.{name}", default=None)
        self.default: C | None = None

    def get(self) -> C:
        found = self.variable.get() or self.default
        if found is None:
            msg = f"{self.name} was used before it was set"
            raise ContextNotSet(msg)
        return found


class within(Generic[C]):  # noqa: N801 - reads as a statement
    """`with within(context):` it is the instance for what runs inside, tasks made there included."""

    __slots__ = ("_context", "_token")

    def __init__(self, context: C) -> None:
        self._context = context
        self._token: Token[Any] | None = None

    def __enter__(self) -> C:
        self._token = _variable(self._context).set(self._context)
        return self._context

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _variable(self._context).reset(self._token)


class StaticContext(Frozen):
    """What a process was born with.

    Args:
        posix: the way to the kernel.
        clock: where time comes from.
        ids: where ids come from.
        store: what outlives the process.
        folders: open folders, descriptors by name (`logs`).
        modules: names of the modules, in the order of their setup.
    """

    posix: Posix
    clock: Clock
    ids: Ids
    store: Store
    folders: Mapping[str, int] = {}
    modules: tuple[str, ...] = ()

    @staticmethod
    def instance() -> StaticContext:
        """The one of the place that calls. Raises ContextNotSet."""
        return _STATIC.get()

    def install(self) -> StaticContext | None:
        """Make it the process-wide default; what was it before, to put back in tests."""
        before, _STATIC.default = _STATIC.default, self
        return before

    @staticmethod
    def uninstall() -> None:
        """Have no process-wide default any more."""
        _STATIC.default = None


class Key(Generic[T]):
    """A kind of resource, and the type of what is found by it. Two keys are the same only if they are one object."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"Key({self.name!r})"


class _Release(NamedTuple):
    what: str
    call: Callable[[], object]


class DynamicContext:
    """What a configuration made.

    It is released once it is retired (another took its place) and nobody has it pinned any more.

    Args:
        version: the configuration's.
        resources: by key and name.
    """

    def __init__(self, version: str, resources: Mapping[tuple[Key[Any], str], object]) -> None:
        self.version = version
        self._resources = dict(resources)
        self._releases: list[_Release] = []
        self._pins = 0
        self._retired = False
        self._released = False

    @staticmethod
    def instance() -> DynamicContext:
        """The one in force at the place that calls. Raises ContextNotSet."""
        return _DYNAMIC.get()

    def install(self) -> DynamicContext | None:
        """Make it the process-wide default and retire the one before, which is returned."""
        if self._retired:
            msg = f"context {self.version} was retired"
            raise InternalError(msg)
        before, _DYNAMIC.default = _DYNAMIC.default, self
        if before is not None and before is not self:
            before.retire()
        return before

    @staticmethod
    def uninstall() -> None:
        """Have no process-wide default any more; the one before is retired."""
        before, _DYNAMIC.default = _DYNAMIC.default, None
        if before is not None:
            before.retire()

    def __getitem__(self, key: tuple[Key[T], str]) -> T:
        """The resource. Raises NotFound without it, InternalError once the context was released."""
        if self._released:
            msg = f"context {self.version} was released: pin it for as long as it is used"
            raise InternalError(msg)
        try:
            return cast("T", self._resources[key])
        except KeyError:
            msg = f"no {key[0].name} {key[1]} in configuration {self.version}"
            raise NotFound(msg) from None

    def __contains__(self, key: tuple[Key[Any], str]) -> bool:
        return key in self._resources

    def names(self, key: Key[Any]) -> list[str]:
        """Names of the resources of a kind, in the order in which they were made."""
        return [name for kind, name in self._resources if kind is key]

    def on_release(self, what: str, call: Callable[[], object]) -> None:
        """Call it when the context is released, last come first served. `what` names it if it raises."""
        self._releases.append(_Release(what, call))

    def pinned(self) -> Pin:
        """`with context.pinned() as context:` it is not released inside. InternalError if it was already."""
        return Pin(self)

    @property
    def pins(self) -> int:
        """How many have it pinned."""
        return self._pins

    @property
    def is_released(self) -> bool:
        """Whether its resources were given back."""
        return self._released

    def retire(self) -> None:
        """It is in force no more: release it now, or with its last pin. Again is fine."""
        self._retired = True
        self._release_if_unused()

    def pin(self) -> None:
        """Keep it until `unpin`; for what a `with` block does not fit."""
        if self._released:
            msg = f"context {self.version} was released"
            raise InternalError(msg)
        self._pins += 1

    def unpin(self) -> None:
        """Undo one `pin`."""
        if self._pins == 0:
            msg = f"context {self.version} is not pinned"
            raise InternalError(msg)
        self._pins -= 1
        self._release_if_unused()

    def _release_if_unused(self) -> None:
        if self._pins or not self._retired or self._released:
            return
        self._released = True
        while self._releases:
            release = self._releases.pop()
            try:
                release.call()
            except Exception as error:  # noqa: BLE001 - the rest must still be given back
                _log.error("cannot release", what=release.what, version=self.version, error=str(error))


class Pin:
    """Holds a `DynamicContext` for a `with` block."""

    __slots__ = ("_context",)

    def __init__(self, context: DynamicContext) -> None:
        self._context = context

    def __enter__(self) -> DynamicContext:
        self._context.pin()
        return self._context

    def __exit__(self, *_: object) -> None:
        self._context.unpin()


_STATIC: Final[_Access[StaticContext]] = _Access("StaticContext")
_DYNAMIC: Final[_Access[DynamicContext]] = _Access("DynamicContext")


def _variable(context: object) -> ContextVar[Any]:
    match context:
        case StaticContext():
            return _STATIC.variable
        case DynamicContext():
            return _DYNAMIC.variable
        case _:
            msg = f"{type(context).__name__} is no context"
            raise InternalError(msg)
