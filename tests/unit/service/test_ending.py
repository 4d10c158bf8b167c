"""How an instance ends."""

from __future__ import annotations

from random import Random

from snowfox.service.instance import Input, Instance, Turn
from snowfox.service.life import step
from snowfox.testing.life import WEB, bring
from snowfox.values import Exit


def test_killed_while_its_launch_is_under_way():
    """SIGKILL follows the answer to the launch, not TERM."""
    turn = Turn(100.0, Random(1))
    instance = Instance("web", WEB, 0.0)
    for told in (Input("start"), Input("go", token="web~1"), Input("kill"), Input("launched", pid=7)):
        assert step(instance, told, turn)
    names = [type(effect).__name__ for effect in turn.effects]
    assert "Kill" in names
    assert "Signal" not in names


def test_a_stop_while_failing_is_asked_for():
    """A stop of what is being ended for not getting ready: its end is no failure, it stays stopped."""
    turn = Turn(100.0, Random(1))
    instance = Instance("web", WEB, 0.0)
    bring(instance, "failing", turn)
    step(instance, Input("stop", text="stopped by a person"), turn)
    step(instance, Input("exited", exit=Exit(1)), turn)
    assert (instance.state, instance.reason) == ("stopped", "stopped by a person")


def test_what_failed_and_was_stuck_is_tried_again_once_it_is_gone():
    """A process that did not get ready and resisted SIGKILL does not leave its service stopped."""
    turn = Turn(100.0, Random(1))
    instance = Instance("web", WEB, 0.0)
    bring(instance, "failing", turn)
    for kind in ("grace-over", "kill-over", "exited"):
        step(instance, Input(kind), turn)
    assert instance.state == "waiting"
