"""What is taken over from an earlier manager."""

from __future__ import annotations

from random import Random

import pytest

from snowfox.service.instance import Input, Instance, Turn
from snowfox.service.life import step
from snowfox.testing.life import WEB
from snowfox.values import Exit


def test_what_was_being_ended_failed_for_that_reason():
    """Its signal was ours, whoever saw its end."""
    turn = Turn(100.0, Random(1))
    instance = Instance("web", WEB, 0.0)
    told = Input(
        "ended-before", token="web~1", pid=7, age=3.0, exit=Exit(signal=15), text="not ready after 3 s"
    )
    assert step(instance, told, turn)
    assert instance.state == "backoff"
    assert instance.message(100.0).startswith("not ready after 3 s; next try")


@pytest.mark.parametrize(("was_ready", "state"), [(True, "ready"), (False, "starting")])
def test_what_runs_goes_on_from_where_it_was(was_ready, state):
    """Ready stays ready; what was not is waited for anew, and its age counts."""
    turn = Turn(100.0, Random(1))
    instance = Instance("web", WEB, 0.0)
    told = Input("adopt", token="web~1", pid=7, started=8, age=30.0, was_ready=was_ready)
    assert step(instance, told, turn)
    assert (instance.state, instance.pid, instance.launched) == (state, 7, 70.0)
