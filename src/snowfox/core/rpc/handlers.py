"""What serves the methods of an interface: marked with `handles`, collected and checked by `table`.

Checked are the types of the interface, and of handlers what a look at their code objects shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from snowfox.core.rpc.form import check
from snowfox.core.rpc.interface import ASYNC_GENERATOR, COROUTINE, GENERATOR, VARIABLE, Interface, Method
from snowfox.errors import InternalError

F = TypeVar("F", bound=Callable[..., Any])

Handlers = dict[str, Callable[..., Any]]
"""Full name of a method to what serves it."""

_MARK: Final = "_snowfox_handles"


def handles(method: Method[Any, Any]) -> Callable[[F], F]:
    """Mark a method as what serves `Manager.status`. The same arguments by position; the result of its type.

    A call is served by `def`, which runs in place, or `async def`, in a task; a stream by an async generator, or a `def`
    that gives one.
    """

    def mark(function: F) -> F:
        function.__dict__[_MARK] = method
        return function

    return mark


def table(serving: type[Interface], handlers: object) -> Handlers:
    """What serves each method of an interface; what is marked for other interfaces is left out.

    Raises InternalError for a type that cannot travel, for a method without a handler or with two, for a handler that takes
    other arguments, is of another kind, or was marked with a method of another class of the same name.
    """
    check(serving)
    who = type(handlers).__name__
    wanted = {method.full_name: method for method in serving.methods.values()}
    found: Handlers = {}
    for name in dir(type(handlers)):
        method = _marked_with(getattr(type(handlers), name))
        if method is None or method.full_name not in wanted:
            continue
        full_name = method.full_name
        handler = getattr(handlers, name)
        if full_name in found:
            raise InternalError(f"{who} handles {full_name} twice")
        if method is not wanted[full_name]:
            raise InternalError(f"{who} handles a {full_name} of another interface of this name")
        if why := _unfit(method, handler):
            raise InternalError(f"{who}.{name} cannot handle {full_name}: {why}")
        found[full_name] = handler
    if missing := wanted.keys() - found.keys():
        raise InternalError(f"{who} does not handle {', '.join(sorted(missing))}")
    return found


def _marked_with(member: object) -> Method[Any, Any] | None:
    mark: Any = getattr(member, _MARK, None)
    return mark if isinstance(mark, Method) else None  # pyright: ignore[reportUnknownVariableType] - of any


def _unfit(method: Method[Any, Any], handler: Any) -> str:
    """Why it cannot serve the method; "" when it can, or is no plain function, of which nothing is known."""
    function = getattr(handler, "__func__", handler)
    code = getattr(function, "__code__", None)
    if code is None:
        return ""
    flags = code.co_flags
    if method.is_stream and flags & (COROUTINE | GENERATOR):
        return "a stream is served by an async generator"
    if not method.is_stream and flags & (ASYNC_GENERATOR | GENERATOR):
        return "a call is served by def or async def without yield"
    if flags & VARIABLE:
        return ""
    declared = method.function.__code__
    given = declared.co_argcount + declared.co_kwonlyargcount - 1
    most = code.co_argcount - (function is not handler)
    least = most - len(function.__defaults__ or ())
    if not least <= given <= most:
        return f"it takes {most} arguments, not {given}"
    if code.co_kwonlyargcount > len(function.__kwdefaults__ or ()):
        return "arguments come by position"
    return ""
