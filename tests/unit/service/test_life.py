"""The table of an instance's life."""

from __future__ import annotations

from random import Random

import pytest

from snowfox.core.machine import Move, Refused
from snowfox.service.instance import ALIVE, Input, Instance, Turn
from snowfox.service.life import INPUTS, ROWS, TABLE, step
from snowfox.service.spec import Ready, Restart
from snowfox.service.status import STATES
from snowfox.testing.life import WEB, bring
from snowfox.values import Exit


def test_the_states_are_those_that_users_see():
    """The table has exactly the states of `commands.md`, in the order of `status.STATES` or not."""
    assert set(TABLE.states) == set(STATES)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", INPUTS)
def test_every_cell_does_what_the_table_says(state, kind):
    """Each cell moves into one of its targets, or is refused with a reason and changes nothing."""
    turn = Turn(100.0, Random(1))
    instance = Instance("web", WEB, 0.0)
    bring(instance, state, turn)
    turn = Turn(101.0, Random(1))
    told = Input(kind, text="notified", token="web~2", pid=9, started=9, exit=Exit(1), age=1.0)
    before = {name: getattr(instance, name) for name in Instance.__slots__}
    accepted = step(instance, told, turn)
    match ROWS[state][kind]:
        case Refused(reason):
            assert reason
            assert not accepted
            assert turn.effects == []
            assert {name: getattr(instance, name) for name in Instance.__slots__} == before
        case Move(to=to):
            assert accepted
            assert instance.state in to


@pytest.mark.parametrize("state", STATES)
def test_a_state_has_a_launch_or_none(state):
    """Exactly the states that are called alive have a token; without one there is no pid."""
    turn = Turn(100.0, Random(1))
    instance = Instance("web", WEB, 0.0)
    bring(instance, state, turn)
    assert bool(instance.token) is (state in ALIVE)
    assert not instance.pid or instance.token


def test_every_target_of_the_table_can_happen():
    """Each arrow out of a death is reached with some service and some exit: none is drawn for nothing."""
    seen = set()
    for service in (
        WEB,
        WEB.replace(restart=Restart(when="never")),
        WEB.replace(restart=Restart(when="on-failure")),
        WEB.replace(restart=Restart(delay=0.0)),
        WEB.replace(ready=Ready()),
    ):
        for state in ("stopped", "starting", "ready", "failing", "stopping", "stuck"):
            for told in (
                Input("exited", exit=Exit(0)),
                Input("exited", exit=Exit(1)),
                Input("ended-before", token="web~0", pid=3, exit=Exit(0)),
                Input("ended-before", token="web~0", pid=3, exit=Exit(1)),
            ):
                instance = Instance("web", service, 0.0)
                if service.ready.is_immediate and state not in {"stopped", "ready"}:
                    continue
                turn = Turn(100.0, Random(1))
                if service.ready.is_immediate and state == "ready":
                    bring(instance, "stopped", turn)
                    for one in (Input("start"), Input("go", token="web~1"), Input("launched", pid=7)):
                        step(instance, one, turn)
                else:
                    bring(instance, state, turn)
                step(instance, told, Turn(101.0, Random(1)))
                seen.add((state, told.kind, instance.state))
    for state in ("starting", "ready"):
        assert {to for source, kind, to in seen if (source, kind) == (state, "exited")} == {
            "backoff",
            "failed",
            "finished",
            "waiting",
        }
    assert ("failing", "exited", "backoff") in seen
    assert ("failing", "exited", "failed") in seen
    assert ("stuck", "exited", "stopped") in seen
    assert ("stopped", "ended-before", "finished") in seen


def test_the_diagram_is_drawn_from_the_table():
    """Its arrows are the table's."""
    text = TABLE.diagram()
    assert "    failing --> stuck: kill-over" in text
    assert "backoff --> waiting: start, retry" in text or "backoff --> waiting: retry, start" in text
