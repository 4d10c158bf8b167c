"""Until when: a deadline that what is called and emitted inside inherits.

```python
with deadline("5s"):
    await manager.status()        # has 5 seconds, or less where a deadline outside is sooner
```

Contextvars only, no asyncio: the blocking shell of RPC uses it too.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Final

from snowfox.core.clock import active
from snowfox.values import Seconds

NO_END: Final = float("inf")
"""For what has no deadline of its own, said by name: streams, `up`. One outside still counts."""

_current: Final[ContextVar[Seconds]] = ContextVar("snowfox.deadline", default=NO_END)


current: Final[Callable[[], Seconds]] = _current.get
"""The monotonic time until which the place that calls has; `NO_END` where nothing set one."""


class deadline:  # noqa: N801 - reads as a statement
    """`with deadline("5s"):` or a number of seconds from now; never later than the one outside.

    Sets only what is inherited: who waits inside must look at it (promises and RPC calls do). Raises ValueError for
    a text that is no duration.
    """

    __slots__ = ("_token", "when")

    def __init__(self, length: str | Seconds) -> None:
        self.when = min(active().after(length), _current.get())
        self._token: Token[Seconds] | None = None

    def __enter__(self) -> Seconds:
        """The monotonic time."""
        self._token = _current.set(self.when)
        return self.when

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)
