"""One message on NOTIFY_SOCKET, read: lines `NAME=VALUE` as sd_notify(3) defines them.

Whatever comes, this does not raise: names that we do not know, values that make no sense and lines that are none are
left out. What a service says is shown to people, so a status has a bound and holds nothing that a terminal would obey.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from snowfox.core.named import NamedTuple
from snowfox.values import Seconds

LONGEST: Final = 4096
"""Bytes of a message that is read; a longer one is none."""
LONGEST_STATUS: Final = 200
"""Characters of a status."""

_MOST_LINES: Final = 64
_LONGEST_NUMBER: Final = 20
_LARGEST_ERRNO: Final = 4095
_LONGEST_SPAN: Final[Seconds] = 366 * 86400.0


class Notice(NamedTuple):
    """What a message says.

    Args:
        is_ready: READY=1.
        is_line: a line without a name, as is written to a descriptor (`ready.descriptor`).
        is_reloading: RELOADING=1.
        since: MONOTONIC_USEC.
        is_stopping: STOPPING=1.
        status: STATUS; None where it says none.
        error: ERRNO; 0 where it says none.
        main: MAINPID; 0 where it says none.
        is_alive: WATCHDOG=1.
        is_unwell: WATCHDOG=trigger.
        watchdog: WATCHDOG_USEC, in seconds; 0.0 where it says none.
        extend: EXTEND_TIMEOUT_USEC, in seconds; 0.0 where it says none.
    """

    is_ready: bool = False
    is_reloading: bool = False
    since: int = 0
    is_stopping: bool = False
    status: str | None = None
    error: int = 0
    main: int = 0
    is_alive: bool = False
    is_unwell: bool = False
    watchdog: Seconds = 0.0
    extend: Seconds = 0.0
    is_line: bool = False


NOTHING: Final = Notice()
_LINE: Final = Notice(is_line=True)


def read(message: bytes) -> Notice:
    """What it says; `NOTHING` where it says nothing that we understand. The last line of a name counts."""
    if len(message) > LONGEST:
        return NOTHING
    if message.endswith(b"\n") and b"=" not in message:
        return _LINE
    found: dict[str, Any] = {}
    for line in message.split(b"\n", _MOST_LINES)[:_MOST_LINES]:
        name, equals, value = line.partition(b"=")
        known = _KNOWN.get(name)
        if known is not None and equals:
            found.update(known(value))
    return Notice(**found) if found else NOTHING


def _flag(field: str) -> Callable[[bytes], dict[str, Any]]:
    return lambda value: {field: True} if value == b"1" else {}


def _number(value: bytes) -> int:
    """-1 for what is no number from 0 on."""
    return int(value) if value.isdigit() and len(value) <= _LONGEST_NUMBER else -1


def _seconds(field: str) -> Callable[[bytes], dict[str, Any]]:
    def known(value: bytes) -> dict[str, Any]:
        seconds = _number(value) / 1e6
        return {field: seconds} if 0 < seconds <= _LONGEST_SPAN else {}

    return known


def _below(field: str, most: int) -> Callable[[bytes], dict[str, Any]]:
    def known(value: bytes) -> dict[str, Any]:
        number = _number(value)
        return {field: number} if 0 < number <= most else {}

    return known


def _status(value: bytes) -> dict[str, Any]:
    text = value[: 4 * LONGEST_STATUS].decode(errors="replace")
    plain = "".join(letter if letter.isprintable() else " " for letter in text).strip()
    return {"status": plain if len(plain) <= LONGEST_STATUS else plain[: LONGEST_STATUS - 1] + "…"}


def _watchdog(value: bytes) -> dict[str, Any]:
    return {b"1": {"is_alive": True}, b"trigger": {"is_unwell": True}}.get(value, {})


_KNOWN: Final[dict[bytes, Callable[[bytes], dict[str, Any]]]] = {
    b"READY": _flag("is_ready"),
    b"RELOADING": _flag("is_reloading"),
    b"MONOTONIC_USEC": _below("since", (1 << 63) - 1),
    b"STOPPING": _flag("is_stopping"),
    b"STATUS": _status,
    b"ERRNO": _below("error", _LARGEST_ERRNO),
    b"MAINPID": _below("main", (1 << 31) - 1),
    b"WATCHDOG": _watchdog,
    b"WATCHDOG_USEC": _seconds("watchdog"),
    b"EXTEND_TIMEOUT_USEC": _seconds("extend"),
}
