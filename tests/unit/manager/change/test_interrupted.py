"""What a change stops and starts again, though nothing of it differs."""

import io

from snowfox.cli import difference
from snowfox.cli.paper import Paper
from snowfox.contract.manager import Plan
from snowfox.core.config.plan import plan as steps_of
from snowfox.manager.change.interrupted import Interruption, interrupted
from snowfox.manager.change.view import plan
from snowfox.service.resources import differ, resources
from snowfox.service.spec import Configuration, Service

CACHE = Service("cache", ("cache",), owner=1)
WEB = Service("web", ("web",), requires=("cache",), owner=1)
OTHER = Service("other", ("other",), owner=1)


def of(*services: Service) -> Configuration:
    """A configuration of these."""
    return Configuration("n", {one.name: one for one in services}, {}, "1", "/srv")


def changed(one: Service) -> Service:
    """With another command."""
    return one.replace(command=(*one.command, "-v"))


def found(before: Configuration, after: Configuration, **measured: float) -> dict[str, Interruption]:
    """What is interrupted."""
    steps = steps_of(resources(before), resources(after), differ(before, after))
    return interrupted(steps, after, measured)


def text(made: Plan) -> list[str]:
    """As it is printed, without its alignment."""
    sheet = Paper(io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    return [" ".join(line.split()) for line in difference.lines(made, sheet)]


def test_what_requires_it_is_told() -> None:
    """It has a line of its own, is not counted as kept, and its time away is told."""
    made = plan(of(CACHE, WEB, OTHER), of(changed(CACHE), WEB, OTHER), {"cache": 2.0, "web": 1.0})
    assert (made.kept, [(one.action, one.name, one.away) for one in made.steps]) == (
        1,
        [("replace", "cache", 2000), ("restart", "web", 3000)],
    )
    assert text(made)[1:] == [
        "= 1 kept",
        '± cache command: ["cache"] → ["cache", "-v"] replace, restart',
        "± web not changed restart with cache",
        "order: cache · web",
        "away: cache about 2 s, web about 3 s, as measured before · all of it can be undone",
    ]


def test_who_is_told_live_is_restarted_all_the_same() -> None:
    """What differs would be taken over at once; the rolling one is away as well."""
    told = WEB.replace(description="the front")
    assert text(plan(of(CACHE, WEB), of(changed(CACHE), told), {}))[2].endswith(" restart with cache")
    rolling = WEB.replace(replacement="rolling")
    made = plan(of(CACHE, rolling), of(changed(CACHE), changed(rolling)), {})
    assert [(one.how, one.away) for one in made.steps] == [("restart", -1), ("restart with cache", -1)]


def test_near_and_far() -> None:
    """Through a task that ran, which does not run again, and through what is new, which was not there."""
    task = Service("fill", ("fill",), requires=("cache",), is_task=True, owner=1)
    new = Service("new", ("new",), requires=("cache",), owner=1)
    shop = Service("shop", ("shop",), requires=("fill", "web", "new"), owner=1)
    before = of(CACHE, task, WEB, shop.replace(requires=("fill", "web")))
    after = of(changed(CACHE), task, new, changed(WEB), shop)
    assert found(before, after, cache=1.0, web=2.0, shop=4.0) == {
        "cache": Interruption(("cache",), 1000),
        "web": Interruption(("cache", "web"), 3000),
        "shop": Interruption(("cache", "web"), 7000),
    }
    assert found(before, after, cache=1.0, shop=4.0)["shop"].away == -1


def test_a_new_name() -> None:
    """It takes as long as it did under its name of before."""
    after = of(changed(CACHE).replace(name="store", was="cache"))
    assert found(of(CACHE), after, cache=1.0) == {"store": Interruption(("store",), 1000)}


def test_what_interrupts_nobody() -> None:
    """A rolling replacement, a task, a live change, and what is removed."""
    rolling = CACHE.replace(replacement="rolling")
    task = CACHE.replace(is_task=True)
    for one in (rolling, task):
        assert not found(of(one, WEB), of(changed(one), WEB))
    assert not found(of(CACHE, WEB), of(CACHE.replace(description="x"), WEB))
    assert not found(of(CACHE, OTHER), of(OTHER))
