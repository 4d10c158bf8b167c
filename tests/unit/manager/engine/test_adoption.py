"""A manager begins where an earlier one left off."""

from __future__ import annotations

from snowfox.service.event import Found, ProbeAnswered, StopAll
from snowfox.service.spec import Ready, Restart, Service
from snowfox.testing.stage import Stage
from snowfox.values import Exit

TOKEN = f"web~{'A':026}"
LATER = f"web~{'B':026}"


def service(name="web", *requires, **more):
    """A service that requires these."""
    return Service(name, ("x",), requires=requires, **more)


def left_by(*services, act=None):
    """The statuses and processes that a manager leaves when it is killed."""
    stage = Stage(*services)
    stage.up()
    stage.advance(5)
    if act:
        act(stage)
    return stage


def again(before, *services, unseen=(), exits=None):
    """Begin anew with what is left: all processes but those that ended unseen or with a known exit."""
    exits = exits or {}
    found = tuple(
        Found(token, 100, 100, 5.0, exits.get(name))
        for token, name in before.running.items()
        if name not in unseen
    )
    stage = Stage(*services, ids=(f"Z{number:025}" for number in range(1000)))
    stage.now = before.now + 1
    stage.up(found=found, remembered=before.statuses)
    return stage


def test_what_runs_is_taken_over():
    """Same tokens, nothing launched, ready as before with its time, and the node is up at once."""
    services = (service("cache", ready=Ready(tcp="x:1")), service("web", "cache"))
    before = left_by(*services, act=lambda stage: stage.tell(ProbeAnswered(stage.token("cache"))))
    stage = again(before, *services)
    assert stage.launches == []
    assert (stage.state("cache"), stage.state("web")) == ("ready", "ready")
    assert stage.statuses["web"].since == before.statuses["web"].since
    assert stage.kinds("web") == ["adopted"]
    assert stage.done["up"].outcome == "done"


def test_what_was_not_ready_yet_is_probed_anew():
    """A service found while it was starting is watched until it is ready."""
    services = (service(ready=Ready(tcp="x:1")),)
    stage = again(left_by(*services), *services)
    assert stage.state("web") == "starting"
    assert stage.probes == {"web": stage.token("web")}
    stage.tell(ProbeAnswered(stage.token("web")))
    assert stage.state("web") == "ready"


def test_an_unknown_service_is_stopped_and_gone():
    """A process of no service of the configuration is stopped, then removed from everywhere."""
    before = left_by(service("web"), service("old"))
    stage = again(before, service("web"))
    assert stage.ends == ["old"]
    assert "old" not in stage.statuses
    assert stage.forgotten
    assert stage.state("web") == "ready"


def test_an_unknown_service_that_is_slow_is_part_of_going_down():
    """While it is being stopped, an orderly stop waits for it too, and ends."""
    before = left_by(service("old"))
    stage = Stage()
    stage.stubborn = {"old"}
    stage.up(found=(Found(before.token("old"), 1, 1, 5.0),))
    stage.tell(StopAll("down"))
    assert stage.phases[-1] == "stopping"
    stage.advance(10.1)
    assert stage.done["down"].outcome == "done"
    assert stage.phases[-1] == "down"


def test_an_end_while_away_counts_with_its_exit():
    """A known exit follows the policy as if it had been seen."""
    services = (service(restart=Restart(when="on-failure")),)
    before = left_by(*services)
    stage = again(before, *services, exits={"web": Exit(0)})
    assert stage.state("web") == "finished"
    stage = again(before, *services, exits={"web": Exit(3)})
    assert stage.state("web") == "backoff"
    assert stage.message("web").startswith("exit 3 after 5 s")
    stage.advance(1)
    assert stage.launches == ["web"]


def test_an_end_that_nobody_saw_is_unknown_and_a_failure():
    """Exit `unknown`, never 0: restarted where a failure is, failed where nothing is tried again."""
    for when, state in (("always", "backoff"), ("on-failure", "backoff"), ("never", "failed")):
        services = (service(restart=Restart(when=when)),)
        stage = again(left_by(*services), *services, unseen=("web",))
        assert stage.state("web") == state
        assert stage.message("web").startswith("exit unknown: nobody saw it end")
        fact = next(fact for _, fact in stage.facts if fact.kind == "service.exited")
        assert (fact.code, fact.signal) == (None, None)


def test_a_task_that_ended_unseen_has_failed():
    """Never finished well."""
    services = (service(is_task=True, restart=Restart(when="never")),)
    stage = again(left_by(*services), *services, unseen=("web",))
    assert stage.state("web") == "failed"


def test_a_finished_task_is_not_run_again_by_a_new_manager():
    """It stays finished, and what requires it starts."""
    services = (service("migrate", is_task=True), service("web", "migrate"))
    before = left_by(*services, act=lambda stage: stage.exit("migrate", Exit(0)))
    stage = again(before, *services, unseen=("web",))
    assert stage.state("migrate") == "finished"
    assert stage.message("migrate") == "exit 0 after 5 s"
    stage.advance(1)
    assert stage.launches == ["web"]


def test_a_finished_task_runs_again_after_an_orderly_stop():
    """What a `down` leaves in the store is `stopped`, so the next `up` runs it."""
    services = (service(is_task=True),)

    def down(stage):
        stage.exit("web", Exit(0))
        stage.tell(StopAll("down"))

    before = left_by(*services, act=down)
    assert before.state("web") == "stopped"
    assert again(before, *services).launches == ["web"]


def test_a_failure_stays_until_somebody_starts_it():
    """A new manager does not try again what had failed for good."""
    services = (service(),)

    def fail(stage):
        stage.short = {"web": Exit(1)}
        stage.exit("web", Exit(1))
        stage.advance(60)

    stage = again(left_by(*services, act=fail), *services)
    assert stage.state("web") == "failed"
    assert "5 failed starts" in stage.message("web")
    assert stage.done["up"].code == 1


def test_a_stop_under_way_goes_on():
    """What was being stopped for a person is signalled again and ends; what was to come back does."""
    services = (service(),)

    def stop(stage):
        stage.stubborn = {"web"}
        stage.ask("stop", "web")

    before = left_by(*services, act=stop)
    stage = Stage(*services)
    stage.up(
        found=(Found(before.token("web"), 1, 1, 5.0),),
        remembered=before.statuses,
        wanted=before.wanted,
    )
    assert stage.ends == ["web"]
    assert stage.state("web") == "stopped"
    assert stage.message("web") == "stopped by a person"
    stage = again(before, *services)
    assert stage.launches == ["web"]


def test_a_launch_of_which_nobody_heard_is_made_anew():
    """Remembered as starting without a pid and not found: it never ran."""
    services = (service(),)
    before = Stage(*services)
    before.held = {"web"}
    before.up()
    stage = again(before, *services)
    assert stage.launches == ["web"]
    assert "exited" not in stage.kinds("web")


def test_a_second_launch_of_an_instance_is_cleared_away():
    """Only the newest of several that run is taken over; the others are killed."""
    stage = Stage(service())
    stage.up(found=(Found(LATER, 2, 2, 1.0), Found(TOKEN, 1, 1, 9.0)))
    assert stage.killed == [TOKEN]
    assert stage.statuses["web"].token == LATER


def test_an_end_that_was_taken_note_of_is_not_counted_again():
    """The store has the end, the spawner was not told: it is only told."""
    services = (service(is_task=True),)
    before = left_by(*services, act=lambda stage: stage.exit("web", Exit(0)))
    stage = Stage(*services)
    stage.up(
        found=(Found(before.statuses["web"].last, 1, 1, 5.0, Exit(0)),),
        remembered=before.statuses,
    )
    assert stage.state("web") == "finished"
    assert "exited" not in stage.kinds("web")
    assert stage.forgotten == [before.statuses["web"].last]


def test_a_new_launch_that_ended_before_it_was_stored_counts():
    """The store knows an earlier launch only: the end of the later one is handled."""
    services = (service(is_task=True, restart=Restart(when="never")),)
    before = left_by(*services, act=lambda stage: stage.exit("web", Exit(0)))
    stage = Stage(*services)
    stage.up(found=(Found(LATER, 1, 1, 5.0, Exit(4)),), remembered=before.statuses)
    assert stage.state("web") == "failed"
    assert stage.message("web") == "exit 4 after 5 s"


def test_the_end_of_an_earlier_launch_is_not_that_of_the_last():
    """The spawner still knows an older end; the last launch is not found: its exit is unknown, not that one."""
    services = (service(is_task=True, restart=Restart(when="never")),)
    before = Stage(*services, ids=("B" * 26,))
    before.up()
    stage = Stage(*services)
    stage.up(found=(Found(f"web~{'A' * 26}", 1, 1, 5.0, Exit(0)),), remembered=before.statuses)
    assert stage.state("web") == "failed"
    assert stage.message("web").startswith("exit unknown")
    assert f"web~{'A' * 26}" in stage.forgotten
