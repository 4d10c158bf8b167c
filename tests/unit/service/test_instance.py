"""What an instance says of itself."""

from __future__ import annotations

from random import Random

from snowfox.service.effects import ClearTimer, SetTimer
from snowfox.service.instance import Instance, Turn
from snowfox.service.restart import Verdict
from snowfox.service.spec import Service, Stop


def instance(state, **fields):
    """One in a state, with some fields set."""
    found = Instance("web", Service("web", ("x",), stop=Stop(2, 5.0)), 0.0)
    found.state = state
    for name, value in fields.items():
        setattr(found, name, value)
    return found


def test_messages():
    """Each state says why it is so, with the times of now."""
    assert instance("stopped", reason="why").message(10.0) == "why"
    assert instance("starting", probe="refused").message(10.0) == "not ready yet: refused"
    assert instance("starting", death="exit 1", died=3.0).message(10.0) == "exit 1, 7 s ago"
    assert instance("ready").message(10.0) == ""
    assert instance("ready", death="exit 1", died=11.0).message(10.0) == "exit 1, 0 s ago"
    assert instance("stopping", pid=3, timer_due=14.0).message(10.0) == "INT sent, kill in 4 s"
    assert instance("stopping", was_killed=True).message(10.0) == "KILL sent"
    assert instance("stuck", pid=3).message(10.0) == "SIGKILL did not end process 3"
    verdict = Verdict("again", "exit 1", attempt=2)
    assert (
        instance("backoff", verdict=verdict, timer_due=17.0).message(10.0)
        == "exit 1; next try in 7 s, 2 of 5"
    )


def test_it_has_one_timer():
    """Clearing one that is not set says nothing."""
    found = instance("stopped")
    turn = Turn(5.0, Random(1))
    found.disarm(turn)
    assert turn.effects == []
    found.arm("retry", 2.0, turn)
    found.disarm(turn)
    found.disarm(turn)
    assert turn.effects == [SetTimer("web", "retry", 2.0), ClearTimer("web")]
    assert found.timer_due == 7.0
