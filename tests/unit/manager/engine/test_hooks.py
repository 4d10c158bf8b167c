"""Hooks and the steps of a stop, from configuration to what is done."""

from __future__ import annotations

import pytest

from snowfox.service.effects import RunHook
from snowfox.service.event import HookEnded, KillAll, StopAll
from snowfox.service.hook import Hook, Step
from snowfox.service.spec import Ready, Restart, Service, Stop
from snowfox.testing.stage import Stage
from snowfox.values import Exit

HOOK = Hook(("./do", "it"), 5.0)


def service(name="web", **more):
    """A service."""
    return Service(name, ("x",), **more)


def test_a_launch_comes_after_what_comes_before_it():
    """No process while `before-start` runs; then one, and it is ready."""
    stage = Stage(service(before_start=HOOK))
    stage.slow_hooks = {"before-start"}
    stage.up()
    assert (stage.state("web"), stage.launches) == ("starting", [])
    assert stage.message("web") == "before-start runs"
    stage.advance(3)
    stage.end_hook("web")
    assert (stage.state("web"), stage.launches) == ("ready", ["web"])


def test_a_start_whose_preparation_fails_is_a_failed_start():
    """It is tried again as after an exit, up to the limit, and no process is made."""
    stage = Stage(service(before_start=HOOK, restart=Restart(limit=2)))
    stage.bad_hooks = {"before-start": "do: exit 1"}
    stage.up()
    assert stage.state("web") == "backoff"
    assert stage.message("web").startswith("before-start: do: exit 1; next try in")
    stage.advance(1)
    assert (stage.state("web"), stage.launches) == ("failed", [])
    assert stage.kinds("web").count("hook-failed") == 2


def test_a_stop_gives_up_what_comes_before_a_start():
    """Nothing is launched, it is stopped at once, and a late end of the hook changes nothing."""
    stage = Stage(service(before_start=HOOK))
    stage.slow_hooks = {"before-start"}
    stage.up()
    token = next(iter(stage.hooking))
    stage.ask("stop", "web")
    assert stage.state("web") == "stopped"
    stage.tell(HookEnded(token, "before-start"))
    assert (stage.state("web"), stage.launches) == ("stopped", [])


def test_what_waits_for_its_own_hook_says_so():
    """After an exit the next launch waits for `after-exit`: `status` tells why nothing starts."""
    stage = Stage(service(after_exit=HOOK))
    stage.slow_hooks = {"after-exit"}
    stage.up()
    stage.exit("web", Exit(1))
    stage.advance(1)
    assert (stage.state("web"), stage.message("web")) == ("waiting", "waits for its after-exit")


def test_after_ready_holds_nobody_up():
    """Who requires it starts at once; a failure of it is told and changes nothing."""
    stage = Stage(service("cache", after_ready=HOOK), service(requires=("cache",)))
    stage.bad_hooks = {"after-ready": "do: exit 3"}
    stage.up()
    assert (stage.state("cache"), stage.state("web")) == ("ready", "ready")
    assert stage.hooks == [("cache", "after-ready")]
    assert "hook-failed" in stage.kinds("cache")


def test_a_stop_waits_for_what_comes_before_it():
    """The signal comes after `before-stop`, whether that went well or not."""
    stage = Stage(service(before_stop=HOOK))
    stage.slow_hooks = {"before-stop"}
    stage.up()
    stage.ask("stop", "web")
    assert (stage.state("web"), stage.ends, stage.message("web")) == ("stopping", [], "before-stop runs")
    stage.end_hook("web", "do: exit 1")
    assert (stage.state("web"), stage.ends) == ("stopped", ["web"])


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("before-stop", {"before_stop": HOOK}),
        ("stop 1", {"stop": Stop(steps=(Step(None, ("drain",), 5.0),))}),
    ],
)
def test_a_command_of_a_stop_outlives_the_main_process(name, keys):
    """It has its time; what comes after the exit comes then, and the stop is over after that. No signal is sent."""
    stage = Stage(service(after_exit=HOOK, **keys))
    stage.slow_hooks = {name, "after-exit"}
    stage.up()
    operation = stage.ask("stop", "web")
    stage.exit("web", Exit(0))
    assert (stage.state("web"), stage.message("web")) == ("stopping", f"{name} runs")
    assert [one for _, one in stage.hooks] == [name]
    stage.advance(60.0)
    assert stage.state("web") == "stopping"
    stage.end_hook("web", "drain: exit 1")
    assert stage.message("web") == "after-exit runs"
    assert next(iter(stage.hooking.values())).environment == (("EXIT_CODE", "exited"), ("EXIT_STATUS", "0"))
    stage.end_hook("web")
    assert (stage.state("web"), stage.ends, stage.done[operation].code) == ("stopped", [], 0)


def test_a_command_of_a_stop_that_outlives_it_is_given_up_in_a_hurry():
    """A second Ctrl-C waits for nothing."""
    stage = Stage(service(before_stop=HOOK, after_exit=HOOK))
    stage.slow_hooks = {"before-stop"}
    stage.up()
    stage.ask("stop", "web")
    stage.exit("web", Exit(0))
    stage.tell(KillAll())
    assert (stage.state("web"), stage.hooking) == ("stopped", {})
    assert [name for _, name in stage.hooks] == ["before-stop"]


def test_a_stop_is_over_when_what_comes_after_the_exit_is():
    """And it is told how the process ended."""
    stage = Stage(service(after_exit=HOOK))
    stage.slow_hooks = {"after-exit"}
    stage.up()
    operation = stage.ask("stop", "web")
    assert stage.state("web") == "stopping"
    hook = next(iter(stage.hooking.values()))
    assert isinstance(hook, RunHook)
    assert hook.environment == (("EXIT_CODE", "killed"), ("EXIT_STATUS", "TERM"))
    stage.end_hook("web")
    assert stage.state("web") == "stopped"
    assert stage.done[operation].code == 0


def test_the_next_launch_waits_for_what_comes_after_an_exit():
    """Also where there is no delay."""
    stage = Stage(service(after_exit=HOOK, restart=Restart(delay=0.0)))
    stage.slow_hooks = {"after-exit"}
    stage.up()
    stage.advance(20)
    stage.exit("web", Exit(1))
    assert (stage.state("web"), len(stage.launches)) == ("waiting", 1)
    stage.end_hook("web")
    assert (stage.state("web"), len(stage.launches)) == ("ready", 2)


def test_a_node_that_goes_down_waits_for_hooks_and_does_not_when_it_is_to_end_at_once():
    """`down` once the last hook is over; a second Ctrl-C gives it up."""
    stage = Stage(service(after_exit=HOOK, restart=Restart(when="never")))
    stage.slow_hooks = {"after-exit"}
    stage.up()
    stage.exit("web", Exit(1))
    assert stage.state("web") == "failed"
    stage.tell(StopAll("down"))
    assert stage.phases[-1] == "stopping"
    stage.tell(KillAll())
    assert stage.phases[-1] == "down"
    assert stage.hooking == {}


def test_killed_at_once_means_no_more_commands():
    """Neither `before-stop` nor `after-exit`."""
    stage = Stage(service(before_stop=HOOK, after_exit=HOOK))
    stage.up()
    stage.tell(KillAll())
    assert (stage.hooks, stage.phases[-1]) == ([], "down")


def test_the_steps_of_a_stop_come_one_after_another():
    """A command, a signal, another, each with its time, then SIGKILL; `status` says where it is."""
    steps = (Step(None, ("./drain",), 5.0), Step(3, (), 30.0), Step(15, (), 2.0))
    stage = Stage(service(stop=Stop(steps=steps)))
    stage.stubborn = {"web"}
    stage.up()
    stage.ask("stop", "web")
    assert (stage.hooks, stage.ends) == ([("web", "stop 1")], [])
    assert stage.message("web") == "./drain was run, next step in 5 s"
    stage.advance(5)
    assert (stage.ends, stage.message("web")) == (["web"], "QUIT sent, next step in 30 s")
    stage.advance(30)
    assert (stage.ends, stage.message("web")) == (["web", "web"], "TERM sent, kill in 2 s")
    stage.advance(2)
    assert stage.state("web") == "stopped"
    assert stage.killed


def test_a_step_that_fails_waits_for_nothing():
    """The next comes at once."""
    stage = Stage(service(stop=Stop(steps=(Step(None, ("./drain",), 500.0), Step(3, (), 30.0)))))
    stage.bad_hooks = {"stop 1": "drain: exit 1"}
    stage.up()
    stage.ask("stop", "web")
    assert (stage.ends, stage.state("web")) == (["web"], "stopped")


@pytest.mark.parametrize("by", ["unready", "crash"])
def test_what_fails_goes_by_its_steps_but_without_before_stop(by):
    """It was not ready, or is gone: there is nobody to say goodbye to."""
    ready = Ready(notify=True, timeout=1.0) if by == "unready" else Ready()
    stage = Stage(service(ready=ready, before_stop=HOOK, stop=Stop(steps=(Step(3, (), 1.0),))))
    stage.up()
    if by == "crash":
        stage.exit("web", Exit(1))
    else:
        stage.advance(1)
        assert stage.ends == ["web"]
    assert stage.hooks == []
    assert stage.state("web") == "backoff"
