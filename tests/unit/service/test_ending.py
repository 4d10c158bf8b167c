"""How an instance ends."""

from __future__ import annotations

from random import Random

from snowfox.service.instance import Input, Instance, Turn
from snowfox.service.life import step
from snowfox.service.spec import Ready, Restart
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


def test_what_does_not_answer_any_more_is_ended_and_follows_the_policy_of_an_exit():
    """One policy: the reason is the probe's, the delay that of a death; one that was well until then is no failed start."""
    turn = Turn(100.0, Random(1))
    instance = Instance("web", WEB, 0.0)
    bring(instance, "ready", turn)
    turn = Turn(130.0, Random(1))
    assert step(instance, Input("unwell", text="it answered 500, 3 times"), turn)
    assert instance.state == "failing"
    assert "Signal" in [type(effect).__name__ for effect in turn.effects]
    step(instance, Input("exited", exit=Exit(0)), Turn(131.0, Random(1)))
    assert (instance.state, instance.death) == ("backoff", "it answered 500, 3 times")
    assert round(instance.timer_due - 131.0, 9) == 0.1
    assert instance.verdict is not None
    assert instance.verdict.history.failures == ()


def test_what_fails_right_after_it_was_ready_counts_as_a_failed_start():
    """As an exit within `early` does."""
    instance = Instance("web", WEB.replace(restart=Restart(limit=1)), 0.0)
    bring(instance, "ready", Turn(100.0, Random(1)))
    step(instance, Input("unwell", text="the watchdog"), Turn(100.5, Random(1)))
    step(instance, Input("exited", exit=Exit(signal=15)), Turn(100.6, Random(1)))
    assert instance.state == "failed"


def test_what_hangs_from_the_beginning_has_failed_to_start_however_late_that_is_found_out():
    """Its life ended when it was last known to be well; the time until that is found out does not make it longer."""
    instance = Instance("web", WEB.replace(restart=Restart(limit=1)), 0.0)
    bring(instance, "ready", Turn(100.0, Random(1)))
    step(instance, Input("unwell", text="the watchdog", silent=29.5), Turn(130.0, Random(1)))
    step(instance, Input("exited", exit=Exit(signal=9)), Turn(140.0, Random(1)))
    assert (instance.state, instance.reason) == ("failed", "the watchdog; 1 failed starts within 1m")


def test_who_says_that_it_stops_and_hangs_was_well_until_it_said_so():
    """As one that ends by itself at that moment."""
    instance = Instance("web", WEB.replace(restart=Restart(limit=1)), 0.0)
    turn = Turn(100.0, Random(1))
    bring(instance, "ready", turn)
    instance.said = instance.said._replace(is_stopping=True)
    step(instance, Input("unwell"), Turn(100.5 + WEB.stop.grace, Random(1)))
    step(instance, Input("exited", exit=Exit(signal=15)), Turn(106.0, Random(1)))
    assert instance.state == "failed"


def test_a_task_that_takes_too_long_is_ended_and_has_failed():
    """Its time begins with its launch; what an earlier manager saw of it counts."""
    task = WEB.replace(is_task=True, ready=Ready(), timeout=60.0, restart=Restart(when="never"))
    instance = Instance("job", task, 0.0)
    told = Input("adopt", token="job~1", pid=7, started=8, age=40.0)
    step(instance, told, Turn(100.0, Random(1)))
    assert (instance.timer, instance.timer_due) == ("overdue", 120.0)
    step(instance, Input("overdue"), Turn(120.0, Random(1)))
    assert instance.state == "failing"
    step(instance, Input("exited", exit=Exit(0)), Turn(121.0, Random(1)))
    assert (instance.state, instance.reason) == ("failed", "not done after 60 s")


def test_a_stop_of_what_is_stuck_tries_once_more():
    """SIGKILL again; it stays stuck until it ends, and then it is stopped."""
    turn = Turn(100.0, Random(1))
    instance = Instance("web", WEB, 0.0)
    bring(instance, "stuck", turn)
    turn = Turn(200.0, Random(1))
    step(instance, Input("stop", text="stopped by a person"), turn)
    assert [type(effect).__name__ for effect in turn.effects] == ["Kill"]
    assert instance.state == "stuck"
    step(instance, Input("exited", exit=Exit(signal=9)), turn)
    assert (instance.state, instance.reason) == ("stopped", "stopped by a person")
