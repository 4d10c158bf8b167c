"""What one end promises another: typed methods, declared once, used by callers and by those who serve.

```python
class Manager(Interface):
    @call(right=Right.READ, repeatable=True)
    def status(self, pattern: str = "*") -> NodeStatus: ...
```

On the class, `Manager.status` is the `Method`. On a client's object it is callable and returns a promise, a stream
returns its items. Declared with `def`, because the wire has no colour; bodies stay empty (mypy needs
`disable_error_code = ["empty-body"]` for such modules). Annotations are read when a method is first used, not on
import: a command pays only for what it calls.
"""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Concatenate,
    Final,
    Generic,
    ParamSpec,
    Self,
    TypeVar,
    overload,
)

from snowfox.core.named import NamedTuple
from snowfox.errors import Cancelled, InternalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from snowfox.core.posix.api import Posix
    from snowfox.core.promise import Promise
    from snowfox.core.rpc.items import Items

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_DEADLINE: Final = "10s"
"""How long an answer may take where the method does not say."""

VARIABLE: Final = 0x04  # co_flags, as the module inspect documents them: it takes *arguments
VARIABLE_NAMED: Final = 0x08
GENERATOR: Final = 0x20
COROUTINE: Final = 0x80
ASYNC_GENERATOR: Final = 0x200

_REQUIRED: Final[Any] = object()


class Right:
    """What a caller may do. Plain names, because they travel and are listed in policies."""

    READ: Final = "read"
    OPERATE: Final = "operate"
    ADMIN: Final = "admin"
    ALL: Final = frozenset({"read", "operate", "admin"})


class Descriptor:
    """A file descriptor as a field of a message.

    Who holds it owns it. Sending a message gives its descriptors away: the session closes them once they are sent, or
    when it ends. A receiver calls `take` or `close`; those of a request that are still here when it was answered are
    closed.

    Args:
        number: an open descriptor.
        posix: what closes it; None: the active one.
    """

    __slots__ = ("_number", "_posix")

    def __init__(self, number: int, posix: Posix | None = None) -> None:
        self._number = number
        self._posix = posix

    @property
    def number(self) -> int:
        """The descriptor, which stays owned by this object; -1 when taken or closed."""
        return self._number

    def take(self) -> int:
        """The descriptor, which from now on is the caller's to close.

        Raises Cancelled the second time, and when it was closed because its request was withdrawn.
        """
        number, self._number = self._number, -1
        if number < 0:
            msg = "the descriptor was taken already, or closed with its request"
            raise Cancelled(msg)
        return number

    def close(self) -> None:
        """Close it, unless it was taken or closed already."""
        number, self._number = self._number, -1
        if number < 0:
            return
        if self._posix is None:
            from snowfox.core.posix.active import active  # noqa: PLC0415 - only who closes needs it

            self._posix = active()
        self._posix.files.close(number)

    def __repr__(self) -> str:
        return f"Descriptor({self._number})"


class Argument(NamedTuple):
    """An argument of a method: its type, and its default where it has one."""

    name: str
    type: Any
    has_default: bool
    default: Any


class Method(Generic[P, R]):
    """A method of an interface, as both ends know it: a `CallMethod` or a `StreamMethod`.

    Args:
        function: the declaration.
        right: what a caller needs; None: every peer of the session may call it.
        deadline: how long an answer may take unless the caller says; a duration as users write it.
        repeatable: whether doing it twice does no harm, so that it may be sent again after a lost connection.
        is_stream: whether it answers with items until it ends.

    Raises InternalError for a declaration that no wire has: `async def`, `*arguments`, an argument or result without type.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        right: str | None,
        deadline: str | None,
        repeatable: bool,
        is_stream: bool,
    ) -> None:
        if why := _undeclared(function):
            raise InternalError(f"{function.__qualname__} cannot be a method of an interface: {why}")
        self.function = function
        self.name: str = function.__name__
        self.interface: str = ""
        self.right = right
        self.deadline_text = deadline
        self.repeatable = repeatable
        self.is_stream = is_stream
        self.__doc__ = function.__doc__
        self._arguments: tuple[Argument, ...] | None = None
        self._result: Any = None
        self._deadline: float | None = None

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name
        self.interface = owner.__name__

    def __repr__(self) -> str:
        return f"<method {self.full_name}>"

    @property
    def full_name(self) -> str:
        """`Manager.status`: how it is agreed on the wire."""
        return f"{self.interface}.{self.name}"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """In order, without self, keyword-only ones last."""
        if self._arguments is None:
            self._read()
        return self._arguments or ()

    @property
    def result(self) -> Any:
        """The type of the answer, or of a stream's items."""
        if self._arguments is None:
            self._read()
        return self._result

    @property
    def deadline(self) -> float | None:
        """How long an answer may take, in seconds; None for a stream that does not say: it has no end."""
        if self._deadline is None and (self.deadline_text is not None or not self.is_stream):
            from snowfox.values import duration  # noqa: PLC0415 - declaring needs no parser

            self._deadline = duration(self.deadline_text or DEFAULT_DEADLINE)
        return self._deadline

    def _read(self) -> None:
        from snowfox.core.rpc.annotation import type_of  # noqa: PLC0415 - declaring reads none

        function: Any = self.function
        code = function.__code__
        hints = {name: type_of(one, function.__globals__) for name, one in function.__annotations__.items()}
        count = code.co_argcount
        names = code.co_varnames[: count + code.co_kwonlyargcount]
        defaults: dict[str, Any] = dict(function.__kwdefaults__ or {})
        given: tuple[Any, ...] = function.__defaults__ or ()
        defaults.update(zip(names[count - len(given) : count], given, strict=True))
        self._result = hints.get("return", type(None))
        self._arguments = tuple(
            Argument(name, hints[name], name in defaults, defaults.get(name)) for name in names[1:]
        )

    def bind(self, values: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments in order, defaults filled in. Raises TypeError as a function would."""
        arguments = self.arguments
        if len(values) == len(arguments) and not named:
            return values
        return _bind(self, values, dict(named))


def _undeclared(function: Callable[..., Any]) -> str:
    """Why it is no declaration; "" when it is one. Looks at names only: types are read before the first call."""
    code = function.__code__
    if code.co_flags & (GENERATOR | COROUTINE | ASYNC_GENERATOR):
        return "declare it with def and without yield, the wire has no colour"
    if code.co_flags & (VARIABLE | VARIABLE_NAMED):
        return "it takes any number of arguments"
    count = code.co_argcount + code.co_kwonlyargcount
    for name in (*code.co_varnames[1:count], "return"):
        if name not in function.__annotations__:
            return f"{name} has no type"
    return ""


def _bind(method: Method[Any, Any], values: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    arguments = method.arguments
    if len(values) > len(arguments):
        msg = f"{method.full_name} takes {len(arguments)} arguments, not {len(values)}"
        raise TypeError(msg)
    result = list(values)
    for argument in arguments[len(values) :]:
        value = named.pop(argument.name, argument.default if argument.has_default else _REQUIRED)
        if value is _REQUIRED:
            msg = f"{method.full_name} needs {argument.name}"
            raise TypeError(msg)
        result.append(value)
    if named:
        msg = f"{method.full_name} does not take {', '.join(named)}"
        raise TypeError(msg)
    return tuple(result)


class CallMethod(Method[P, R]):
    """A method that is answered once. On a client's object: a function that gives a promise of the result."""

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: Interface, owner: type[Any]) -> Callable[P, Promise[R]]: ...
    def __get__(self, instance: Interface | None, owner: type[Any]) -> Any:
        return self if instance is None else instance.bind(self)


class StreamMethod(Method[P, R]):
    """A method that is answered by items. On a client's object: a function that gives the stream of them."""

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: Interface, owner: type[Any]) -> Callable[P, Items[R]]: ...
    def __get__(self, instance: Interface | None, owner: type[Any]) -> Any:
        return self if instance is None else instance.bind(self)


class Interface:
    """Subclasses declare methods with `call` and `stream`. An instance is a client's view of the other end.

    Args:
        invoke: makes the callable of a method; given by the client.
    """

    methods: ClassVar[dict[str, Method[Any, Any]]] = {}

    def __init__(self, invoke: Callable[[Method[Any, Any]], Callable[..., Any]]) -> None:
        self.invoke = invoke

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own: dict[str, Any] = {name: value for name, value in vars(cls).items() if isinstance(value, Method)}
        cls.methods = {**cls.methods, **own}

    def bind(self, method: Method[Any, Any]) -> Callable[..., Any]:
        """What calls this method; made once."""
        bound = self.__dict__[method.name] = self.invoke(method)
        return bound


def call(
    *, right: str | None = None, deadline: str | None = None, repeatable: bool = False
) -> Callable[[Callable[Concatenate[Any, P], R]], CallMethod[P, R]]:
    """Declare a method that is answered once. See `Method` for the arguments."""

    def declare(function: Callable[Concatenate[Any, P], R]) -> CallMethod[P, R]:
        return CallMethod(function, right=right, deadline=deadline, repeatable=repeatable, is_stream=False)

    return declare


def stream(
    *, right: str | None = None, deadline: str | None = None
) -> Callable[[Callable[Concatenate[Any, P], R]], StreamMethod[P, R]]:
    """Declare a method that is answered by items; the return annotation names the item."""

    def declare(function: Callable[Concatenate[Any, P], R]) -> StreamMethod[P, R]:
        return StreamMethod(function, right=right, deadline=deadline, repeatable=False, is_stream=True)

    return declare
