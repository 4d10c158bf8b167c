"""Starting and stopping a node: order, gates, ends."""

from __future__ import annotations

from snowfox.service.event import KillAll, Notified, StopAll, TimerFired
from snowfox.service.spec import Ready, Service, Stop
from snowfox.testing.stage import Stage
from snowfox.values import Exit


def service(name, *requires, **more):
    """A service that requires these."""
    return Service(name, ("x",), requires=requires, **more)


def test_dependents_start_after_what_they_require_is_ready():
    """A service is launched once all that it requires is ready, and not before."""
    stage = Stage(service("web", "cache"), service("cache", ready=Ready(notify=True)))
    stage.up()
    assert stage.launches == ["cache"]
    assert stage.message("web") == "waits for cache"
    stage.tell(Notified(stage.token("cache")))
    assert stage.launches == ["cache", "web"]
    assert stage.light("web") == "green"


def test_independent_services_start_in_parallel():
    """What does not depend on one another is launched in one turn, before any answer."""
    stage = Stage(service("a"), service("b"), service("c"))
    stage.held = {"a", "b", "c"}
    stage.up()
    assert stage.launches == ["a", "b", "c"]
    assert stage.state("b") == "starting"


def test_a_required_task_must_finish_well():
    """A task that is required lets its dependents start when it has ended with 0; until then they wait."""
    stage = Stage(service("migrate", is_task=True), service("web", "migrate"))
    stage.up()
    assert stage.state("migrate") == "starting"
    assert stage.state("web") == "waiting"
    stage.exit("migrate", Exit(0))
    assert stage.state("migrate") == "finished"
    assert stage.light("migrate") == "green"
    assert stage.message("migrate") == "exit 0 after 0 s"
    assert stage.state("web") == "ready"


def test_dependents_of_a_failed_task_wait_and_say_so():
    """What requires a failed task never starts, is red, and names it; the operation ends with 1."""
    never = service("migrate").restart.replace(when="never")
    stage = Stage(service("migrate", is_task=True, restart=never), service("web", "migrate"))
    stage.up()
    stage.exit("migrate", Exit(1))
    assert stage.state("migrate") == "failed"
    assert stage.state("web") == "waiting"
    assert stage.light("web") == "red"
    assert stage.message("web") == "waits for migrate, which has failed"
    assert stage.done["up"].code == 1
    assert stage.done["up"].message == "2 of 2 did not get ready: migrate, web"
    assert stage.phases[-1] == "up"


def test_after_orders_without_requiring():
    """`after` waits while the other is on its way, and starts all the same when it failed."""
    stage = Stage(Service("web", ("x",), after=("metrics",)), service("metrics", ready=Ready(delay=5.0)))
    stage.up()
    assert stage.launches == ["metrics"]
    stage.exit("metrics", Exit(1))
    assert stage.launches == ["metrics", "web"]


def test_up_watches_the_first_second_of_what_is_ready_by_execution():
    """The operation ends one second after the launch of services without readiness; not before."""
    stage = Stage(service("web"))
    stage.up()
    stage.advance(0.9)
    assert stage.done == {}
    assert stage.phases == ["starting"]
    stage.advance(0.2)
    assert stage.done["up"].outcome == "done"
    assert stage.done["up"].message == "node test is up: 1 service, 1 instance"
    assert stage.phases == ["starting", "up"]


def test_a_crash_within_the_first_second_is_not_ready():
    """A program that ends at once makes `up` fail with its reason, after as many tries as the limit."""
    stage = Stage(service("web"))
    stage.short = {"web": Exit(1)}
    stage.up()
    stage.advance(20)
    assert stage.launches == ["web"] * 5
    assert stage.state("web") == "failed"
    done = stage.done["up"]
    assert (done.outcome, done.code) == ("failed", 1)
    assert done.message == "web did not get ready: exit 1 after 0 s; 5 failed starts within 1m"


def test_up_with_nothing_in_it_is_up():
    """A node without services ends its operation in the same turn."""
    stage = Stage()
    stage.up()
    assert stage.done["up"].message == "node test is up: 0 services, 0 instances"


def test_stop_all_stops_dependents_first():
    """Reverse order: who starts later is signalled earlier, and waits for its turn in `ready`."""
    stage = Stage(service("cache"), service("web", "cache"), Service("proxy", ("x",), after=("web",)))
    stage.up()
    stage.stubborn = {"proxy"}
    stage.tell(StopAll("down"))
    assert stage.ends == ["proxy"]
    assert stage.state("web") == "ready"
    assert stage.message("web") == "stops after proxy"
    stage.exit("proxy", Exit(0))
    assert stage.ends == ["proxy", "web", "cache"]
    assert not stage.running
    assert stage.done["down"].outcome == "done"
    assert stage.phases[-1] == "down"
    assert {status.state for status in stage.statuses.values()} == {"stopped"}


def test_stop_all_tells_of_what_runs():
    """A task that finished has a line in the progress of nothing: it did not stop."""
    stage = Stage(service("web"), Service("task", ("x",), is_task=True))
    stage.up()
    stage.exit("task", Exit(0))
    stage.tell(StopAll("down"))
    assert [step.instance for step in stage.steps if step.operation == "down"] == ["web"]


def test_a_service_that_ignores_the_signal_is_killed_after_its_grace():
    """TERM, then SIGKILL after `grace`; the end is not a failure."""
    stage = Stage(service("web", stop=Stop(15, 3.0)))
    stage.up()
    stage.stubborn = {"web"}
    stage.ask("stop", "web")
    token = stage.token("web")
    stage.advance(2.9)
    assert stage.killed == []
    assert stage.message("web") == "TERM sent, kill in 0.1 s"
    stage.advance(0.2)
    assert stage.killed[0] == token
    assert stage.state("web") == "stopped"
    assert "failed" not in stage.kinds("web")


def test_what_sigkill_does_not_end_is_stuck_and_holds_up_nobody():
    """Ten seconds after SIGKILL it is stuck; what it stood in the way of stops, and nothing starts into it."""
    stage = Stage(service("cache"), service("web", "cache"))
    stage.up()
    stage.advance(2)
    stage.stubborn, stage.immortal = {"web"}, {"web"}
    stage.tell(StopAll("down"))
    stage.advance(10 + 10.1)
    assert stage.state("web") == "stuck"
    assert stage.light("web") == "red"
    assert stage.state("cache") == "stopped"
    assert stage.done["down"].code == 1
    assert "SIGKILL did not end process" in stage.done["down"].message
    assert stage.phases[-1] == "down"


def test_a_stuck_one_is_started_only_once_it_is_gone():
    """`start` of a stuck instance fails; it is launched when the process has ended after all."""
    stage = Stage(service("web"))
    stage.up()
    stage.advance(2)
    stage.stubborn, stage.immortal = {"web"}, {"web"}
    stage.ask("stop", "web")
    stage.advance(30)
    operation = stage.ask("start", "web")
    assert stage.done[operation].code == 1
    assert stage.launches == ["web"]
    stage.exit("web", Exit(signal=9))
    assert stage.state("web") == "ready"


def test_a_stop_waits_for_a_launch_under_way():
    """An instance stopped before its launch was answered is signalled as soon as it runs."""
    stage = Stage(service("web"))
    stage.held = {"web"}
    stage.up()
    stage.tell(StopAll("down"))
    assert stage.state("web") == "stopping"
    assert stage.message("web") == "waits for its launch to end"
    assert stage.done == {}
    stage.answer("web")
    assert stage.ends == ["web"]
    assert stage.state("web") == "stopped"
    assert stage.done["down"].outcome == "done"
    assert stage.done["up"].outcome == "failed"


def test_leftovers_of_a_service_are_killed_at_its_end():
    """Each end kills what is left of the launch and lets it be forgotten, once."""
    stage = Stage(service("web"))
    stage.up()
    token = stage.token("web")
    stage.exit("web", Exit(0))
    assert stage.killed == [token]
    assert stage.forgotten == [token]


def test_kill_all_ends_everything_without_order():
    """A second Ctrl-C kills at once what an orderly stop is still waiting for."""
    stage = Stage(service("cache"), service("web", "cache"))
    stage.up()
    stage.stubborn = {"cache", "web"}
    stage.tell(StopAll("down"))
    stage.tell(KillAll())
    assert not stage.running
    assert stage.done["down"].outcome == "done"


def test_nothing_is_asked_of_a_node_that_stops():
    """A request while the node goes down is refused with a line and starts nothing."""
    stage = Stage(service("web"))
    stage.up()
    stage.stubborn = {"web"}
    stage.tell(StopAll("down"))
    operation = stage.ask("start", "web")
    assert stage.done[operation].message == "cannot start: the node is stopping"
    assert stage.launches == ["web"]


def test_a_thousand_instances_cost_what_they_change():
    """1,000 services, a chain of half of them: all come up and go down, with a few changes each."""
    chain = [service(f"c{n}", *([f"c{n - 1}"] if n else [])) for n in range(500)]
    wide = [service(f"w{n}", "c0") for n in range(500)]
    stage = Stage(*chain, *wide)
    stage.up()
    stage.advance(2)
    assert stage.done["up"].outcome == "done"
    assert stage.changes < 10_000
    before = stage.changes
    stage.exit("w7", Exit(1))
    assert stage.changes - before == 1
    stage.tell(StopAll("down"))
    assert not stage.running
    assert stage.ends.index("c499") < stage.ends.index("c1") < stage.ends.index("c0")


def test_a_timer_that_is_no_longer_set_changes_nothing():
    """A grace that fires late, after SIGKILL was sent, does not send it again."""
    stage = Stage(service("web"))
    stage.up()
    stage.stubborn, stage.immortal = {"web"}, {"web"}
    stage.ask("stop", "web")
    stage.advance(10.1)
    stage.tell(TimerFired("web", "grace-over"))
    assert len(stage.killed) == 1
