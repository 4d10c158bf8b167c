"""What follows a death: tries, delays, limits, and what people see of it."""

from __future__ import annotations

from snowfox.service.event import (
    Ended,
    Launched,
    LaunchRefused,
    Notified,
    ProbeAnswered,
    ProbeFailed,
    Signalled,
)
from snowfox.service.spec import Ready, Restart, Service
from snowfox.testing.stage import Stage
from snowfox.values import Exit


def service(name="web", **more):
    """A service."""
    return Service(name, ("x",), **more)


def test_a_killed_service_comes_back_and_says_why():
    """It restarts after 100 ms, counts, and shows how it died and how long ago."""
    stage = Stage(service())
    stage.up()
    stage.advance(20)
    stage.exit("web", Exit(signal=9))
    assert stage.state("web") == "backoff"
    assert stage.light("web") == "yellow"
    assert stage.message("web") == "killed by signal 9 (KILL), not by us; next try in 0.1 s, 1 of 5"
    stage.advance(0.1)
    assert stage.state("web") == "ready"
    stage.advance(13)
    assert stage.message("web") == "killed by signal 9 (KILL), not by us, 13 s ago"
    assert stage.statuses["web"].restarts == 1


def test_without_delay_it_is_launched_in_the_same_turn():
    """`delay = "0s"`: the effects of the end hold the next launch, after the leftovers are killed."""
    stage = Stage(service(restart=Restart(delay=0.0)))
    stage.up()
    stage.advance(5)
    old = stage.token("web")
    effects = stage.engine.handle(Ended(old, Exit(signal=9)), stage.now)
    kinds = [type(effect).__name__ for effect in effects]
    assert kinds.index("Kill") < kinds.index("Launch")
    assert "SetTimer" not in kinds


def test_delays_double_and_start_over_after_a_healthy_life():
    """100 ms, 200 ms, then with jitter; after 10 s of life 100 ms again."""
    stage = Stage(service(restart=Restart(limit=100)))
    stage.up()
    for low, high in ((0.1, 0.1), (0.2, 0.2), (0.2, 0.4), (0.4, 0.8)):
        stage.exit("web", Exit(1))
        delay = stage.timers["web"][0] - stage.now
        assert low <= round(delay, 9) <= high
        stage.advance(delay)
    stage.advance(10)
    stage.exit("web", Exit(1))
    assert round(stage.timers["web"][0] - stage.now, 9) == 0.1


def test_ends_after_the_first_second_do_not_use_up_the_limit():
    """Somebody who kills it each two seconds does not make it fail for good."""
    stage = Stage(service(restart=Restart(delay=0.0)))
    stage.up()
    for _ in range(20):
        stage.advance(2)
        stage.exit("web", Exit(signal=9))
    assert stage.state("web") == "ready"


def test_start_clears_a_failure():
    """`start` of what failed for good launches it anew with a fresh count."""
    stage = Stage(service())
    stage.short = {"web": Exit(1)}
    stage.up()
    stage.advance(20)
    assert stage.state("web") == "failed"
    stage.short = {}
    operation = stage.ask("start", "web")
    stage.advance(1.1)
    assert stage.done[operation].message == "web is ready"
    assert stage.message("web") == ""
    assert stage.statuses["web"].restarts == 0


def test_a_service_that_ends_well_finishes_unless_always():
    """`on-failure` and `never` leave a good end alone; `always` starts again."""
    for when, state in (("on-failure", "finished"), ("never", "finished"), ("always", "backoff")):
        stage = Stage(service(restart=Restart(when=when)))
        stage.up()
        stage.advance(5)
        stage.exit("web", Exit(0))
        assert stage.state("web") == state


def test_a_final_code_is_not_tried_again():
    """`final = [78]`: failed at once, with the reason."""
    stage = Stage(service(restart=Restart(final=(78,))))
    stage.up()
    stage.exit("web", Exit(78))
    assert stage.state("web") == "failed"
    assert stage.message("web") == "exit 78 after 0 s; exit 78 is final"


def test_a_launch_that_fails_counts_and_names_its_step():
    """A refused launch is a failed start with the spawner's words; five of them are final."""
    stage = Stage(service())
    stage.refusals = {"web": ("cannot launch web: no such file", "is it installed?", False)}
    stage.up()
    assert stage.message("web").startswith(
        "cannot launch web: no such file; is it installed?; next try in 0.1 s, 2"
    )
    stage.advance(20)
    assert stage.state("web") == "failed"
    assert len(stage.launches) == 5


def test_a_host_without_room_is_not_the_service_s_fault():
    """A temporary refusal is tried for ever, with growing delay, whatever the policy, and never at once."""
    stage = Stage(service(restart=Restart(when="never", delay=0.0, limit=2)))
    stage.refusals = {"web": ("cannot launch web: no processes", "", True)}
    stage.up()
    stage.advance(600)
    assert stage.state("web") == "backoff"
    assert 10 < len(stage.launches) < 50
    stage.refusals = {}
    stage.advance(31)
    assert stage.state("web") == "ready"


def test_readiness_by_notification():
    """Only the first valid notification counts, and only where the service says so."""
    stage = Stage(service(ready=Ready(notify=True)), service("other", ready=Ready(tcp="127.0.0.1:1")))
    stage.up()
    stage.tell(Notified(stage.token("other")), Notified("web~unknown"), ProbeAnswered(stage.token("web")))
    assert (stage.state("web"), stage.state("other")) == ("starting", "starting")
    stage.tell(Notified(stage.token("web")))
    stage.tell(Notified(stage.token("web")))
    assert stage.state("web") == "ready"
    assert stage.kinds("web").count("ready") == 1
    assert "web" not in stage.timers


def test_a_notification_may_overtake_the_answer_to_the_launch():
    """A program that notifies before the spawner's answer arrives is ready with that answer."""
    stage = Stage(service(ready=Ready(notify=True)))
    stage.held = {"web"}
    stage.up()
    stage.tell(Notified(f"web~{1:026}"))
    assert stage.state("web") == "starting"
    stage.answer("web")
    assert stage.state("web") == "ready"


def test_readiness_by_probe_shows_what_it_waits_for():
    """The probe's word is the message until it answers; then the probe is not stopped again."""
    stage = Stage(service(ready=Ready(tcp="127.0.0.1:1")))
    stage.up()
    assert stage.probes == {"web": stage.token("web")}
    stage.tell(ProbeFailed(stage.token("web"), "connection refused"))
    stage.tell(ProbeFailed(stage.token("web"), "connection refused"))
    assert stage.message("web") == "not ready yet: connection refused"
    assert stage.kinds("web").count("probe-failed") == 1
    stage.tell(ProbeAnswered(stage.token("web")))
    assert stage.state("web") == "ready"


def test_readiness_by_delay():
    """It is ready once it has lived that long."""
    stage = Stage(service(ready=Ready(delay=3.0)))
    stage.up()
    stage.advance(2.9)
    assert stage.state("web") == "starting"
    stage.advance(0.2)
    assert stage.state("web") == "ready"
    assert stage.done["up"].outcome == "done"


def test_a_start_that_takes_too_long_is_ended_and_is_a_failure():
    """After `ready.timeout` it is signalled, shown as failing, and follows the policy with that reason."""
    stage = Stage(service(ready=Ready(tcp="127.0.0.1:1", timeout=5.0)))
    stage.up()
    stage.stubborn = {"web"}
    stage.tell(ProbeFailed(stage.token("web"), "connection refused"))
    stage.advance(5)
    assert stage.ends == ["web"]
    assert stage.state("web") == "failing"
    assert stage.light("web") == "red"
    assert stage.probes == {}
    assert stage.done["up"].message == "web did not get ready: not ready after 5 s: connection refused"
    stage.exit("web", Exit(0))
    assert stage.message("web").startswith(
        "not ready after 5 s: connection refused; next try in 0.1 s, 2 of 5"
    )
    stage.advance(0.1)
    assert stage.state("web") == "starting"


def test_an_operation_gives_each_start_its_timeout_and_no_more():
    """A service that crashes slowly for ever has its chance of `ready.timeout`; then the command ends."""
    stage = Stage(service(restart=Restart(limit=100), ready=Ready(notify=True, timeout=30.0)))
    stage.short = {"web": Exit(1)}
    stage.up()
    stage.advance(29)
    assert stage.done == {}
    stage.advance(2)
    assert stage.done["up"].code == 1
    assert "next try in" in stage.done["up"].message
    assert stage.state("web") == "backoff"


def test_an_end_may_overtake_the_answer_to_its_launch():
    """An end before the launch's answer counts; the answer that comes after it kills what it names."""
    stage = Stage(service())
    stage.held = {"web"}
    stage.up()
    token = f"web~{1:026}"
    stage.tell(Ended(token, Exit(1)))
    assert stage.state("web") == "backoff"
    stage.tell(Launched("web", token, 7, 7))
    assert stage.state("web") == "backoff"
    assert stage.killed[-1] == token


def test_an_answer_of_an_earlier_launch_changes_nothing():
    """A refusal, an end or a notification with another token is ignored; such an end may be forgotten."""
    stage = Stage(service(ready=Ready(notify=True)))
    stage.up()
    before = stage.statuses["web"]
    stage.tell(LaunchRefused("web", "web~old", "no"), Ended("web~old", Exit(1)), Notified("web~old"))
    assert stage.statuses["web"] == before
    assert stage.forgotten == ["web~old"]


def test_dependents_go_on_without_what_failed_and_say_so():
    """A crash of what is required changes nothing of who requires it; when it failed for good, they say it."""
    stage = Stage(service("cache"), Service("web", ("x",), requires=("cache",)))
    stage.up()
    stage.advance(2)
    pid = stage.statuses["web"].pid
    stage.short = {"cache": Exit(1)}
    stage.exit("cache", Exit(1))
    stage.advance(20)
    assert stage.state("cache") == "failed"
    assert (stage.state("web"), stage.statuses["web"].pid, stage.light("web")) == ("ready", pid, "green")
    assert stage.statuses["web"].message == "goes on without cache, which has failed"


def test_a_restart_waits_for_what_it_requires():
    """A dependent that crashes while what it requires is away starts when that is back."""
    stage = Stage(service("cache"), Service("web", ("x",), requires=("cache",)))
    stage.up()
    stage.advance(15)
    stage.refusals = {"cache": ("no", "", True)}
    stage.exit("cache", Exit(1))
    stage.exit("web", Exit(1))
    stage.advance(0.15)
    assert stage.state("web") == "waiting"
    stage.refusals = {}
    stage.advance(60)
    assert (stage.state("cache"), stage.state("web")) == ("ready", "ready")


def test_a_signal_that_a_person_had_us_send():
    """Its end by that signal is theirs; an end by another, or of the launch after it, is not."""
    stage = Stage(service())
    stage.up()
    stage.advance(2)
    stage.tell(Signalled(stage.token("web"), 9, "anna"))
    stage.exit("web", Exit(signal=9))
    assert stage.message("web").startswith("killed by signal 9 (KILL), sent by anna; next try")
    stage.advance(2)
    stage.exit("web", Exit(signal=9))
    assert stage.message("web").startswith("killed by signal 9 (KILL), not by us")
    stage.advance(2)
    stage.tell(Signalled(stage.token("web"), 1, "anna"), Signalled("web~gone", 9, "anna"))
    stage.exit("web", Exit(signal=9))
    assert stage.message("web").startswith("killed by signal 9 (KILL), not by us")
    assert stage.kinds("web").count("signalled") == 2


def test_an_essential_service_that_fails_for_good_ends_the_node():
    """Once it is failed, not while it is tried again; with its exit."""
    stage = Stage(service(essential=True, restart=Restart(limit=2)))
    stage.short = {"web": Exit(7)}
    stage.up()
    assert stage.lost == []
    stage.advance(20)
    assert stage.state("web") == "failed"
    assert stage.lost[-1].exit == Exit(7)


def test_growth_jitter_and_reset_are_what_the_service_says():
    """1 s, 3 s, 9 s without chance; after its `reset` of life 1 s again."""
    policy = Restart(delay=1.0, growth=3.0, jitter=0.0, reset=5.0, limit=100, max_delay=100.0)
    stage = Stage(service(restart=policy))
    stage.up()
    for delay in (1.0, 3.0, 9.0):
        stage.exit("web", Exit(1))
        assert round(stage.timers["web"][0] - stage.now, 9) == delay
        stage.advance(delay)
    stage.advance(5)
    stage.exit("web", Exit(1))
    assert round(stage.timers["web"][0] - stage.now, 9) == 1.0
