"""What is watched, and since when."""

from __future__ import annotations

from random import Random

from snowfox.service.effects import Effect, Signal, StartWatch, StopWatch
from snowfox.service.health import rewatch
from snowfox.service.instance import Input, Instance, Turn
from snowfox.service.life import step
from snowfox.service.spec import Alive, Restart
from snowfox.testing.life import WEB, bring
from snowfox.values import Exit

WATCHED = WEB.replace(alive=Alive(tcp="127.0.0.1:1"))


def brought(state: str, service=WATCHED):
    """An instance in this state, and the turn that brought it there, without the effects of the way."""
    turn = Turn(100.0, Random(1))
    instance = Instance("web", service, 0.0)
    bring(instance, state, turn)
    watches = [one for one in turn.effects if isinstance(one, StartWatch | StopWatch)]
    turn.effects.clear()
    return instance, turn, watches


def kinds(effects: list[Effect]) -> list[str]:
    """Names of effects."""
    return [type(one).__name__ for one in effects]


def test_it_is_watched_from_ready_on_until_it_is_ended():
    """Not before it is ready, and no more once it is told to stop, killed or gone."""
    assert brought("starting")[2] == []
    assert brought("ready")[2] == [StartWatch("web", "web~1")]
    assert brought("stopping")[2] == []
    for told in (Input("stop"), Input("kill"), Input("exited", exit=Exit(1)), Input("unwell", text="x")):
        instance, turn, _ = brought("ready")
        step(instance, told, turn)
        assert turn.effects.count(StopWatch("web~1")) == 1


def test_a_service_that_does_not_say_how_is_not_watched():
    """Nothing is asked of it."""
    assert brought("ready", WEB)[2] == []


def test_what_is_unwell_is_ended_as_by_a_stop_and_tried_again():
    """Signal, then one policy: its delay, its count, and the reason that it was ended for."""
    instance, turn, _ = brought("ready", WATCHED.replace(restart=Restart(delay=3.0)))
    turn.now = 130.0
    step(instance, Input("unwell", text="not alive: refused", cause="probe"), turn)
    assert (instance.state, instance.reason) == ("failing", "not alive: refused")
    assert Signal("web", "web~1", 15) in turn.effects
    step(instance, Input("exited", exit=Exit(signal=15)), turn)
    assert instance.state == "backoff"
    assert instance.message(130.0) == "not alive: refused; next try in 3 s, 1 of 5"
    assert instance.verdict.history.failures == ()  # it had lived, as one that exits then


def test_unwell_early_in_life_is_a_failed_start():
    """As an exit is then."""
    instance, turn, _ = brought("ready")
    step(instance, Input("unwell", text="x", cause="probe"), turn)
    step(instance, Input("exited", exit=Exit(0)), turn)
    assert len(instance.verdict.history.failures) == 1


def test_what_never_restarts_fails():
    """`when = "never"` is kept to."""
    instance, turn, _ = brought("ready", WATCHED.replace(restart=Restart(when="never")))
    step(instance, Input("unwell", text="not alive", cause="probe"), turn)
    step(instance, Input("exited", exit=Exit(0)), turn)
    assert (instance.state, instance.reason) == ("failed", "not alive")


def test_what_is_taken_over_ready_is_watched():
    """By the manager that took it over."""
    turn = Turn(100.0, Random(1))
    instance = Instance("web", WATCHED, 0.0)
    step(instance, Input("adopt", token="web~1", pid=7, age=5.0, was_ready=True), turn)
    assert StartWatch("web", "web~1") in turn.effects
    assert instance.was_ready


def test_a_change_of_it_is_taken_over_at_once():
    """Another probe, another id: watched anew; nothing else touches it."""
    instance, turn, _ = brought("ready")
    rewatch(instance, WATCHED, "web", turn)
    assert turn.effects == []
    rewatch(instance, WATCHED.replace(alive=Alive(tcp="127.0.0.1:2")), "web", turn)
    assert kinds(turn.effects) == ["StopWatch", "StartWatch"]
    instance.id = "web@1"
    turn.effects.clear()
    rewatch(instance, WATCHED, "web", turn)
    assert turn.effects == [StopWatch("web~1"), StartWatch("web@1", "web~1")]
    instance.service = WEB
    turn.effects.clear()
    rewatch(instance, WATCHED, "web@1", turn)
    assert turn.effects == [StopWatch("web~1")]
