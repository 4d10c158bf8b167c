"""The one ctypes corner: calls to the kernel that Python 3.11 does not wrap.

Imported only by the functions that need it, and by `fork` and `become`: afterwards a limit, another folder or another
user may be in the way of an import. It uses `_ctypes`, the C half, alone: `import ctypes` costs 4.6 ms and
half a megabyte more, which daemon and spawner would pay for one prctl(2).
"""

from __future__ import annotations

from _ctypes import (
    FUNCFLAG_CDECL,
    FUNCFLAG_USE_ERRNO,
    CFuncPtr,
    _SimpleCData,  # pyright: ignore[reportPrivateUsage] - the base of all simple types
    dlopen,
    dlsym,
    get_errno,
)
from typing import Any, Final

from snowfox.errors import PosixError

PR_SET_DUMPABLE: Final = 4
PR_SET_CHILD_SUBREAPER: Final = 36
PR_SET_NO_NEW_PRIVS: Final = 38
_PIDFD_GETFD: Final = 438  # the same number on every architecture, as all since 5.1 (syscalls(2))


class _Long(_SimpleCData):  # type: ignore[type-arg]  # pyright: ignore[reportMissingTypeArgument] - not there at run time
    _type_ = "l"


class _Function(CFuncPtr):
    _flags_ = FUNCFLAG_CDECL | FUNCFLAG_USE_ERRNO
    _restype_: Any = _Long


def _call(name: str, *numbers: int) -> int:
    """A function of the C library that takes longs and gives a long; -1 means failed, `get_errno()` why."""
    program: Any = None  # what is loaded already, the C library included; typeshed does not know it
    function: Any = _Function(dlsym(dlopen(program, 0), name))
    result: int = function(*(_Long(number) for number in numbers))
    return result


def process_control(words: str, option: int, value: int) -> None:
    """prctl(2) with one value. Raises PosixError(words, "", errno)."""
    if _call("prctl", option, value, 0, 0, 0) == -1:
        raise PosixError(words, "", get_errno())


def descriptor_of(pidfd: int, number: int) -> int:
    """pidfd_getfd(2): a close-on-exec duplicate of `number` of another process."""
    result = _call("syscall", _PIDFD_GETFD, pidfd, number, 0)
    if result == -1:
        raise PosixError("take descriptor", str(number), get_errno())
    return result
