"""Another configuration: what stays, what is replaced and how, what goes, and the way back."""

from __future__ import annotations

import pytest

from snowfox.service import event
from snowfox.service.spec import Ready, Restart, Service
from snowfox.testing.stage import Stage
from snowfox.values import Exit


def service(name, *requires, command="x", **more):
    """A service that requires these."""
    return Service(name, (command,), requires=requires, owner=1, **more)


NOTIFY = Ready(notify=True)


def up(*services):
    """A node with these, all ready for long."""
    stage = Stage(*services)
    stage.up()
    for each in services:
        if each.ready.notify:
            for instance in each.ids():
                ready(stage, instance)
    stage.advance(20)
    stage.launches.clear()
    stage.ends.clear()
    stage.steps.clear()
    return stage


def ready(stage, instance):
    """Its newest process says so."""
    stage.tell(event.Notified(stage.tokens(instance)[-1]))


def test_nothing_changed_moves_nothing():
    """The same configuration: no process begins or ends, and it is there at once."""
    stage = up(service("cache"), service("web", "cache", instances=2))
    before = dict(stage.running)
    stage.apply(service("cache"), service("web", "cache", instances=2))
    assert stage.running == before
    assert [one.is_well for one in stage.arrived] == [True]


def test_what_is_new_starts_after_what_it_requires():
    """A new service waits for a new one; what was there goes on."""
    stage = up(service("cache"))
    token = stage.token("cache")
    stage.apply(service("cache"), service("queue", ready=NOTIFY), service("web", "queue", "cache"))
    assert stage.launches == ["queue"]
    ready(stage, "queue")
    assert stage.launches == ["queue", "web"]
    assert not stage.arrived
    stage.advance(1.1)
    assert stage.arrived[-1].is_well
    assert stage.token("cache") == token


def test_what_has_no_place_runs_until_it_is_retired():
    """It stays while the rest is not settled, then stops in reverse order, and is gone."""
    stage = up(service("cache"), service("web", "cache"), service("other"))
    stage.apply(service("other"))
    assert stage.arrived[-1].is_well
    assert not stage.ends
    stage.retire()
    assert stage.ends == ["web", "cache"]
    assert stage.arrived[-1].is_well
    assert set(stage.statuses) == {"other"}


def test_a_changed_service_is_restarted_with_what_requires_it():
    """`web` stops before `cache` does and comes back after it."""
    stage = up(service("cache"), service("web", "cache"), service("other"))
    stage.apply(service("cache", command="y"), service("web", "cache"), service("other"))
    assert stage.ends == ["web", "cache"]
    assert stage.launches == ["cache", "web"]
    stage.advance(1.1)
    assert [one.is_well for one in stage.arrived] == [True]


def test_a_live_change_keeps_the_process():
    """Restart, stop and order are taken over at once."""
    stage = up(service("cache"))
    before = dict(stage.running)
    stage.apply(service("cache", restart=Restart(when="never")))
    assert stage.running == before
    stage.exit("cache", Exit(1))
    assert stage.state("cache") == "failed"


def test_rolling_keeps_the_old_one_until_the_new_one_is_ready():
    """One after another: the second is launched once the first is replaced."""
    old = service("web", instances=2, ready=NOTIFY, replacement="rolling")
    stage = up(old)
    stage.beside = 1
    first, second = stage.token("web@1"), stage.token("web@2")
    stage.apply(service("web", command="y", instances=2, ready=NOTIFY, replacement="rolling"))
    assert stage.launches == ["web@1"]
    assert not stage.ends
    assert stage.state("web@1") == "ready" and stage.light("web@1") == "yellow"
    ready(stage, "web@1")
    assert first not in stage.running and second in stage.running
    assert stage.launches == ["web@1", "web@2"]
    assert not stage.arrived
    ready(stage, "web@2")
    assert second not in stage.running
    assert [one.is_well for one in stage.arrived] == [True]


def test_rolling_without_readiness_waits_for_the_early_second():
    """Who is ready by being executed has to live for a second before the old one goes."""
    stage = up(service("web", replacement="rolling"))
    stage.beside = 1
    old = stage.token("web")
    stage.apply(service("web", command="y", replacement="rolling"))
    stage.advance(0.9)
    assert old in stage.running
    stage.advance(0.2)
    assert old not in stage.running
    assert stage.arrived[-1].is_well


def test_going_back_keeps_who_served_all_the_time():
    """The new one fails; the configuration of before ends it, and the pid of the old one is as it was."""
    old = service("web", ready=NOTIFY, replacement="rolling", restart=Restart(limit=1))
    stage = up(old)
    stage.beside = 1
    token = stage.token("web")
    stage.apply(service("web", command="y", ready=NOTIFY, replacement="rolling", restart=Restart(limit=1)))
    newer = stage.tokens("web")[-1]
    del stage.running[newer]
    stage.tell(event.Ended(newer, Exit(1)))
    assert [one.is_well for one in stage.arrived] == [False]
    assert stage.message("web").startswith("its replacement failed: exit 1")
    assert stage.steps[-1].message.startswith("exit 1")
    assert stage.arrived[0].message.startswith("web did not get ready: exit 1")
    stage.apply(old)
    assert stage.arrived[-1].is_well
    assert list(stage.running) == [token]
    assert stage.state("web") == "ready"


def test_going_back_ends_one_that_does_not_get_ready():
    """The new one hangs in its start: it is stopped, its timers do not touch the old one."""
    old = service("web", ready=Ready(notify=True, timeout=5), replacement="rolling")
    stage = up(old)
    stage.beside = 1
    token = stage.token("web")
    stage.stubborn.add("web")
    stage.apply(service("web", command="y", ready=Ready(notify=True, timeout=5), replacement="rolling"))
    stage.apply(old)
    assert len(stage.running) == 2
    assert not stage.arrived
    stage.advance(10.1)
    assert list(stage.running) == [token]
    assert stage.state("web") == "ready"
    assert stage.arrived[-1].is_well
    assert not stage.timers


def test_a_failure_is_told_at_once():
    """One of two new services fails for good: the end does not wait for the other."""
    stage = up(service("cache"))
    stage.short["bad"] = Exit(1)
    stage.apply(
        service("cache"), service("bad", restart=Restart(limit=1)), service("slow", ready=Ready(notify=True))
    )
    stage.advance(1)
    assert [one.is_well for one in stage.arrived] == [False]
    assert "bad" in stage.arrived[0].message
    assert stage.arrived[0].lost == ("bad",)


def test_going_back_starts_again_what_was_replaced_and_keeps_what_was_not():
    """A restarted service is restarted again with the old command; what has no place any more goes at `retire`."""
    before = (service("cache"), service("gone"), service("web"))
    stage = up(*before)
    web, gone = stage.token("web"), stage.token("gone")
    stage.short["new"] = Exit(1)
    stage.apply(service("cache", command="y"), service("web"), service("new", restart=Restart(limit=1)))
    changed = stage.token("cache")
    stage.advance(1)
    assert stage.arrived[-1].is_well is False
    stage.apply(*before)
    stage.advance(1.1)
    assert stage.arrived[-1].is_well
    assert stage.token("web") == web and stage.token("gone") == gone
    assert stage.token("cache") != changed
    assert stage.digests[stage.token("cache")] != stage.digests[changed]
    stage.retire()
    assert set(stage.statuses) == {"cache", "gone", "web"}


def test_more_instances_keep_those_that_run():
    """`web` becomes `web@1`, with its process, and back."""
    stage = up(service("web"))
    token = stage.token("web")
    stage.apply(service("web", instances=3))
    assert stage.launches == ["web@2", "web@3"]
    assert stage.running[token] == "web@1"
    assert set(stage.statuses) == {"web@1", "web@2", "web@3"}
    stage.advance(2)
    stage.apply(service("web"))
    stage.retire()
    assert list(stage.running) == [token]
    assert set(stage.statuses) == {"web"}
    stage.exit("web", Exit(1))
    stage.advance(1)
    assert stage.state("web") == "ready"


def test_a_renamed_service_keeps_its_process():
    """`was` says so; what a person asked of it goes along."""
    stage = up(service("old"), service("other"))
    token = stage.token("old")
    stage.ask("stop", "other")
    stage.apply(service("new", was="old"), service("another", was="other"))
    assert stage.running == {token: "new"}
    assert stage.wanted == {"another": "stopped"}
    assert set(stage.statuses) == {"new", "another"}
    assert stage.state("new") == "ready"


def test_who_takes_a_name_of_long_ago_is_new():
    """`web` was `old` once; now it gets another name, and another service that name of then: each has its own process."""
    stage = up(service("web", was="old"))
    token = stage.token("web")
    stage.apply(service("site", was="web"), service("old"))
    assert stage.running[token] == "site"
    assert stage.launches == ["old"]
    stage.apply(service("web", was="old"))
    stage.retire()
    assert [*stage.running.values()] == ["web"]


def test_a_task_that_changed_runs_again():
    """One that did not change stays finished."""
    stage = Stage(service("migrate", is_task=True), service("seed", is_task=True))
    stage.short.update(migrate=Exit(0), seed=Exit(0))
    stage.up()
    stage.launches.clear()
    stage.apply(service("migrate", command="y", is_task=True), service("seed", is_task=True))
    assert stage.launches == ["migrate"]
    assert stage.arrived[-1].is_well


def test_what_a_person_stopped_stays_stopped():
    """A change of it is taken over by its next start."""
    stage = up(service("web"))
    stage.ask("stop", "web")
    stage.launches.clear()
    stage.apply(service("web", command="y"))
    assert stage.arrived[-1].is_well
    assert not stage.launches
    stage.ask("start", "web")
    assert stage.launches == ["web"]


def test_a_crash_of_the_old_one_while_it_is_replaced():
    """Nobody starts it again; the new one takes the place when it is ready."""
    stage = up(service("web", ready=NOTIFY, replacement="rolling"))
    stage.beside = 1
    stage.apply(service("web", command="y", ready=NOTIFY, replacement="rolling"))
    old, new = stage.tokens("web")
    del stage.running[old]
    stage.tell(event.Ended(old, Exit(1)))
    stage.advance(3)
    assert list(stage.running) == [new]
    ready(stage, "web")
    assert stage.arrived[-1].is_well


def test_down_while_one_is_replaced_ends_both():
    """The node goes down only when neither is left."""
    stage = up(service("web", ready=NOTIFY, replacement="rolling"))
    stage.beside = 1
    stage.apply(service("web", command="y", ready=NOTIFY, replacement="rolling"))
    stage.tell(event.StopAll("down"))
    assert not stage.running
    assert stage.phases[-1] == "down"


@pytest.mark.parametrize("verb", ["stop", "restart"])
def test_people_are_free_while_one_is_replaced(verb):
    """`stop` ends both; `restart` ends both and starts what is written now."""
    stage = up(service("web", ready=NOTIFY, replacement="rolling"))
    stage.beside = 1
    stage.apply(service("web", command="y", ready=NOTIFY, replacement="rolling"))
    stage.ask(verb, "web")
    assert len(stage.running) == (0 if verb == "stop" else 1)


def test_a_replacement_waits_for_what_is_newly_required():
    """The old one serves until what the new one requires is ready."""
    stage = up(service("web"))
    stage.apply(service("queue", ready=NOTIFY), service("web", "queue", command="y"))
    assert stage.launches == ["queue"]
    assert not stage.ends
    ready(stage, "queue")
    assert stage.ends == ["web"]
    assert stage.launches == ["queue", "web"]


def test_who_waits_for_a_task_that_changed_waits_until_it_ran_again():
    """That it finished before does not count, also for one that waited for something else till now."""
    stage = Stage(
        service("queue", ready=NOTIFY), service("migrate", is_task=True), service("web", "queue", "migrate")
    )
    stage.short["migrate"] = Exit(0)
    stage.up()
    del stage.short["migrate"]
    stage.launches.clear()
    stage.apply(service("migrate", command="y", is_task=True), service("web", "migrate"))
    assert stage.launches == ["migrate"]
    stage.exit("migrate", Exit(0))
    assert stage.launches == ["migrate", "web"]


def test_an_operation_ends_though_some_of_it_are_no_more():
    """Who did not begin yet and has no place any more is not waited for."""
    stage = up(service("cache"), service("queue", ready=NOTIFY), service("web", "queue"))
    stage.ask("restart", "queue")
    asked = stage.ask("restart", "web", "cache")
    stage.advance(2)
    assert asked not in stage.done
    stage.apply(service("cache"), service("queue", ready=NOTIFY))
    assert asked in stage.done


def test_one_that_was_to_end_and_is_wanted_otherwise():
    """While it still waits for its turn to end: it ends, and what is written now begins."""
    stage = up(service("cache"), service("web", "cache"), service("other"))
    stage.stubborn = {"web"}
    stage.apply(service("other"), operation="first")
    stage.retire("first")
    assert stage.ends == ["web"]
    stage.apply(service("cache", command="y"), service("other"), operation="second")
    stage.exit("web", Exit(signal=15))
    stage.advance(2)
    assert stage.launches == ["cache"]
    assert stage.arrived[-1].is_well


def test_going_back_gives_each_its_own_name():
    """Also where a name that was changed before is on the way: no two have one process, none is lost."""
    stage = up(service("a", was="b"), service("e"))
    before = dict(stage.running)
    stage.apply(service("b", was="e"))
    stage.apply(service("a", was="b"), service("e"))
    stage.retire()
    assert stage.running == before
    assert [stage.state(one) for one in ("a", "e")] == ["ready", "ready"]


def test_forwards_what_is_written_counts():
    """A name that was changed before does not: who is new is new."""
    stage = up(service("e"))
    token = stage.token("e")
    stage.apply(service("b", was="e"), operation="first")
    stage.retire("first")
    stage.apply(service("a", was="b"), service("e"), operation="second")
    assert stage.running[token] == "a"
    assert stage.launches == ["e"]
    assert {one: status.state for one, status in stage.statuses.items()} == {"a": "ready", "e": "ready"}


def test_named_instances_stay_who_they_are():
    """A name that goes takes only its own instance along; one that comes, and the order, touch nobody."""
    web = Service("web", ("x",), instances=("blue", "green"))
    stage = Stage(web)
    stage.up()
    assert stage.launches == ["web@blue", "web@green"]
    green = stage.token("web@green")
    stage.apply(web.replace(instances=("red", "green")))
    stage.retire()
    assert (stage.launches[2:], stage.ends) == (["web@red"], ["web@blue"])
    assert stage.token("web@green") == green
    assert set(stage.statuses) == {"web@green", "web@red"}


def test_named_instances_move_with_a_new_name_of_their_service():
    """A renamed service keeps its instances by their own names."""
    stage = Stage(Service("web", ("x",), instances=("blue", "green"), owner=1))
    stage.up()
    tokens = [stage.token(f"web@{name}") for name in ("green", "blue")]
    stage.apply(Service("shop", ("x",), instances=("green", "blue"), owner=1, was="web"))
    assert [stage.token(f"shop@{name}") for name in ("green", "blue")] == tokens


def test_a_place_that_makes_a_difference():
    """Where the port follows from the place, who has another place is replaced; the others are not."""
    web = Service(
        "web", ("x", "${INSTANCE_PORT}"), instances=("a", "b", "c"), port=9000, replacement="restart"
    )
    stage = Stage(web)
    stage.up()
    stage.advance(2)
    stage.launches.clear()
    stage.apply(web.replace(instances=("b", "a", "c", "d")))
    stage.advance(2)
    assert sorted(stage.launches) == ["web@a", "web@b", "web@d"]


def test_named_instances_are_found_again():
    """A new manager knows them by their names, whatever their order is now."""
    web = Service("web", ("x",), instances=("blue", "green"))
    stage = Stage(web)
    stage.up()
    found = tuple(stage.found(name) for name in ("web@blue", "web@green"))
    later = Stage(web.replace(instances=("green", "blue", "red")), ids=(f"{n:026}" for n in range(500, 600)))
    later.up(found=found, remembered=stage.statuses)
    assert later.launches == ["web@red"]
