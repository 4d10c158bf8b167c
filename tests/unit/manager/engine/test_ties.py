"""`on-restart`: who follows what it requires through a crash."""

from __future__ import annotations

from snowfox.service.event import Notified
from snowfox.service.spec import Ready, Restart, Service
from snowfox.testing.stage import Stage
from snowfox.values import Exit

NOTIFY = Ready(notify=True)


def tied(name, *requires, **more):
    """A service that is restarted with what it requires."""
    return Service(name, ("x",), requires=requires, on_restart=dict.fromkeys(requires, "restart"), **more)


def shop(*more, **keys):
    """A cache that says when it is ready, and who is tied to it."""
    stage = Stage(Service("cache", ("x",), ready=NOTIFY, **keys), *(more or (tied("web", "cache"),)))
    stage.up()
    stage.tell(Notified(stage.token("cache")))
    stage.advance(20)
    stage.launches.clear()
    return stage


def back(stage):
    """The cache is tried again, and gets ready."""
    stage.advance(1)
    stage.tell(Notified(stage.token("cache")))


def test_it_follows_once_the_crashed_one_is_back():
    """Not at the crash, and not while the other starts: it serves until there is something to turn to."""
    stage = shop()
    stage.exit("cache", Exit(1))
    stage.advance(1)
    assert (stage.launches, stage.ends) == (["cache"], [])
    stage.tell(Notified(stage.token("cache")))
    assert (stage.launches, stage.ends) == (["cache", "web"], ["web"])
    fact = next(fact for _, fact in stage.facts if fact.kind == "service.follows")
    assert (fact.verb, fact.after) == ("restart", "cache")
    assert stage.statuses["web"].restarts == 0


def test_others_are_left_alone():
    """Who is not tied, and who was stopped by a person, notices nothing."""
    stage = shop(tied("web", "cache"), Service("api", ("x",), requires=("cache",)))
    stage.ask("stop", "web")
    stage.exit("cache", Exit(1))
    back(stage)
    assert stage.launches == ["cache"]
    assert (stage.state("web"), stage.state("api")) == ("stopped", "ready")


def test_it_goes_on_through_a_chain():
    """Who is tied to one that followed follows too, once that is ready; not before."""
    stage = shop(tied("web", "cache", ready=NOTIFY), tied("front", "web"))
    stage.tell(Notified(stage.token("web")))
    stage.advance(20)
    stage.launches.clear()
    stage.exit("cache", Exit(1))
    back(stage)
    assert stage.launches == ["cache", "web"]
    stage.tell(Notified(stage.token("web")))
    assert stage.launches == ["cache", "web", "front"]


def test_one_that_failed_for_good_and_is_started_is_followed():
    """It went on without; now it has something to turn to."""
    stage = shop(restart=Restart(limit=1))
    stage.exit("cache", Exit(1))
    back(stage)
    stage.ends.clear()
    stage.exit("cache", Exit(1))
    assert stage.state("cache") == "failed"
    assert stage.state("web") == "ready"
    stage.advance(1)
    stage.ask("start", "cache")
    stage.tell(Notified(stage.token("cache")))
    assert stage.ends == ["web"]


def test_a_restart_by_a_person_is_done_once():
    """It takes what requires it along anyway, and nothing is restarted a second time."""
    stage = shop()
    stage.ask("restart", "cache")
    stage.tell(Notified(stage.token("cache")))
    assert stage.ends == ["web", "cache"]
    assert stage.launches == ["cache", "web"]


def test_a_rolling_replacement_is_no_crash():
    """Neither when it succeeds nor when the new one dies: one served all the time."""
    cache = Service("cache", ("x",), ready=NOTIFY, replacement="rolling")
    stage = Stage(cache, tied("web", "cache"))
    stage.beside = 1
    stage.up()
    stage.tell(Notified(stage.token("cache")))
    stage.advance(20)
    stage.apply(cache.replace(command=("y",)), tied("web", "cache"))
    stage.exit_token(stage.tokens("cache")[1], Exit(1))
    stage.advance(1)
    stage.tell(Notified(stage.tokens("cache")[1]))
    stage.advance(2)
    assert "web" not in stage.ends
    assert stage.state("cache") == "ready"


def test_a_death_that_nobody_saw_counts():
    """The cache ended while there was no manager: who is tied to it follows."""
    stage = shop()
    before = stage.statuses
    found = tuple(stage.found(name, exit=Exit(1) if name == "cache" else None) for name in ("cache", "web"))
    later = Stage(
        Service("cache", ("x",), ready=NOTIFY),
        tied("web", "cache"),
        ids=(f"{n:026}" for n in range(500, 600)),
    )
    later.now = stage.now + 1
    later.up(found=found, remembered=before)
    back(later)
    assert later.launches == ["cache", "web"]
