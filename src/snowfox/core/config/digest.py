"""SHA-256 without libcrypto.

`import hashlib` loads OpenSSL's libcrypto: 3 ms and 3.8 MB in a process that needs one digest in its life. CPython
has its own implementation (`_sha256` until 3.11, `_sha2` from 3.12 on), which `random` uses the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Protocol


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


def digest(parts: Iterable[bytes]) -> str:
    """64 hex digits of the parts, each with its length, so that moving a byte from one to the next changes it."""
    state = _new()(b"")
    for part in parts:
        state.update(b"%d:" % len(part))
        state.update(part)
    return state.hexdigest()


@cache
def _new() -> Callable[[bytes], _Hash]:
    for name in ("_sha256", "_sha2", "hashlib"):
        try:
            found: Callable[[bytes], _Hash] = __import__(name).sha256
        except ImportError:
            continue
        return found
    msg = "this Python has no SHA-256"
    raise ImportError(msg)
