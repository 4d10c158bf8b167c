"""Any history of configurations, with accidents on the way: in the end there is what the last one says, once each."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snowfox.service import event
from snowfox.service.identity import launch_digest
from snowfox.service.spec import Ready, Restart, Rolling, Service, Socket
from snowfox.testing.stage import Stage, configuration_of
from snowfox.values import Exit

NAMES = "abcde"
PATIENT = Restart(limit=1_000_000)
SOCKETS = {"front": Socket("front", ("127.0.0.1:80",))}


@st.composite
def configurations(draw):
    """Up to five services, each requiring some of those before it; one may have had another name."""
    found = []
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
    free = [name for name in NAMES if name not in names]
    for name in names:
        was = free.pop() if free and draw(st.booleans()) else ""
        surge = draw(st.integers(0, 2))
        rolling = Rolling(surge, draw(st.integers(0 if surge else 1, 2)), draw(st.sampled_from((0.0, 0.3))))
        is_on_demand = draw(st.booleans())
        found.append(
            Service(
                name,
                (draw(st.sampled_from("xy")),),
                instances=draw(st.integers(1, 3)),
                requires=tuple(draw(st.sets(st.sampled_from([one.name for one in found]), max_size=2)))
                if found
                else (),
                ready=Ready(notify=draw(st.booleans())),
                restart=PATIENT,
                replacement=draw(st.sampled_from(("rolling", "restart"))),
                rolling=rolling,
                sockets=("front",) if is_on_demand else (),
                is_on_demand=is_on_demand,
                idle=1.0,
                was=was,
                owner=1,
            )
        )
    return tuple(found)


ACCIDENTS = st.lists(
    st.tuples(
        st.sampled_from(("crash", "end", "ready", "wait", "stop", "wanted", "idle")), st.integers(0, 20)
    ),
    max_size=5,
)


def suffer(stage, accidents):
    """Processes crash or get ready, time passes, a person stops and starts something."""
    for what, number in accidents:
        tokens = list(stage.running)
        if what == "wait":
            stage.advance(number / 10)
        elif what == "stop" and stage.statuses:
            one = sorted(stage.statuses)[number % len(stage.statuses)]
            stage.ask("restart", one)
        elif what in {"wanted", "idle"}:
            demands = [one for one in stage.demands.values() if one.awaits]
            if demands:
                attend(stage, demands[number % len(demands)])
        elif tokens:
            token = tokens[number % len(tokens)]
            if what in {"crash", "end"}:
                del stage.running[token]
                stage.tell(event.Ended(token, Exit(1 if what == "crash" else 0)))
            else:
                stage.tell(event.Notified(token))


def attend(stage, demand):
    """What it waits for comes."""
    told = event.Wanted if demand.awaits == "connection" else event.Idle
    stage.tell(told(demand.service))


def calm(stage):
    """Everybody gets ready who can, who sleeps is woken; until nothing moves any more."""
    told = set()
    for _ in range(200):
        before = stage.changes
        for demand in [one for one in stage.demands.values() if one.awaits == "connection"]:
            attend(stage, demand)
        for token in [one for one in stage.running if one not in told]:
            told.add(token)
            stage.tell(event.Notified(token))
        stage.advance(0.5)
        if stage.changes == before and not stage.timers:
            return
    pytest.fail(f"it does not end: {stage.timers}")


def is_what_it_says(stage, services):
    """Each instance once, of the command that is written, ready; nobody else."""
    expected = {
        one: launch_digest(configuration_of(*services, sockets=SOCKETS), service)
        for service in services
        for one in service.ids()
    }
    assert sorted(stage.running.values()) == sorted(expected)
    assert {owner: stage.digests[token] for token, owner in stage.running.items()} == expected
    assert {one: status.state for one, status in stage.statuses.items()} == dict.fromkeys(expected, "ready")


def untouched(before, after):
    """Services that no difference concerns, be it through what they require."""
    old = {one.name: one for one in before}
    found = set()
    for service in after:
        if old.get(service.name) == service and not service.was and found.issuperset(service.requires):
            found.add(service.name)
    return found


@settings(max_examples=100, deadline=None)
@given(
    configurations(),
    st.lists(st.tuples(configurations(), ACCIDENTS, st.booleans()), min_size=1, max_size=5),
)
def test_any_history(first, changes):
    """Made or taken back, whatever happened meanwhile; without an accident what does not differ has its process of before."""
    stage = Stage(*first, sockets=SOCKETS)
    stage.beside = 1
    stage.up()
    calm(stage)
    is_what_it_says(stage, first)
    now = first
    for number, (after, accidents, goes_on) in enumerate(changes):
        before = {owner: token for token, owner in stage.running.items()}
        stage.arrived.clear()
        stage.apply(*after, operation=f"change-{number}")
        suffer(stage, accidents)
        if not goes_on:
            stage.arrived.clear()
            stage.apply(*now, operation=f"change-{number}")
        calm(stage)
        stage.retire(f"change-{number}")
        calm(stage)
        same = untouched(now, after)
        now = after if goes_on else now
        is_what_it_says(stage, now)
        if not accidents:
            assert all(one.is_well for one in stage.arrived)
            assert len(stage.arrived) == 2
            ids = [one for service in now if service.name in same for one in service.ids()]
            there = {owner: token for token, owner in stage.running.items()}
            assert {one: there[one] for one in ids} == {one: before[one] for one in ids}
