"""Things of which each loop has one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def of_loop(name: str, make: Callable[[], T]) -> T:
    """That of the running loop, made when it is first asked for. Raises RuntimeError without a loop.

    Args:
        name: what it is called; nothing else may be called so.
        make: makes one.
    """
    loop = asyncio.get_running_loop()
    # As with promises: an attribute of the loop lives and ends with it.
    attribute = f"_snowfox_{name}"
    found: T | None = getattr(loop, attribute, None)
    if found is None:
        found = make()
        setattr(loop, attribute, found)
    return found
