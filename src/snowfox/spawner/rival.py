"""Who holds an address that we want: from the kernel's tables of sockets and the descriptors of processes.

Only asked after a bind was refused. An ordinary user sees only processes of its own. Formats: proc_pid_net(5); an
address there is hexadecimal, in the processor's byte order per 32 bits.
"""

from __future__ import annotations

import os
from sys import byteorder
from typing import Final

from snowfox.core.posix.address import Address
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError

_EVERY: Final = "0.0.0.0"  # noqa: S104 - compared with
_LISTENING: Final = "0A"
_LARGEST: Final = 4 << 20
_MOST_PROCESSES: Final = 20_000


def find(posix: Posix, address: Address) -> str | None:
    """`held by nginx (pid 812)`, or None when it cannot be found out."""
    try:
        inodes = _inodes(posix, address)
        return _holder(posix, inodes) if inodes else None
    except PosixError:
        return None  # no /proc, or not ours to see: the errno has been told


def _inodes(posix: Posix, address: Address) -> set[str]:
    if address.is_unix:
        lines = _lines(posix, "/proc/net/unix")
        name = address.path
        return {words[6] for words in lines if len(words) > 7 and words[7] == name and words[5] == "01"}
    found: set[str] = set()
    port = f"{address.port:04X}"
    for table in (f"{address.kind}6",) if address.is_v6 else (address.kind, f"{address.kind}6"):
        for words in _lines(posix, f"/proc/net/{table}"):
            if len(words) <= 9 or (address.kind == "tcp" and words[3] != _LISTENING):
                continue
            host, _, number = words[1].partition(":")
            if number == port and (address.is_v6 or _is_in_the_way(host, address.host)):
                found.add(words[9])
    return found


def _is_in_the_way(host: str, wanted: str) -> bool:
    """Whether this host of a table is the wanted one of IPv4, or one of them is every host.

    In the table of IPv6, IPv4 is `::ffff:a.b.c.d`, and `::` may take it too.
    """
    if not host.strip("0") or wanted == _EVERY:
        return True
    last = bytes.fromhex(host[-8:])
    return ".".join(map(str, last[::-1] if byteorder == "little" else last)) == wanted


def _holder(posix: Posix, inodes: set[str]) -> str | None:
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for pid in sorted(posix.processes.all())[:_MOST_PROCESSES]:
        folder = f"/proc/{pid}/fd"
        try:
            for number in posix.folders.names(folder):
                if posix.files.link_target(f"{folder}/{number}") in wanted:
                    return f"held by {_name(posix, pid)} (pid {pid})"
        except PosixError:
            continue  # gone meanwhile, or another user's
    return None


def _name(posix: Posix, pid: int) -> str:
    try:
        return _content(posix, f"/proc/{pid}/comm").decode("utf-8", "replace").strip() or "?"
    except PosixError:
        return "?"


def _lines(posix: Posix, path: str) -> list[list[str]]:
    try:
        return [line.split() for line in _content(posix, path).decode("utf-8", "replace").splitlines()]
    except PosixError:
        return []


def _content(posix: Posix, path: str) -> bytes:
    opened = posix.files.open(path, os.O_RDONLY)
    try:
        chunks: list[bytes] = []
        while (chunk := posix.files.read(opened, 65536)) and len(chunks) * 65536 < _LARGEST:
            chunks.append(chunk)
        return b"".join(chunks)
    finally:
        posix.files.close(opened)
