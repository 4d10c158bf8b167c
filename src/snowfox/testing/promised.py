"""Methods of fakes that give a promise, as those of a session do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from snowfox.core.deadline import NO_END
from snowfox.core.promise import Promise
from snowfox.errors import SnowFoxError

P = ParamSpec("P")
T = TypeVar("T")


def promised(answer: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Promise[T]]:
    """The same method; it goes on by itself, in a task, whoever waits. It rejects with the SnowFoxError that it raises."""
    tasks: set[asyncio.Task[None]] = set()

    @wraps(answer)
    def ask(*arguments: P.args, **named: P.kwargs) -> Promise[T]:
        promise, resolver = Promise[T].make(answer.__name__, deadline=NO_END)

        async def settle() -> None:
            try:
                resolver.resolve(await answer(*arguments, **named))
            except SnowFoxError as error:
                resolver.reject(error)

        tasks.add(task := asyncio.get_running_loop().create_task(settle()))
        task.add_done_callback(tasks.discard)
        return promise

    return ask
