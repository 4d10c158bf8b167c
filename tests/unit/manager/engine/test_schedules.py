"""Runs by a schedule, on the stage: due, overlapping, queued, replaced, by a person, over a restart of the manager."""

from __future__ import annotations

import pytest

from snowfox.manager.engine.schedules import MOST_QUEUED
from snowfox.service import event
from snowfox.service.fact import ServiceDue, ServiceSkipped
from snowfox.service.schedule import Schedule
from snowfox.service.spec import Ready, Restart, Service, Stop
from snowfox.testing.stage import Stage
from snowfox.values import Exit

EVERY = Schedule(every=60.0)


def job(overlap: str = "skip", **more: object) -> Service:
    """A task with a schedule."""
    fields = {"name": "job", "command": ("x",), "is_task": True, "restart": Restart(when="never"), **more}
    return Service(schedule=EVERY.replace(overlap=overlap), **fields)  # type: ignore[arg-type]


def up(*services: Service) -> Stage:
    """A node that came up; its schedules are heard of."""
    stage = Stage(*services)
    stage.up()
    for name in stage.schedules:
        stage.tell(event.Planned(name, stage.now + 240.0, "10:15"))
    return stage


def due(stage: Stage, planned: int = 1) -> None:
    """It is time."""
    stage.tell(event.Due("job", planned))


def test_it_waits_for_its_time() -> None:
    """The node is up without a run; the row says when it comes."""
    stage = up(job())
    assert stage.schedules == {"job": EVERY}
    assert stage.done["up"].outcome == "done"
    assert (stage.state("job"), stage.light("job"), stage.launches) == ("waiting", "green", [])
    assert stage.message("job") == "next run in 4 m, at 10:15"
    stage.advance(200.0)
    assert stage.message("job") == "next run in 40 s, at 10:15"


def test_a_run() -> None:
    """It runs once for each time that is due; between, it tells how the last one ended and when the next comes."""
    stage = up(job())
    due(stage)
    assert (stage.state("job"), stage.light("job")) == ("starting", "green")
    stage.exit("job", Exit(0))
    assert (stage.state("job"), stage.light("job")) == ("finished", "green")
    assert stage.message("job") == "next run in 4 m, at 10:15; exit 0 after 0 s"
    due(stage, 2)
    stage.exit("job", Exit(1))
    assert (stage.state("job"), stage.light("job")) == ("failed", "red")
    assert stage.message("job").endswith("at 10:15; exit 1 after 0 s")
    due(stage, 3)
    assert stage.state("job") == "starting"
    assert stage.launches == ["job"] * 3
    assert [fact.planned for _, fact in stage.facts if isinstance(fact, ServiceDue)] == [1, 2, 3]


def skipped(stage: Stage) -> list[tuple[int, str]]:
    """Times that did not run, and why."""
    return [(fact.planned, fact.reason) for _, fact in stage.facts if isinstance(fact, ServiceSkipped)]


def test_overlap_skip() -> None:
    """What is due while one runs does not run."""
    stage = up(job())
    due(stage, 1)
    due(stage, 2)
    assert skipped(stage) == [(2, "the one before is not over")]
    stage.exit("job", Exit(0))
    assert stage.launches == ["job"]


def test_overlap_queue() -> None:
    """Each runs, one after the other, whatever becomes of the one before."""
    stage = up(job("queue"))
    for planned in (1, 2, 3):
        due(stage, planned)
    assert len(stage.running) == 1
    assert stage.message("job") == "2 more by its schedule after it"
    stage.exit("job", Exit(1))
    stage.exit("job", Exit(0))
    assert stage.launches == ["job"] * 3
    stage.exit("job", Exit(0))
    assert (stage.state("job"), len(stage.launches)) == ("finished", 3)


def test_a_queue_has_an_end() -> None:
    """Beyond it runs are skipped."""
    stage = up(job("queue"))
    for planned in range(MOST_QUEUED + 2):
        due(stage, planned)
    assert skipped(stage) == [(MOST_QUEUED + 1, "100 wait already")]


def test_overlap_replace() -> None:
    """The one that runs is stopped in order, then the next begins."""
    stage = up(job("replace", stop=Stop(15, 5.0)))
    stage.stubborn.add("job")
    due(stage, 1)
    due(stage, 2)
    assert (stage.state("job"), stage.ends) == ("stopping", ["job"])
    due(stage, 3)
    stage.advance(5.0)
    assert (stage.state("job"), stage.launches) == ("starting", ["job"] * 2)
    stage.exit("job", Exit(0))
    assert stage.state("job") == "finished"


def test_a_run_that_is_tried_again() -> None:
    """Its tries are one run: what is due meanwhile overlaps with it; a replacement does not wait for the next try."""
    stage = up(job(restart=Restart(when="on-failure", delay=10.0)))
    due(stage, 1)
    stage.exit("job", Exit(1))
    assert stage.state("job") == "backoff"
    due(stage, 2)
    assert len(skipped(stage)) == 1
    stage.advance(10.0)
    stage.exit("job", Exit(0))
    assert (stage.state("job"), stage.launches) == ("finished", ["job"] * 2)
    stage = up(job("replace", restart=Restart(when="on-failure", delay=10.0)))
    due(stage, 1)
    stage.exit("job", Exit(1))
    due(stage, 2)
    assert stage.state("job") == "starting"


def test_what_is_stuck_is_not_joined_by_another() -> None:
    """No second one is started into it."""
    stage = up(job("replace"))
    stage.stubborn.add("job")
    stage.immortal.add("job")
    due(stage, 1)
    due(stage, 2)
    stage.advance(100.0)
    assert stage.state("job") == "stuck"
    due(stage, 3)
    assert skipped(stage) == [(3, "the one before cannot be ended")]
    assert stage.launches == ["job"]


def test_a_person_runs_it_now() -> None:
    """`start` is a run, and its end is that of the operation."""
    stage = up(job())
    operation = stage.ask("start", "job")
    assert operation not in stage.done
    stage.exit("job", Exit(0))
    assert (stage.done[operation].outcome, stage.done[operation].message) == ("done", "job is finished")
    operation = stage.ask("start", "job")
    stage.exit("job", Exit(3))
    assert stage.done[operation].outcome == "failed"


def test_a_person_stops_it_and_starts_it() -> None:
    """A stop ends the run and all that are due; it lasts. A start then goes back to the schedule, without a run."""
    stage = up(job("queue"))
    due(stage, 1)
    due(stage, 2)
    stage.ask("stop", "job")
    assert stage.state("job") == "stopped"
    due(stage, 3)
    assert (stage.state("job"), stage.launches) == ("stopped", ["job"])
    operation = stage.ask("start", "job")
    assert stage.done[operation].outcome == "done"
    assert (stage.state("job"), stage.launches) == ("waiting", ["job"])
    due(stage, 4)
    assert stage.state("job") == "starting"


def test_restart_by_a_person() -> None:
    """Runs it now, be there one that runs or not."""
    stage = up(job())
    stage.ask("restart", "job")
    stage.ask("restart", "job")
    assert (stage.launches, stage.ends) == (["job"] * 2, ["job"])
    stage.exit("job", Exit(0))
    assert stage.state("job") == "finished"


def test_it_waits_for_what_it_requires_when_it_is_due() -> None:
    """And not before."""
    cache = Service("cache", ("x",), ready=Ready(notify=True), restart=Restart(delay=10.0))
    stage = up(cache, job(requires=("cache",)))
    due(stage)
    assert (stage.state("job"), stage.light("job")) == ("waiting", "yellow")
    assert stage.message("job") == "waits for cache"
    stage.tell(event.Notified(stage.token("cache")))
    assert stage.state("job") == "starting"


def test_what_it_requires_is_stopped() -> None:
    """So is its run; afterwards it goes back to its schedule."""
    stage = up(Service("cache", ("x",)), job(requires=("cache",)))
    due(stage)
    stage.ask("stop", "cache")
    assert stage.state("job") == "stopped"
    stage.ask("start", "cache")
    assert (stage.state("job"), stage.launches.count("job")) == ("waiting", 1)


def test_who_comes_after_it_waits_for_a_run_under_way_only() -> None:
    """Between runs it holds up nobody."""
    after = Service("web", ("x",), after=("job",))
    stage = up(job(), after)
    assert stage.state("web") == "ready"
    due(stage)
    stage.ask("restart", "web")
    assert stage.state("web") == "waiting"
    stage.exit("job", Exit(0))
    assert stage.state("web") == "ready"


def test_several_instances_run_each() -> None:
    """One run of each of them."""
    stage = up(job(instances=2))
    due(stage)
    assert stage.launches == ["job@1", "job@2"]


def test_a_change_does_not_end_a_run() -> None:
    """It goes on as it was; the next one is as it is written now. Between runs a change does not run it."""
    stage = up(job())
    stage.apply(job(command=("y",)))
    assert (stage.arrived[-1].is_well, stage.launches) == (True, [])
    due(stage)
    (first,) = stage.running
    stage.apply(job(command=("z",)))
    assert (stage.arrived[-1].is_well, list(stage.running)) == (True, [first])
    stage.exit("job", Exit(0))
    assert stage.launches == ["job"]
    due(stage)
    assert stage.digests[stage.token("job")] != stage.digests[first]


def test_schedules_come_and_go() -> None:
    """Each change tells those in force; without one it runs as other tasks do, and is heard of no more."""
    stage = up(job())
    stage.apply(job().replace(schedule=Schedule()))
    assert (stage.schedules, stage.launches) == ({}, ["job"])
    due(stage)
    assert stage.launches == ["job"]
    stage.exit("job", Exit(0))
    stage.apply(job())
    assert (stage.schedules, stage.state("job")) == ({"job": EVERY}, "finished")


def test_the_node_goes_down() -> None:
    """A run is stopped with it, and none begins."""
    stage = up(job("queue"))
    due(stage)
    due(stage)
    stage.tell(event.StopAll("down"))
    due(stage)
    assert (stage.running, stage.launches, stage.phases[-1]) == ({}, ["job"], "down")


@pytest.mark.parametrize("overlap", ["skip", "queue"])
def test_another_manager_goes_on(overlap: str) -> None:
    """A run under way is taken over with what waits behind it; how the last one ended is known, without times of then."""
    before = up(job(overlap))
    due(before)
    due(before)
    (token,) = before.running
    after = Stage(job(overlap), ids=(f"{number:026}" for number in range(50, 99)))
    found = event.Found(token, 101, 101, 5.0)
    after.up(found=(found,), remembered=before.statuses)
    assert after.state("job") == "starting"
    due(after)
    after.exit("job", Exit(0))
    assert len(after.launches) == (0 if overlap == "skip" else 1)
    last = up(job())
    due(last)
    last.exit("job", Exit(0))
    again = Stage(job())
    again.up(remembered=last.statuses)
    assert (again.state("job"), again.message("job")) == ("finished", "exit 0 after 0 s")


def test_an_end_that_the_manager_before_did_not_see() -> None:
    """Is that of its run: the next one that waits begins."""
    before = up(job("queue"))
    due(before)
    due(before)
    (token,) = before.running
    after = Stage(job("queue"), ids=(f"{number:026}" for number in range(50, 99)))
    after.up(found=(event.Found(token, 101, 101, 5.0, Exit(0)),), remembered=before.statuses)
    assert (after.state("job"), after.launches) == ("starting", ["job"])


def test_missed() -> None:
    """It is told of one that is to run; nothing else happens."""
    stage = up(job())
    stage.tell(event.Missed("job", 7))
    assert skipped(stage) == [(7, "nobody was there to run it")]
    stage.ask("stop", "job")
    stage.tell(event.Missed("job", 8), event.Missed("other", 8), event.Planned("job", None))
    assert len(skipped(stage)) == 1


def test_no_time_will_come() -> None:
    """The row says so."""
    stage = up(job())
    stage.tell(event.Planned("job", None))
    assert stage.message("job") == "its schedule names no time that will come"


def test_autostart_false() -> None:
    """Waits for a person, as others."""
    stage = up(job(autostart=False))
    due(stage)
    assert (stage.state("job"), stage.launches) == ("stopped", [])
