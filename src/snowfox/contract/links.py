"""What the manager tells of itself: its sessions, and what it waits for."""

from __future__ import annotations

from snowfox.core.named import NamedTuple


class LinkLine(NamedTuple):
    """A session of the manager with another process.

    Args:
        name: what we call the other end.
        user: its user by the kernel, or the name in its certificate; "" where neither is known.
        pid: its process; 0 where the kernel does not tell.
        serves: the interface that it serves; "" for none.
        calls: the interface that it calls here; "" for none.
        asked: calls of ours that it has not answered.
        owed: calls of its that are not answered here.
        round_trip: microseconds that a ping took; -1 where none was answered in time.
        received: bytes that came from it.
        sent: bytes that went to it.
        reconnects: how many sessions with the same end were lost before.
        since: wall clock ms at which it began.
    """

    name: str
    user: str
    pid: int
    serves: str
    calls: str
    asked: int
    owed: int
    round_trip: int
    received: int
    sent: int
    reconnects: int
    since: int


class PromiseLine(NamedTuple):
    """Something that the manager waits for.

    Args:
        name: what is awaited.
        maker: `function (file:line)` that waits for it.
        age: ms since then.
        left: ms until it is given up; -1: never.
        trace: id of the story that it belongs to; "" for none.
    """

    name: str
    maker: str
    age: int
    left: int
    trace: str


class Promises(NamedTuple):
    """What the manager waits for, the oldest first, and how many there are in all."""

    total: int
    oldest: list[PromiseLine]
