"""The one place where the kernel's refusals become errors of the tree."""

from __future__ import annotations

from snowfox.errors import PosixError


def refused(call: str, what: str | int, error: OSError) -> PosixError:
    """The error of a call that the kernel refused; an int is a descriptor."""
    return PosixError(call, f"descriptor {what}" if isinstance(what, int) else what, error.errno or 0)
