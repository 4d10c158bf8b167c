"""Services that start on demand: who sleeps, who is called, what is watched meanwhile."""

from __future__ import annotations

from snowfox.service import event
from snowfox.service.effects import Demand
from snowfox.service.spec import Ready, Restart, Service, Socket
from snowfox.testing.stage import Stage
from snowfox.values import Exit

NOTIFY = Ready(notify=True)
FRONT = {"front": Socket("front", ("127.0.0.1:80", "udp:127.0.0.1:53"))}
KEYS = ("front=127.0.0.1:80", "front=udp:127.0.0.1:53")


def web(command="x", **more):
    """A service of a socket that starts on demand and stops after a minute."""
    more = {"idle": 60.0, "ready": NOTIFY, "replacement": "rolling", "is_on_demand": True, **more}
    return Service("web", (command,), sockets=("front",), owner=1, **more)


def up(*services):
    """A node with these."""
    stage = Stage(*services, sockets=FRONT)
    stage.up()
    return stage


def ready(stage, instance="web"):
    """Its newest process says so."""
    stage.tell(event.Notified(stage.tokens(instance)[-1]))


def called(*services):
    """A node with these, `web` of it called and ready for long."""
    stage = up(*services)
    stage.tell(event.Wanted("web"))
    for instance in services[0].ids():
        ready(stage, instance)
    stage.advance(20)
    return stage


def test_it_sleeps_until_something_comes():
    """As wanted without a process; the first connection or datagram starts it, and is awaited no more."""
    stage = up(web())
    assert (stage.state("web"), stage.light("web"), stage.running) == ("waiting", "green", {})
    assert stage.message("web") == "starts when something comes for front"
    assert stage.done["up"].code == 0
    assert stage.demands == {"web": Demand("web", "connection", KEYS, 60.0)}
    stage.tell(event.Wanted("web"))
    assert stage.state("web") == "starting" and stage.demands["web"].awaits == ""
    ready(stage)
    assert stage.demands["web"].awaits == "idle"


def test_after_idle_it_sleeps_again():
    """It is stopped in order; what comes meanwhile is looked for only once it has gone, and starts it again."""
    stage = called(web())
    stage.stubborn.add("web")
    token = stage.token("web")
    stage.tell(event.Idle("web"))
    assert stage.state("web") == "stopping" and stage.demands["web"].awaits == ""
    stage.exit("web", Exit(0))
    assert (stage.state("web"), stage.light("web")) == ("waiting", "green")
    assert stage.demands["web"].awaits == "connection"
    stage.tell(event.Wanted("web", KEYS[0]))
    assert stage.token("web") != token
    assert [one for one in stage.kinds("web") if one in {"called", "idle"}] == ["called", "idle", "called"]


def test_one_that_ends_well_by_itself_sleeps():
    """As programs do that exit when idle; one that crashes is tried again at once."""
    stage = called(web())
    stage.exit("web", Exit(0))
    stage.advance(1)
    assert stage.state("web") == "waiting" and not stage.running
    stage.tell(event.Wanted("web"))
    ready(stage)
    stage.exit("web", Exit(1))
    stage.advance(1)
    assert stage.state("web") == "starting"


def test_one_that_takes_nothing_and_ends_does_not_spin():
    """It is called for the same connection again and again, and has failed after its limit."""
    stage = up(web(ready=Ready(), restart=Restart(limit=3)))
    for _ in range(3):
        stage.tell(event.Wanted("web"))
        if stage.running:
            stage.exit("web", Exit(0))
        stage.advance(1)
    assert stage.state("web") == "failed" and len(stage.launches) == 3
    assert stage.demands["web"].awaits == ""


def test_who_requires_it_does_not_wait():
    """A connection is all that it needs; the service is not started for it."""
    shop = Service("shop", ("x",), requires=("web",), owner=1)
    stage = up(web(), shop)
    assert stage.launches == ["shop"] and stage.state("shop") == "ready"


def test_it_waits_for_what_it_requires():
    """Called before that is ready, it starts when it is."""
    cache = Service("cache", ("x",), owner=1, ready=NOTIFY)
    stage = up(web(requires=("cache",)), cache)
    assert stage.demands["web"].awaits == "connection"
    stage.tell(event.Wanted("web"))
    assert stage.launches == ["cache"] and stage.message("web") == "waits for cache"
    ready(stage, "cache")
    assert stage.launches == ["cache", "web"]


def test_all_instances_are_called_together_and_sleep_together():
    """Whoever is first awake takes the connection."""
    stage = called(web(instances=2))
    assert stage.launches == ["web@1", "web@2"]
    stage.tell(event.Idle("web"))
    assert not stage.running
    assert [stage.state(one) for one in ("web@1", "web@2")] == ["waiting", "waiting"]


def test_people_start_stop_and_restart_it():
    """A start does not wait for a connection; a stop lasts, whatever comes; after a start it sleeps when idle."""
    stage = up(web())
    start = stage.ask("start", "web")
    assert stage.launches == ["web"]
    ready(stage)
    assert stage.done[start].message == "web is ready"
    stage.ask("stop", "web")
    assert stage.state("web") == "stopped" and stage.demands["web"].awaits == ""
    stage.tell(event.Wanted("web"))
    assert not stage.running
    stage.ask("start", "web")
    ready(stage)
    stage.tell(event.Idle("web"))
    assert stage.state("web") == "waiting"
    stage.ask("restart", "web")
    assert stage.state("web") == "starting"


def test_without_idle_it_stays():
    """Nothing is asked of who serves."""
    stage = called(web(idle=0.0))
    assert stage.demands["web"].awaits == ""
    stage.tell(event.Idle("web"))
    assert stage.state("web") == "ready"


def test_a_change_while_it_sleeps_starts_nothing():
    """The next connection starts it as it is then; the change is there at once."""
    stage = called(web())
    stage.tell(event.Idle("web"))
    stage.launches.clear()
    stage.apply(web("y"))
    assert stage.arrived[-1].is_well and not stage.launches
    stage.tell(event.Wanted("web"))
    assert stage.launches == ["web"]
    assert stage.digests[stage.token("web")] == stage.engine.status("web", stage.now).digest


def test_a_change_while_it_serves_is_rolling():
    """As of any other; while it lasts nobody is idle."""
    stage = called(web())
    stage.beside = 1
    stage.apply(web("y"))
    assert stage.demands["web"].awaits == ""
    stage.tell(event.Idle("web"))
    assert len(stage.tokens("web")) == 2
    ready(stage)
    assert stage.arrived[-1].is_well and stage.demands["web"].awaits == "idle"


def test_it_becomes_one_that_always_runs_and_back():
    """Not on demand any more it starts; on demand again it serves on until it is idle."""
    stage = up(web())
    stage.apply(web(is_on_demand=False))
    assert stage.launches == ["web"] and stage.demands["web"].awaits == ""
    ready(stage)
    stage.apply(web())
    assert stage.state("web") == "ready" and stage.demands["web"].awaits == "idle"


def test_the_node_goes_down():
    """Nothing is watched any more, and nothing that comes starts it."""
    stage = up(web())
    stage.tell(event.StopAll("down"))
    assert stage.phases[-1] == "down" and stage.demands["web"].awaits == ""
    stage.tell(event.Wanted("web"))
    assert not stage.running


def test_it_is_taken_out_of_the_configuration():
    """What was watched for it is watched no more."""
    stage = up(web(), Service("other", ("x",), owner=1))
    stage.apply(Service("other", ("x",), owner=1))
    assert stage.demands["web"].awaits == ""


def test_one_that_runs_is_taken_over():
    """A manager that begins finds it serving: it goes on until it is idle."""
    before = called(web())
    token = before.token("web")
    stage = Stage(web(), sockets=FRONT, ids=[f"9{number:025}" for number in range(9)])
    found = event.Found(token, 101, 101, 30.0, None, before.digests[token])
    stage.up(found=(found,), remembered=before.statuses)
    assert stage.token("web") == token and stage.demands["web"].awaits == "idle"
    stage.exit("web", Exit(1))
    stage.advance(1)
    assert len(stage.launches) == 1
