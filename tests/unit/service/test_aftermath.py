"""What follows an end."""

from __future__ import annotations

from random import Random

import pytest

from snowfox.service.instance import Input, Instance, Turn
from snowfox.service.life import step
from snowfox.service.spec import Restart
from snowfox.testing.life import WEB, bring
from snowfox.values import Exit


@pytest.mark.parametrize(("state", "told"), [("starting", "refused"), ("failing", "exited")])
def test_what_did_not_live_waits_also_without_a_delay(state, told):
    """`delay = "0s"` is for services that lived: a launch refused again and again, without a pause, would be a storm."""
    service = WEB.replace(restart=Restart(delay=0.0, limit=0))
    instance = Instance("web", service, 0.0)
    if state == "starting":
        for one in (Input("start"), Input("go", token="web~1")):
            step(instance, one, Turn(100.0, Random(1)))
    else:
        bring(instance, "failing", Turn(100.0, Random(1)))
    step(instance, Input(told, text="no", exit=Exit(1)), Turn(101.0, Random(1)))
    assert instance.state == "backoff"
    assert instance.timer_due > 101.0


def test_what_is_left_behind_is_killed_before_anything_starts_anew():
    """The leftovers of the process go, then its record."""
    turn = Turn(100.0, Random(1))
    instance = Instance("web", WEB, 0.0)
    bring(instance, "ready", turn)
    turn = Turn(101.0, Random(1))
    step(instance, Input("exited", exit=Exit(1)), turn)
    names = [type(effect).__name__ for effect in turn.effects]
    assert names[:3] == ["Emit", "Kill", "Forget"]
