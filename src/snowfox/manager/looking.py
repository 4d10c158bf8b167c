"""What the manager tells of itself: its sessions, and what it waits for."""

from __future__ import annotations

from math import isfinite
from typing import Final

from snowfox.contract.links import LinkLine, PromiseLine, Promises
from snowfox.core.clock import Clock
from snowfox.core.posix.api import Users
from snowfox.core.promise import Pending, PromiseKeeper
from snowfox.core.rpc.links import LinkFigures, Links
from snowfox.core.rpc.serving import Caller

MOST_PROMISES: Final = 1000
"""Promises that are told at once."""


async def links(users: Users, clock: Clock) -> list[LinkLine]:
    """The sessions of this loop, each pinged."""
    found = await Links.instance().look()
    now = clock.wall()
    return [_link(one, users, now) for one in found]


def promises(count: int) -> Promises:
    """What this loop waits for, of that the oldest `count`, at most `MOST_PROMISES`."""
    keeper = PromiseKeeper.instance()
    oldest = keeper.pending(max(0, min(count, MOST_PROMISES)))
    return Promises(len(keeper), [_promise(one) for one in oldest])


def name_of(caller: Caller, users: Users) -> str:
    """Who is there, for people: a user's name, else `uid 1000`; the name in a certificate; "" where nobody knows."""
    if caller.peer is None:
        return caller.name
    entry = users.by_uid(caller.peer.uid)
    return entry.name if entry else f"uid {caller.peer.uid}"


def _link(one: LinkFigures, users: Users, now: int) -> LinkLine:
    return LinkLine(
        one.name,
        name_of(one.caller, users),
        0 if one.caller.peer is None else one.caller.peer.pid,
        one.serves,
        one.calls,
        one.asked,
        one.owed,
        -1 if one.round_trip is None else round(one.round_trip * 1_000_000),
        one.received,
        one.sent,
        one.reconnects,
        now - round(one.age * 1000),
    )


def _promise(one: Pending) -> PromiseLine:
    left = round(max(0.0, one.remaining) * 1000) if isfinite(one.remaining) else -1
    trace = one.trace.id if one.trace else ""
    return PromiseLine(one.name, one.maker, round(one.age * 1000), left, trace)
