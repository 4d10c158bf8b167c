"""A key by which a call may be asked again without being done again.

```python
with under("order-17"):
    await shop.buy("apple")          # repeated after a lost connection; the shop sells one apple
```

It travels with the call. The server answers a key that it knows from the same caller as it did before.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Final

from snowfox.errors import UsageError

LONGEST: Final = 64
"""Characters of a key."""

_current: Final[ContextVar[str]] = ContextVar("snowfox.idempotency", default="")


current: Final[Callable[[], str]] = _current.get
"""The key of the place that calls; "" without one."""


class under:  # noqa: N801 - reads as a statement
    """`with under(key):` calls inside have this key; "" is none. Raises UsageError for one that is too long."""

    __slots__ = ("_key", "_token")

    def __init__(self, key: str) -> None:
        if len(key) > LONGEST:
            msg = f"cannot call under a key of {len(key)} characters"
            raise UsageError(msg, f"at most {LONGEST}")
        self._key = key
        self._token: Token[str] | None = None

    def __enter__(self) -> str:
        self._token = _current.set(self._key)
        return self._key

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)
