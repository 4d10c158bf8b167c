"""What users write and read: durations, sizes, names, signals, exits. Parsed and printed here, nowhere else.

And the bounds of a launch, for whoever checks a configuration as well as for whoever launches.
"""

from __future__ import annotations

import re
import signal
from typing import Final, NamedTuple

Seconds = float
"""A duration in seconds."""

_KILL: Final = int(signal.SIGKILL)
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)\Z")
_SIZE: Final = re.compile(r"([0-9]+)([KMG]?)\Z")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\Z")
_SECRET: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,200}\Z")
_SOCKET_KEY: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}=[^\t\n\0]{1,4096}\Z")
LONGEST_NAME: Final = 100
"""Characters of a service's name, so that a launch's token fits into a file name."""
LONGEST_PATH: Final = 4096
"""Characters of a path: PATH_MAX of limits.h."""
MOST_SOCKETS: Final = 250
"""Listening sockets of a node at one time: what one message can pass to a new daemon (253, SCM_MAX_FD)."""
MOST_SECRETS: Final = 64
"""Secrets of one launch."""
LISTENING: Final = frozenset({"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID"})
"""Variables in which a process finds the sockets passed to it: sd_listen_fds(3)."""
CAPABILITIES: Final = (
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
)
"""Names of capabilities(7) without CAP_, in the order of their numbers, 0 first (linux/capability.h)."""
MOST_INHERITED: Final = 100
"""Variables of the shell that started the node that one service may have, or that are asked for at a time."""
SERVICE_UIDS: Final = range(61184, 64496)
"""Uids that services of root's nodes may have without an entry in the user database."""
MANAGER_UIDS: Final = range(64496, 65520)
"""Those of managers: apart, because a service with the uid of a manager, of whichever node, could trace it.

Both together are what systemd keeps for dynamic users, in which nothing else gives out numbers
(https://systemd.io/UIDS-GIDS).
"""


def duration(text: str) -> Seconds:
    """Seconds of `10s`, `500ms`, `2m`, `2h`, `1d`. Raises ValueError with a sentence for a person."""
    match = _DURATION.match(text)
    if match is None:
        msg = f'"{text}" is not a duration'
        raise ValueError(msg)
    return float(match[1]) * _UNITS[match[2]]


def duration_text(seconds: Seconds) -> str:
    """The shortest exact text of a duration: `90s` is `90s`, `60s` is `1m`, `0.5` is `500ms`."""
    if seconds == 0:
        return "0s"
    for unit in ("d", "h", "m", "s", "ms"):
        count = seconds / _UNITS[unit]
        if count >= 1 and abs(count - round(count)) < 1e-9:
            return f"{round(count)}{unit}"
    return f"{seconds * 1000:.6f}".rstrip("0").rstrip(".") + "ms"


def span_text(seconds: Seconds) -> str:
    """For people, one unit: `0.004 s`, `0.4 s`, `7 s`, `4 m`, `3 h`, `2 d`. Below ten seconds as exact as it helps."""
    if seconds < 0.095:
        return f"{round(seconds, 2 if seconds >= 0.0095 else 3):g} s"
    tenths = round(seconds, 1)
    if tenths < 10:
        return f"{tenths:g} s"
    for unit, length, most in (("s", 1, 120), ("m", 60, 7200), ("h", 3600, 172800)):
        if seconds < most:
            return f"{round(seconds / length)} {unit}"
    return f"{round(seconds / 86400)} d"


def size(text: str) -> int:
    """Bytes of `64K`, `512M`, `2G` (powers of 1024). Raises ValueError with a sentence for a person."""
    match = _SIZE.match(text)
    if match is None:
        msg = f'"{text}" is not a size'
        raise ValueError(msg)
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]


def exact_size_text(count: int) -> str:
    """The shortest exact text of a size, as `size` takes it: `20M`, `1500`."""
    for unit, bits in (("G", 30), ("M", 20), ("K", 10)):
        if count and not count % (1 << bits):
            return f"{count >> bits}{unit}"
    return str(count)


def size_text(count: int) -> str:
    """For people: `812`, `12.1M`, `3.0G`."""
    if count < 1024:
        return str(count)
    value = count / 1024
    for unit in ("K", "M"):
        # 1023.95 would be printed as 1024.0.
        if value < 1023.95:
            return f"{value:.1f}{unit}"
        value /= 1024
    return f"{value:.1f}G"


def is_name(text: str) -> bool:
    """Whether it is `[A-Za-z0-9_-]+` parts joined by dots, not too long."""
    return len(text) <= LONGEST_NAME and _NAME.match(text) is not None


def is_secret_name(text: str) -> bool:
    """Whether it is that of a variable which a shell can use too, not too long, and not one of `LISTENING`."""
    return _SECRET.match(text) is not None and text not in LISTENING


def is_socket_key(text: str) -> bool:
    """Whether it is `NAME=ADDRESS` as a record can hold it: without a tab or newline, not too long."""
    return _SOCKET_KEY.match(text) is not None


def signal_number(name: str) -> int:
    """15 of `TERM`; `SIGTERM` and digits are taken too. Raises ValueError with a sentence for a person."""
    word = name.upper().removeprefix("SIG")
    if word.isascii() and word.isdigit() and 1 <= int(word) <= 64:
        return int(word)
    try:
        return int(signal.Signals["SIG" + word])
    except KeyError:
        msg = f'"{name}" is not a signal'
        raise ValueError(msg) from None


def signal_name(number: int) -> str:
    """`TERM` of 15; a real-time signal is its number."""
    try:
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:
        return str(number)


MEMORY_REACHED: Final = "memory"
HOST_MEMORY_REACHED: Final = "host-memory"
PROCESSES_REACHED: Final = "processes"
REACHED: Final = (MEMORY_REACHED, HOST_MEMORY_REACHED, PROCESSES_REACHED)
"""What may have been reached in the life of a process: `Exit.reached`."""


class Exit(NamedTuple):
    """How a process ended: by `code`, by `signal`, or nobody could see it (both None): `unknown`.

    `reached`: the limit that it reached, one of `REACHED`; "" for none. Where that was memory, the kernel killed it or a
    process of its own.
    """

    code: int | None = None
    signal: int | None = None
    reached: str = ""

    @property
    def is_unknown(self) -> bool:
        """Whether nobody could see it."""
        return self.code is None and self.signal is None

    @property
    def is_out_of_memory(self) -> bool:
        """Whether the kernel killed it for the memory that it, or all together, needed."""
        return self.signal == _KILL and self.reached in {MEMORY_REACHED, HOST_MEMORY_REACHED}

    def __str__(self) -> str:
        """`exit 0`, `killed by signal 9 (KILL)`, `killed by memory limit`, `exit unknown`."""
        if self.is_out_of_memory:
            return (
                "killed by memory limit"
                if self.reached == MEMORY_REACHED
                else "killed: the host had no memory left"
            )
        if self.signal is not None:
            return f"killed by signal {self.signal} ({signal_name(self.signal)})"
        return "exit unknown" if self.code is None else f"exit {self.code}"


UNKNOWN_EXIT: Final = Exit()
