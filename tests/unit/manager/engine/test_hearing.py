"""What processes say, and what the engine makes of it."""

from __future__ import annotations

from snowfox.service.event import Ailing, Followed, Notified, Unwell
from snowfox.service.fact import ServiceFollowed
from snowfox.service.spec import Alive, Ready, Restart, Service, Stop
from snowfox.testing.stage import Stage
from snowfox.values import Exit

WEB = Service("web", ("x",), ready=Ready(notify=True, timeout=30.0), stop=Stop(15, 5.0), watchdog=10.0)


def ready(service: Service = WEB) -> Stage:
    """A node with it, ready."""
    stage = Stage(service)
    stage.up()
    stage.tell(Notified(stage.token("web")))
    assert stage.state("web") == "ready"
    return stage


def say(stage: Stage, **what) -> None:
    """Its process says this."""
    stage.tell(Notified(stage.token("web"), is_ready=False, **what))


def test_its_status_is_shown():
    """While it starts, while it is ready; the next launch begins without."""
    stage = Stage(WEB)
    stage.up()
    say(stage, status="loading 1 of 2")
    assert stage.message("web") == "loading 1 of 2"
    stage.tell(Notified(stage.token("web"), status="serving"))
    assert (stage.state("web"), stage.message("web")) == ("ready", "serving")
    stage.exit("web", Exit(1))
    stage.advance(0.2)
    assert stage.message("web").startswith("exit 1")


def test_reloading_lasts_until_it_is_ready_again():
    """It is ready all the while, for whoever waits for it."""
    stage = ready()
    say(stage, is_reloading=True, since=7)
    assert (stage.state("web"), stage.message("web")) == ("ready", "reloading")
    stage.tell(Notified(stage.token("web")))
    assert (stage.state("web"), stage.message("web")) == ("ready", "")


def test_an_errno_is_told_with_its_end():
    """What it said was wrong stands beside how it ended."""
    stage = ready()
    say(stage, error=13)
    stage.exit("web", Exit(1))
    assert "it said EACCES: permission denied" in stage.message("web")


def test_a_start_that_needs_longer_says_so():
    """Each time from then on; it never gets less than it had, and ends when it says nothing more."""
    stage = Stage(WEB)
    stage.up()
    stage.advance(29.0)
    say(stage, extend=20.0)
    stage.advance(19.0)
    assert stage.state("web") == "starting"
    say(stage, extend=1.5)
    stage.advance(1.55)
    assert stage.state("web") in {"failing", "backoff"}
    assert "not ready after 50 s" in stage.message("web")
    stage = Stage(WEB)
    stage.up()
    say(stage, extend=1.0)
    stage.advance(29.0)
    assert stage.state("web") == "starting"


def test_a_stop_that_needs_longer_says_so():
    """The kill comes later."""
    stage = ready()
    stage.stubborn.add("web")
    stage.ask("stop", "web")
    stage.killed.clear()
    stage.advance(4.0)
    say(stage, extend=60.0)
    stage.advance(59.0)
    assert stage.killed == []
    stage.advance(2.0)
    assert len(stage.killed) > 0


def test_what_stops_by_itself_is_not_asked_and_has_its_grace():
    """Its end is judged as any; one that does not end is ended, and why is told."""
    stage = ready()
    token = stage.token("web")
    assert token in stage.watched
    say(stage, is_stopping=True)
    assert stage.message("web") == "stopping by itself"
    assert stage.watched == {}
    stage.exit("web", Exit(0))
    assert stage.state("web") == "backoff"
    stage = ready()
    say(stage, is_stopping=True)
    stage.advance(5.1)
    assert stage.ends == ["web"]
    assert "it said that it stops, and went on for 5 s" in stage.message("web")
    assert "unwell" in stage.kinds("web")


def test_a_watchdog_ends_it_by_the_one_policy():
    """Ended by its stop, counted, tried again after the delay of its restart."""
    stage = ready(WEB.replace(restart=Restart(delay=2.0)))
    stage.tell(Unwell(stage.token("web"), "watchdog", "watchdog: nothing heard for 10 s"))
    assert stage.ends == ["web"]
    assert stage.state("web") == "backoff"
    assert stage.message("web") == "watchdog: nothing heard for 10 s; next try in 2 s, 2 of 5"
    assert stage.watched == {}
    stage.advance(2.1)
    assert stage.state("web") == "starting"


def test_what_does_not_answer_yet_says_so():
    """It is ready until it failed too often; an answer takes that back."""
    stage = ready(WEB.replace(alive=Alive(tcp="x:1")))
    stage.tell(Ailing(stage.token("web"), "refused, 1 of 3"))
    assert (stage.state("web"), stage.message("web")) == ("ready", "does not answer: refused, 1 of 3")
    stage.tell(Ailing(stage.token("web"), ""))
    assert stage.message("web") == ""


def test_of_two_processes_the_old_one_is_not_ended_for_its_health():
    """While another takes its place it goes as soon as it can, and what it says is of no launch but its own."""
    old = WEB.replace(replacement="rolling")
    stage = ready(old)
    stage.beside = 1
    first = stage.token("web")
    stage.apply(old.replace(command=("y",)))
    assert len(stage.tokens("web")) == 2
    stage.tell(Unwell(first, "watchdog", "silent"), Notified(first, is_ready=False, status="old"))
    assert stage.ends == []
    stage.tell(Notified(stage.tokens("web")[1]))
    assert stage.tokens("web") == [token for token in stage.tokens("web") if token != first]
    assert list(stage.watched) == stage.tokens("web")


def test_another_main_process():
    """Its pid is shown, and that it was named is told; one that is not followed changes nothing but that."""
    stage = ready()
    token = stage.token("web")
    stage.tell(Followed(token, 4711))
    assert stage.statuses["web"].pid == 4711
    stage.tell(Followed(token, 1, "cannot follow process 1"), Followed("web~0", 5))
    assert stage.statuses["web"].pid == 4711
    facts = [fact for _, fact in stage.facts if isinstance(fact, ServiceFollowed)]
    assert facts == [ServiceFollowed(4711, ""), ServiceFollowed(1, "cannot follow process 1")]
