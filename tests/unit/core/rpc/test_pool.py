"""Which connection a call goes over."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from snowfox.core.rpc.endpoint import Endpoint
from snowfox.core.rpc.pool import Close, Give, Limits, Open, Pool
from snowfox.errors import ConnectionLost, HostError, SnowFoxError

A, B, C = (Endpoint(f"tcp:10.0.0.{number}:1") for number in (1, 2, 3))
GONE = ConnectionLost("nobody is there")


def pool(*places: Endpoint, **limits: Any) -> Pool:
    """One with these limits."""
    return Pool(places or (A,), limits=Limits(**limits), random=Random(1))


def test_nothing_before_the_first_call() -> None:
    """No connection is made, and no time waited for; the first call opens one and goes over it."""
    found = pool()
    assert (found.connections, found.next_tick()) == (0, None)
    assert found.tick(100) == []
    assert found.ask(7, 0) == [Open(1, A)]
    assert found.ask(8, 0) == []
    assert found.opened(1, 0) == [Give(7, 1), Give(8, 1)]


def test_another_one_while_all_are_busy() -> None:
    """Beyond so many calls each a further connection, one at a time, up to the limit."""
    found = pool(connections=2, busy=2)
    found.ask(1, 0)
    found.opened(1, 0)
    assert found.ask(2, 0) == [Give(2, 1)]
    assert found.ask(3, 0) == [Give(3, 1), Open(2, A)]
    assert found.ask(4, 0) == [Give(4, 1)]
    assert found.opened(2, 0) == []
    assert [found.ask(call, 0)[0] for call in (5, 6, 7)] == [Give(5, 2), Give(6, 2), Give(7, 2)]
    assert found.connections == 2


def test_a_slow_member_gets_fewer_calls() -> None:
    """Of two, one ten times slower: it gets a small part, not nothing."""
    found = pool(A, B, busy=0)
    found.ask(0, 0)
    found.opened(1, 0)
    found.opened(2, 0)
    counts = {1: 0, 2: 0}
    given: list[int] = []
    for call in range(1, 400):
        given += [action.member for action in found.ask(call, 0) if isinstance(action, Give)]
        if len(given) >= 4:
            member = given.pop(0)
            counts[member] += 1
            found.done(member, 0.001 if member == 1 else 0.01, 0)
    assert counts[1] > 3 * counts[2] > 0


def test_a_dead_place_gets_none_and_is_tried_again() -> None:
    """Calls go to the other place; the dead one is tried after a delay that grows, and only while somebody waits."""
    found = pool(A, B, connections=1, busy=0)
    assert found.ask(1, 0) == [Open(1, A)]
    assert found.failed(1, GONE, 0) == [Open(2, B)]
    assert found.opened(2, 0) == [Give(1, 2)]
    assert found.ask(2, 0) == [Give(2, 2)]
    assert found.ask(3, 0.1) == [Give(3, 2), Open(3, A)]
    found.failed(3, GONE, 0.1)
    assert found.ask(4, 0.19) == [Give(4, 2)]
    assert found.ask(5, 0.21) == [Give(5, 2), Open(4, A)]
    assert found.problem is None


def test_nobody_is_there() -> None:
    """A call waits, and the place is tried again; why it cannot be reached is known; then it goes on."""
    found = pool()
    found.ask(1, 0)
    assert found.failed(1, GONE, 0) == []
    assert found.problem is GONE
    assert found.next_tick() == pytest.approx(0.05)
    assert found.tick(0.05) == [Open(2, A)]
    found.failed(2, GONE, 0.05)
    assert found.tick(0.1) == []
    assert found.next_tick() == pytest.approx(0.15)
    assert found.tick(0.151) == [Open(3, A)]
    assert found.opened(3, 0.151) == [Give(1, 3)]
    assert found.problem is None


def test_the_order_of_those_who_wait() -> None:
    """First come, first served, also when one of them leaves."""
    found = pool(calls=1, connections=1)
    for call in (1, 2, 3, 4):
        found.ask(call, 0)
    assert found.opened(1, 0) == [Give(1, 1)]
    found.forget(2)
    assert found.done(1, 0.1, 0) == [Give(3, 1)]
    assert found.done(1, None, 0) == [Give(4, 1)]


def test_too_many_wait() -> None:
    """The queue has a bound."""
    found = pool(waiting=2)
    found.ask(1, 0)
    found.ask(2, 0)
    with pytest.raises(HostError, match="2 calls wait"):
        found.ask(3, 0)


def test_what_nobody_uses_is_closed() -> None:
    """After a while without a call; not while it has one."""
    found = pool(idle=60)
    found.ask(1, 0)
    found.opened(1, 0)
    assert found.tick(100) == []
    found.done(1, 0.1, 100)
    assert found.next_tick() == 160
    assert found.tick(160) == [Close(1)]
    assert (found.connections, found.next_tick()) == (0, None)
    assert found.ask(2, 160) == [Open(2, A)]


def test_a_changed_place_drains_and_an_unchanged_one_keeps() -> None:
    """What stays is the same connection; what goes ends its calls, takes no more, and is closed."""
    found = pool(A, B, busy=0)
    found.ask(1, 0)
    assert found.opened(1, 0) == [Give(1, 1), Open(2, B)]
    assert found.opened(2, 0) == []
    assert found.ask(2, 0)[0] == Give(2, 2)
    assert found.replace((A, C), 0) == []
    assert found.ask(3, 0)[0] == Give(3, 1)
    assert found.done(2, 0.1, 0) == [Close(2)]
    assert found.connections == 2  # A's, and C's that is being opened


def test_a_member_that_leaves() -> None:
    """The other end takes no more: the next call opens another one, and it is closed after its last."""
    found = pool()
    found.ask(1, 0)
    found.opened(1, 0)
    assert found.leave(1, 0) == []
    assert found.ask(2, 0) == []
    assert found.tick(0.06) == [Open(2, A)]
    assert found.done(1, 0.1, 0.06) == [Close(1)]
    assert found.opened(2, 0.06) == [Give(2, 2)]


def test_a_place_that_hesitates() -> None:
    """While one is awaited for long the other one is tried, and no place twice at once; no time is waited for in vain."""
    found = pool(A, B)
    assert found.ask(1, 0) == [Open(1, A)]
    assert found.ask(2, 0.1) == []
    assert found.next_tick() == 0.25
    assert found.tick(0.25) == [Open(2, B)]
    assert found.tick(0.6) == []
    assert found.next_tick() is None
    assert found.opened(2, 0.7) == [Give(1, 2), Give(2, 2)]


def test_the_end() -> None:
    """All are closed; one that opens after it is closed, too."""
    found = pool()
    found.ask(1, 0)
    assert found.close() == [Close(1)]
    assert found.opened(1, 0) == [Close(1)]
    assert found.done(1, 0.1, 0) == []


class Pools(RuleBasedStateMachine):
    """Whatever comes, in whatever order: each call is given once, in order, to a member that can take it."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = Limits(connections=2, calls=2, busy=1, waiting=50, idle=10)
        self.pool = Pool((A, B), limits=self.limits, random=Random(1))
        self.now = 0.0
        self.calls = 0
        self.waiting: list[int] = []
        self.opening: dict[int, Endpoint] = {}
        self.open: dict[int, Endpoint] = {}
        self.given: dict[int, list[int]] = {}

    def perform(self, actions: list[Any]) -> None:
        """Do it, and look at whether it may be done."""
        for action in actions:
            match action:
                case Open(member, place):
                    assert member not in self.opening | self.open
                    self.opening[member] = place
                case Close(member):
                    assert not self.given.get(member)
                    assert self.open.pop(member, None) or self.opening.pop(member, None)
                case Give(call, member):
                    assert call == self.waiting.pop(0)
                    assert member in self.open
                    self.given.setdefault(member, []).append(call)
                    assert len(self.given[member]) <= self.limits.calls

    @rule()
    def ask(self) -> None:
        """Another call."""
        if len(self.waiting) < self.limits.waiting:
            self.calls += 1
            self.waiting.append(self.calls)
            self.perform(self.pool.ask(self.calls, self.now))

    @rule(well=st.booleans())
    def settle_opening(self, well: bool) -> None:
        """What is being opened is, or is not."""
        if self.opening:
            member, place = self.opening.popitem()
            if well:
                self.open[member] = place
                self.perform(self.pool.opened(member, self.now))
            else:
                self.perform(self.pool.failed(member, GONE, self.now))

    @rule(index=st.integers(0, 20))
    def end_call(self, index: int) -> None:
        """An answer."""
        busy = [member for member, calls in self.given.items() if calls]
        if busy:
            member = busy[index % len(busy)]
            self.given[member].pop()
            self.perform(self.pool.done(member, 0.01, self.now))

    @rule(error=st.sampled_from((None, GONE)))
    def lose(self, error: SnowFoxError | None) -> None:
        """A connection ends, and its calls with it."""
        if self.open:
            member, _ = self.open.popitem()
            self.given.pop(member, None)
            self.perform(self.pool.lost(member, error, self.now))

    @rule()
    def leave_waiting(self) -> None:
        """Somebody waits no more."""
        if self.waiting:
            self.pool.forget(self.waiting.pop())

    @rule(places=st.sets(st.sampled_from((A, B, C)), min_size=1))
    def replace(self, places: set[Endpoint]) -> None:
        """Other places."""
        self.perform(self.pool.replace(sorted(places), self.now))

    @rule(seconds=st.sampled_from((0.01, 1.0, 20.0)))
    def wait(self, seconds: float) -> None:
        """Time."""
        self.now += seconds
        self.perform(self.pool.tick(self.now))

    @invariant()
    def bounds(self) -> None:
        """Not more connections than allowed; whoever waits has something to wait for."""
        for place in (A, B, C):
            members = [one for one in (*self.open.values(), *self.opening.values()) if one == place]
            assert len(members) <= self.limits.connections
        assert self.pool.waiting == len(self.waiting)
        if self.waiting and not self.opening and not any(self.given.values()):
            due = self.pool.next_tick()
            assert due is not None
            assert due > self.now


TestPools = Pools.TestCase
