"""Rolling replacements: how many at once, how sure of each, and what stays as it was when one fails."""

from __future__ import annotations

from snowfox.service import event
from snowfox.service.spec import Ready, Restart, Rolling, Service
from snowfox.testing.stage import Stage
from snowfox.values import Exit

NOTIFY = Ready(notify=True)


def web(count, command="x", *, rolling=None, **more):
    """A service of so many instances that is replaced rolling."""
    more.setdefault("ready", NOTIFY)
    how = rolling or Rolling()
    return Service("web", (command,), instances=count, owner=1, replacement="rolling", rolling=how, **more)


def up(*services):
    """A node with these, all ready for long."""
    stage = Stage(*services)
    stage.up()
    for each in services:
        for instance in each.ids():
            ready(stage, instance)
    stage.advance(20)
    stage.launches.clear()
    stage.ends.clear()
    stage.steps.clear()
    stage.beside = 1
    return stage


def ready(stage, instance):
    """Its newest process says so."""
    stage.tell(event.Notified(stage.tokens(instance)[-1]))


def crash(stage, instance):
    """Its newest process ends."""
    newest = stage.tokens(instance)[-1]
    del stage.running[newest]
    stage.tell(event.Ended(newest, Exit(1)))


def test_surge_is_how_many_are_launched_beside():
    """Three of four at once; the fourth when the first of them is ready and its old one is gone."""
    stage = up(web(4))
    stage.apply(web(4, "y", rolling=Rolling(surge=3)))
    assert stage.launches == ["web@1", "web@2", "web@3"] and not stage.ends
    ready(stage, "web@2")
    assert stage.ends == ["web@2"] and stage.launches[3:] == ["web@4"]
    for number in (1, 3, 4):
        ready(stage, f"web@{number}")
    assert [one.is_well for one in stage.arrived] == [True]


def test_max_unavailable_is_how_many_may_be_away():
    """With nobody beside, two stop and start again at once; others go as soon as these are ready."""
    stage = up(web(4))
    stage.beside = 0
    stage.apply(web(4, "y", rolling=Rolling(surge=0, max_unavailable=2)))
    assert stage.ends == ["web@1", "web@2"] and stage.launches == ["web@1", "web@2"]
    ready(stage, "web@1")
    assert stage.ends == ["web@1", "web@2", "web@3"]
    for number in (2, 3, 4):
        ready(stage, f"web@{number}")
    assert len(stage.launches) == 4
    assert [one.is_well for one in stage.arrived] == [True]


def test_who_is_away_already_counts():
    """One of three that waits to be tried again is the one that may be away: it is started anew, and no other goes."""
    stage = up(web(3, restart=Restart(delay=5.0)))
    stage.beside = 0
    crash(stage, "web@3")
    stage.launches.clear()
    stage.apply(web(3, "y", rolling=Rolling(surge=0, max_unavailable=1)))
    assert stage.launches == ["web@3"] and not stage.ends
    ready(stage, "web@3")
    assert stage.ends == ["web@1"]


def test_surge_and_max_unavailable_add_up():
    """One beside, one away."""
    stage = up(web(3))
    stage.apply(web(3, "y", rolling=Rolling(surge=1, max_unavailable=1)))
    assert stage.launches == ["web@1", "web@2"] and stage.ends == ["web@2"]


def test_a_pause_lies_between_one_and_the_next():
    """The old one stays until the new one has been ready for so long; then comes the next."""
    stage = up(web(2))
    stage.apply(web(2, "y", rolling=Rolling(pause=5.0)))
    ready(stage, "web@1")
    stage.advance(4.9)
    assert not stage.ends and stage.launches == ["web@1"]
    stage.advance(0.2)
    assert stage.ends == ["web@1"] and stage.launches == ["web@1", "web@2"]
    ready(stage, "web@2")
    assert not stage.arrived
    stage.advance(5.1)
    assert stage.arrived[-1].is_well


def test_shares_are_of_all_instances():
    """A quarter of four beside, a quarter of four away: two at once."""
    stage = up(web(4))
    stage.apply(web(4, "y", rolling=Rolling(surge="25%", max_unavailable="25%")))
    assert stage.launches == ["web@1", "web@2"]
    assert stage.ends == ["web@2"]


def test_a_pause_counts_for_those_that_stopped_first():
    """The next one stops when the one before has been ready for so long, and the change ends as late."""
    stage = up(web(2))
    stage.beside = 0
    stage.apply(web(2, "y", rolling=Rolling(surge=0, max_unavailable=1, pause=5.0)))
    ready(stage, "web@1")
    assert stage.ends == ["web@1"]
    stage.advance(5.1)
    assert stage.ends == ["web@1", "web@2"]
    ready(stage, "web@2")
    stage.advance(4.8)
    assert not stage.arrived
    stage.advance(0.3)
    assert stage.arrived[-1].is_well


def test_a_failure_pauses_it_and_going_back_restores_the_old_ones():
    """The second new one fails: the third old one is not touched; going back replaces the first and keeps the rest."""
    restart = Restart(limit=1)
    stage = up(web(3, restart=restart))
    kept = [stage.token("web@2"), stage.token("web@3")]
    stage.apply(web(3, "y", restart=restart))
    ready(stage, "web@1")
    crash(stage, "web@2")
    assert [one.is_well for one in stage.arrived] == [False]
    assert stage.launches == ["web@1", "web@2"] and stage.ends == ["web@1"]
    stage.apply(web(3, restart=restart))
    assert stage.launches == ["web@1", "web@2", "web@1"]
    ready(stage, "web@1")
    assert stage.arrived[-1].is_well
    assert [stage.token("web@2"), stage.token("web@3")] == kept


def test_what_failed_is_tried_again_by_the_next_change():
    """The new one failed and the old one serves on; the same, applied once more, launches another new one."""
    stage = up(web(1, restart=Restart(when="never")))
    after = web(1, "y", restart=Restart(when="never"))
    stage.apply(after)
    crash(stage, "web")
    assert stage.launches == ["web"] and not stage.ends
    stage.apply(after)
    assert stage.launches == ["web", "web"]
    ready(stage, "web")
    assert stage.ends == ["web"] and stage.arrived[-1].is_well


def test_a_renamed_one_that_keeps_its_place_is_heard():
    """Its launch has the name of before; what it does is still its own after a replacement was taken back."""
    stage = up(web(1))
    stage.apply(web(2))
    stage.apply(web(2, "y"), operation="there")
    stage.apply(web(2), operation="there")
    (first,) = (token for token in stage.running if token.startswith("web~"))
    del stage.running[first]
    stage.tell(event.Ended(first, Exit(1)))
    assert stage.state("web@1") == "backoff"


def test_going_down_leaves_no_pause_behind():
    """A new one that still has to prove itself need not, when the node goes down."""
    stage = up(web(1))
    stage.apply(web(1, "y", rolling=Rolling(pause=5.0)))
    ready(stage, "web")
    assert stage.timers
    stage.tell(event.StopAll("down"))
    for token in list(stage.running):
        del stage.running[token]
        stage.tell(event.Ended(token, Exit(signal=15)))
    assert not stage.timers


def test_a_failure_of_one_that_stopped_first_pauses_it():
    """While the first does not get ready no other one goes."""
    restart = Restart(limit=1)
    stage = up(web(3, restart=restart))
    stage.beside = 0
    stage.apply(web(3, "y", restart=restart, rolling=Rolling(surge=0, max_unavailable=1)))
    crash(stage, "web@1")
    stage.advance(60)
    assert stage.ends == ["web@1"]
    assert [one.is_well for one in stage.arrived] == [False]


def test_nobody_who_requires_it_stops_while_others_serve():
    """One away of two: what requires the service goes on. One of one: it stops first and comes back."""
    rolling = Rolling(surge=0, max_unavailable=1)
    shop = Service("shop", ("x",), requires=("web",), owner=1, ready=NOTIFY)
    stage = up(web(2), shop)
    stage.beside = 0
    stage.apply(web(2, "y", rolling=rolling), shop)
    assert stage.ends == ["web@1"]
    stage = up(web(1), shop)
    stage.beside = 0
    stage.apply(web(1, "y", rolling=rolling), shop)
    assert stage.ends == ["shop", "web"]


def test_a_restart_by_a_person_is_rolling():
    """The new one is ready, then the old one stops, then comes the next; what requires it goes on."""
    shop = Service("shop", ("x",), requires=("web",), owner=1, ready=NOTIFY)
    stage = up(web(2), shop)
    operation = stage.ask("restart", "web@1", "web@2")
    assert stage.launches == ["web@1"] and not stage.ends
    ready(stage, "web@1")
    assert stage.ends == ["web@1"] and stage.launches == ["web@1", "web@2"]
    assert operation not in stage.done
    ready(stage, "web@2")
    assert stage.ends == ["web@1", "web@2"]
    assert stage.done[operation].message == "2 instances ready"


def test_a_restart_that_fails_keeps_the_old_ones():
    """The new one gives up: it ends, the old one serves on with its pid, and the others are not touched."""
    stage = up(web(2, restart=Restart(limit=1)))
    before = dict(stage.running)
    operation = stage.ask("restart", "web@1", "web@2")
    crash(stage, "web@1")
    assert stage.running == before
    assert stage.done[operation].code == 1
    assert [(one.instance, one.is_well) for one in stage.steps] == [("web@1", False), ("web@2", False)]
    assert stage.steps[0].message.startswith("its replacement did not get ready: exit 1")
    assert stage.light("web@1") == stage.light("web@2") == "green"
    assert [one for one in stage.kinds("web@1") if one in {"replacing", "kept"}] == ["replacing", "kept"]
    stage.advance(100)
    assert stage.running == before


def test_a_restart_that_does_not_get_ready_in_time_keeps_the_old_one():
    """After `ready.timeout` the new one is ended, by its own stop, and the operation tells why."""
    stage = up(web(1))
    before = stage.token("web")
    operation = stage.ask("restart", "web")
    stage.advance(31)
    assert stage.tokens("web") == [before]
    assert stage.state("web") == "ready"
    assert stage.done[operation].message == (
        "web did not get ready: its replacement did not get ready: not ready after 30 s: it did not notify"
    )
    again = stage.ask("restart", "web")
    ready(stage, "web")
    assert stage.done[again].message == "web is ready"
    assert stage.token("web") != before


def test_a_restart_of_what_is_not_ready_is_a_stop_and_a_start():
    """Who does not serve needs nobody beside."""
    stage = Stage(web(1))
    stage.up()
    stage.ask("restart", "web")
    assert stage.ends == ["web"] and stage.launches == ["web", "web"]


def test_the_old_one_dies_while_its_replacement_starts():
    """The new one has the place then; when it fails as well, the rest of the group is left alone."""
    stage = up(web(2, restart=Restart(limit=1)))
    second = stage.token("web@2")
    operation = stage.ask("restart", "web@1", "web@2")
    stage.exit("web@1", Exit(2))
    assert len(stage.tokens("web@1")) == 1
    crash(stage, "web@1")
    assert stage.token("web@2") == second
    assert stage.done[operation].code == 1


def test_a_change_of_mind_during_a_restart():
    """A configuration that differs takes over: the new one ends as outdated, and the last one wins."""
    stage = up(web(1))
    stage.ask("restart", "web")
    stage.apply(web(1, "y"))
    assert len(stage.tokens("web")) == 2
    while not (stage.arrived and stage.arrived[-1].is_well):
        ready(stage, "web")
    assert len(stage.tokens("web")) == 1
    assert stage.digests[stage.token("web")] == stage.engine.status("web", stage.now).digest
