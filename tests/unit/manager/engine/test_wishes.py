"""What people ask: start, stop, restart, and what goes with it."""

from __future__ import annotations

from snowfox.service.spec import Ready, Restart, Service
from snowfox.testing.stage import Stage
from snowfox.values import Exit


def service(name, *requires, **more):
    """A service that requires these."""
    return Service(name, ("x",), requires=requires, **more)


def shop(**more):
    """A node with a cache, two web instances that require it, and another."""
    stage = Stage(service("cache"), service("web", "cache", instances=2), service("other"))
    stage.up(**more)
    stage.advance(2)
    return stage


def test_stop_takes_what_requires_it_along_first():
    """`stop cache`: both web instances are signalled before it; all is as wanted then, and it lasts."""
    stage = shop()
    operation = stage.ask("stop", "cache")
    assert stage.ends == ["web@1", "web@2", "cache"]
    assert {stage.light(name) for name in stage.statuses} == {"green"}
    assert stage.message("cache") == "stopped by a person"
    assert stage.message("web@1") == "stopped with cache, comes back with it"
    assert stage.wanted == {"cache": "stopped"}
    assert stage.joined == {operation: ("web@1", "web@2")}
    assert stage.done[operation].message == "3 instances stopped"
    assert stage.state("other") == "ready"


def test_start_brings_back_what_was_stopped_with_it():
    """`start cache`: web starts after it; the operation waits for all three."""
    stage = shop()
    stage.ask("stop", "cache")
    stage.launches.clear()
    operation = stage.ask("start", "cache")
    assert stage.launches == ["cache", "web@1", "web@2"]
    stage.advance(1.1)
    assert stage.done[operation].message == "3 instances ready"
    assert stage.wanted == {}


def test_start_starts_what_it_requires():
    """`start web@1` after both were stopped by people: the cache comes first; web@2 stays as it was asked."""
    stage = shop()
    stage.ask("stop", "web@1", "web@2")
    stage.ask("stop", "cache")
    stage.launches.clear()
    stage.ask("start", "web@1")
    assert stage.launches == ["cache", "web@1"]
    assert stage.state("web@2") == "stopped"
    assert stage.wanted == {"web@2": "stopped"}


def test_a_stop_lasts_over_a_restart_of_the_node():
    """What people stopped, and what requires it, is not started by the next `up`; `down` is no such stop."""
    stage = shop(wanted={"cache": "stopped"})
    assert stage.launches == ["other"]
    assert stage.message("web@2") == "stopped with cache, comes back with it"
    assert stage.done["up"].message == "node test is up: 1 service, 1 instance"
    assert stage.wanted == {}


def test_stopping_one_of_several_instances_leaves_dependents_alone():
    """Only when no instance of a required service is to run does what requires it stop."""
    stage = Stage(service("cache", instances=2), service("web", "cache"))
    stage.up()
    stage.ask("stop", "cache@1")
    assert stage.ends == ["cache@1"]
    stage.ask("stop", "cache@2")
    assert stage.ends == ["cache@1", "web", "cache@2"]


def test_restart_stops_dependents_first_and_brings_them_back():
    """`restart cache` is a stop and a start: web ends before it and starts after it is ready."""
    stage = shop()
    stage.launches.clear()
    operation = stage.ask("restart", "cache")
    assert stage.ends == ["web@2", "web@1", "cache"]
    assert stage.launches[0] == "cache"
    assert sorted(stage.launches) == ["cache", "web@1", "web@2"]
    stage.advance(1.1)
    assert stage.done[operation].message == "3 instances ready"
    assert stage.wanted == {}


def test_restart_of_a_dependent_leaves_what_it_requires():
    """`restart web@1` touches only that instance."""
    stage = shop()
    stage.launches.clear()
    stage.ask("restart", "web@1")
    assert (stage.ends, stage.launches) == (["web@1"], ["web@1"])


def test_restart_of_all_keeps_the_order():
    """All stop in reverse order, then all start in order."""
    stage = shop()
    stage.launches.clear()
    stage.stubborn = {"web@1"}
    stage.ask("restart", "cache", "web@1", "web@2", "other")
    assert "cache" not in stage.ends
    assert stage.state("web@2") == "waiting"
    stage.advance(10.1)
    assert stage.ends[-1] == "cache"
    assert stage.launches == ["other", "cache", "web@1", "web@2"]


def test_restart_of_what_is_stopped_starts_it():
    """Of a stopped, failed or finished instance a restart is a start."""
    stage = Stage(service("web"), service("job", is_task=True))
    stage.up()
    stage.exit("job", Exit(0))
    stage.ask("stop", "web")
    stage.launches.clear()
    stage.ask("restart", "web", "job")
    assert stage.launches == ["web", "job"]


def test_a_rerun_of_a_finished_task_stops_nobody():
    """What requires a finished task goes on while the task is run once more."""
    stage = Stage(service("migrate", is_task=True), service("web", "migrate"))
    stage.up()
    stage.exit("migrate", Exit(0))
    stage.ask("restart", "migrate")
    assert stage.ends == []
    assert stage.state("web") == "ready"


def test_start_of_what_is_ready_is_done_at_once():
    """Nothing is launched, the operation ends in the same turn."""
    stage = shop()
    operation = stage.ask("start", "other")
    assert stage.done[operation].outcome == "done"
    assert stage.launches.count("other") == 1


def test_start_takes_back_a_stop_that_did_not_begin():
    """While the cache waits for web to stop, a start keeps it running; the stop fails and says so."""
    stage = shop()
    stage.stubborn = {"web@1", "web@2"}
    stop = stage.ask("stop", "cache")
    assert stage.state("cache") == "ready"
    stage.ask("start", "cache")
    assert stop not in stage.done
    stage.advance(10.1)
    assert "cache" not in stage.ends
    assert stage.state("web@1") == "ready"
    assert stage.done[stop].code == 1


def test_stop_during_a_restart_wins():
    """An instance that was to come back stays stopped when somebody stops it meanwhile."""
    stage = shop()
    stage.stubborn = {"other"}
    restart = stage.ask("restart", "other")
    stage.ask("stop", "other")
    stage.advance(10.1)
    assert stage.state("other") == "stopped"
    assert stage.done[restart].code == 1


def test_stop_of_what_is_tried_again_ends_the_tries():
    """A stop in backoff takes effect at once and clears its timer."""
    stage = shop()
    stage.exit("other", Exit(1))
    stage.ask("stop", "other")
    assert stage.state("other") == "stopped"
    assert "other" not in stage.timers
    stage.advance(60)
    assert stage.launches.count("other") == 1


def test_a_crash_while_a_stop_waits_its_turn_is_the_end():
    """What dies by itself before its turn to stop comes is not started again."""
    stage = shop()
    stage.stubborn = {"web@1", "web@2"}
    stage.ask("stop", "cache")
    stage.exit("cache", Exit(1))
    assert stage.state("cache") == "stopped"


def test_start_gives_a_failed_requirement_another_chance():
    """`start web` launches the failed cache first."""
    stage = Stage(service("cache", ready=Ready(notify=True)), service("web", "cache"))
    stage.short = {"cache": Exit(1)}
    stage.up()
    stage.advance(60)
    assert stage.state("cache") == "failed"
    stage.short = {}
    stage.ask("start", "web")
    assert stage.state("cache") == "starting"
    assert stage.light("web") == "yellow"


def test_not_started_by_itself_unless_required():
    """`autostart = false` starts nothing, but what requires it does; a person's start lasts."""
    stage = Stage(service("debug", autostart=False), service("db", autostart=False), service("web", "db"))
    stage.up()
    assert stage.launches == ["db", "web"]
    assert stage.light("debug") == "green"
    assert stage.message("debug") == "autostart = false"
    stage.ask("start", "debug")
    assert stage.wanted == {"debug": "started"}


def test_unknown_instances_and_verbs_are_refused():
    """With a line and the exit code of the command."""
    stage = shop()
    operation = stage.ask("start", "nobody")
    assert (stage.done[operation].code, stage.done[operation].message) == (4, "there is no instance nobody")
    operation = stage.ask("dance", "web@1")
    assert stage.done[operation].code == 2


def test_steps_tell_each_instance_once_it_is_settled():
    """Progress: one step per instance with its state; a crash in the watched second adds another."""
    stage = Stage(service("a"), service("b"))
    stage.up()
    assert [(step.instance, step.state, step.is_well) for step in stage.steps] == [
        ("a", "ready", True),
        ("b", "ready", True),
    ]
    stage.short = {"b": Exit(3)}
    stage.exit("b", Exit(3))
    stage.advance(20)
    assert stage.steps[-1].instance == "b"
    assert stage.steps[-1].is_well is False


def test_a_restart_overtaken_by_a_crash_goes_on_at_once():
    """What fails for good before its turn to stop comes is started anew by the restart, not left failed."""
    stage = Stage(service("cache", restart=Restart(when="never")), service("web", "cache"))
    stage.up()
    stage.advance(2)
    stage.stubborn = {"web"}
    stage.ask("restart", "cache")
    stage.exit("cache", Exit(1))
    assert stage.state("cache") == "ready"
    stage.advance(10.1)
    assert stage.launches == ["cache", "web", "cache", "web"]


def test_start_of_one_instance_leaves_its_failed_sibling():
    """`start web@1` does not try web@2 again, which failed."""
    stage = Stage(service("web", instances=2, restart=Restart(when="never")))
    stage.up()
    stage.exit("web@1", Exit(1))
    stage.exit("web@2", Exit(1))
    stage.ask("start", "web@1")
    assert (stage.state("web@1"), stage.state("web@2")) == ("ready", "failed")


def test_start_brings_what_is_wanted_along():
    """It has its chance first; when it fails the other starts anyway, and the operation is about the other alone."""
    stage = Stage(
        Service("web", ("x",), wants=("mailer",), autostart=False),
        service("mailer", autostart=False, ready=Ready(notify=True), restart=Restart(when="never")),
    )
    stage.up()
    operation = stage.ask("start", "web")
    assert stage.launches == ["mailer"]
    assert stage.message("web") == "waits for mailer"
    stage.exit("mailer", Exit(1))
    assert stage.launches == ["mailer", "web"]
    stage.advance(1.1)
    assert stage.done[operation].message == "web is ready"
    assert stage.wanted == {"web": "started", "mailer": "started"}


def test_what_is_wanted_starts_with_the_node():
    """Also where it would not by itself; but not where a person stopped it."""
    services = (Service("web", ("x",), wants=("mailer",)), service("mailer", autostart=False))
    stage = Stage(*services)
    stage.up()
    assert stage.launches == ["mailer", "web"]
    stage = Stage(*services)
    stage.up(wanted={"mailer": "stopped"})
    assert stage.launches == ["web"]


def test_a_stop_by_a_person_goes_before_what_others_want():
    """`stop mailer`: web runs on; `start web` leaves mailer and what it needs stopped, until it is started itself."""
    stage = Stage(Service("web", ("x",), wants=("mailer",)), service("mailer", "smtp"), service("smtp"))
    stage.up()
    stage.ask("stop", "smtp")
    stage.ask("stop", "mailer")
    assert stage.state("web") == "ready"
    stage.ask("restart", "web")
    assert (stage.state("mailer"), stage.state("smtp")) == ("stopped", "stopped")
    stage.ask("start", "mailer")
    assert stage.state("mailer") == "ready"


def test_what_is_wanted_and_gave_up_is_tried_again():
    """A start of who wants it is a chance for it too."""
    stage = Stage(Service("web", ("x",), wants=("mailer",)), service("mailer", restart=Restart(when="never")))
    stage.up()
    stage.exit("mailer", Exit(1))
    assert stage.state("mailer") == "failed"
    stage.ask("restart", "web")
    assert (stage.state("mailer"), stage.state("web")) == ("ready", "ready")


def blue_and_green():
    """Two that conflict, one of them with a dependent, and one that requires the other."""
    stage = Stage(
        service("blue"),
        service("front", "blue"),
        Service("green", ("x",), conflicts=("blue",), autostart=False),
        service("back", "green", autostart=False),
    )
    stage.up()
    return stage


def test_who_is_started_stops_what_conflicts_with_it():
    """What requires that ends before it; both have ended before the other starts; it lasts."""
    stage = blue_and_green()
    stage.stubborn = {"blue"}
    operation = stage.ask("start", "green")
    assert stage.ends == ["front", "blue"]
    assert stage.message("green") == "waits for blue, which has to end first"
    assert "green" not in stage.launches
    stage.advance(10.1)
    assert stage.launches[-1] == "green"
    stage.advance(1.1)
    assert stage.done[operation].code == 0
    steps = [(step.instance, step.state, step.message) for step in stage.steps if step.operation == operation]
    assert steps == [
        ("front", "stopped", "stopped with blue, comes back with it"),
        ("blue", "stopped", "stopped for green"),
        ("green", "ready", ""),
    ]
    assert stage.done[operation].message == "green is ready"
    assert set(stage.joined[operation]) == {"blue", "front"}
    assert stage.message("blue") == "stopped for green"
    assert stage.message("front") == "stopped with blue, comes back with it"
    assert stage.wanted == {"blue": "stopped", "green": "started"}
    assert {stage.light(name) for name in stage.statuses} == {"green"}


def test_what_conflicts_and_does_not_end_is_no_step():
    """It is told once it is gone; the operation waits for what it wants ready, not for that."""
    stage = blue_and_green()
    stage.immortal = stage.stubborn = {"blue"}
    operation = stage.ask("start", "green")
    stage.advance(60.0)
    assert [step.instance for step in stage.steps if step.operation == operation] == ["front"]
    assert stage.state("blue") == "stuck"
    stage.exit("blue", Exit(signal=9))
    stage.advance(2.0)
    assert [step.instance for step in stage.steps if step.operation == operation] == [
        "front",
        "blue",
        "green",
    ]
    assert stage.done[operation].code == 0


def test_a_conflict_counts_for_what_is_needed_too():
    """`start back` needs green, which conflicts with blue; `start front` takes that back."""
    stage = blue_and_green()
    stage.ask("start", "back")
    assert {name for name in stage.statuses if stage.state(name) == "ready"} == {"green", "back"}
    stage.ask("start", "front")
    assert {name for name in stage.statuses if stage.state(name) == "ready"} == {"blue", "front"}
    assert stage.wanted == {"green": "stopped", "back": "started"}


def test_what_is_wanted_stops_nobody():
    """A wish gives way to what runs."""
    stage = Stage(
        service("blue"),
        Service("green", ("x",), conflicts=("blue",), autostart=False),
        Service("web", ("x",), wants=("green",), autostart=False),
    )
    stage.up()
    stage.ask("start", "web")
    assert {name for name in stage.statuses if stage.state(name) == "ready"} == {"blue", "web"}


def test_of_two_that_conflict_that_which_people_started_comes_back():
    """Also when the configuration starts the other; without a word of people the first of them."""
    services = (service("blue"), Service("green", ("x",), conflicts=("blue",)))
    stage = Stage(*services)
    stage.up(wanted={"green": "started"})
    assert stage.launches == ["green"]
    stage = Stage(*services)
    stage.up()
    assert stage.launches == ["blue"]


def test_a_new_conflict_leaves_what_ran():
    """Applied while only one of them runs, it stays."""
    stage = Stage(service("blue", autostart=False), service("green"))
    stage.up()
    stage.apply(service("blue"), Service("green", ("x",), conflicts=("blue",)))
    assert (stage.state("green"), stage.launches) == ("ready", ["green"])
