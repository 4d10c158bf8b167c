"""Plans: from one set of resources to another and back."""

from __future__ import annotations

from typing import Annotated

from hypothesis import given
from hypothesis import strategies as st

from snowfox.core.config.effect import LIVE, Effect
from snowfox.core.config.plan import Action, compare, in_order, plan, renamed
from snowfox.core.config.resource import Resource, ResourceKey
from snowfox.core.frozen import Frozen


class Inner(Frozen):
    limit: Annotated[int, LIVE] = 1
    name: str = "x"


class Thing(Frozen):
    size: int = 1
    note: Annotated[str, LIVE] = ""
    environment: dict[str, str] = {}  # noqa: RUF012 - a frozen value's default
    inner: Inner = Inner()


def key(name):
    """Of a thing."""
    return ResourceKey("thing", name)


def world(**things):
    """Resources by name: a spec, or a spec and the names that it requires."""
    found = {}
    for name, value in things.items():
        spec, *requires = value if isinstance(value, tuple) else (value,)
        found[key(name)] = Resource(key(name), spec, tuple(map(key, requires)))
    return found


def worlds():
    """Any set of up to eight resources, each requiring some that are written before it."""

    @st.composite
    def made(draw):
        found = {}
        for name in draw(st.permutations("abcdefgh"))[: draw(st.integers(0, 8))]:
            spec = Thing(draw(st.integers(1, 2)), draw(st.sampled_from(("", "n"))))
            requires = draw(st.sets(st.sampled_from(sorted(found)), max_size=3)) if found else set()
            found[key(name)] = Resource(key(name), spec, tuple(sorted(requires)))
        return found

    return made()


def carry_out(steps, before, after):
    """What there is once the steps are done; every step must be possible when its turn comes."""
    there = dict(before)
    for step in steps:
        match step.action:
            case Action.CREATE:
                assert step.key not in there
                there[step.key] = after[step.key]
            case Action.KEEP:
                assert there[step.key].digest == after[step.key].digest
                there[step.key] = after[step.key]
            case Action.UPDATE | Action.REPLACE:
                assert there.pop(step.was or step.key).digest != after[step.key].digest or step.was
                there[step.key] = after[step.key]
            case Action.REMOVE:
                assert not any(step.key in other.requires for other in there.values())
                del there[step.key]
    return there


@given(worlds(), worlds())
def test_there_and_back(one, other):
    """plan(a -> b) makes b of a; plan(b -> a) then ends where it began."""
    there = carry_out(plan(one, other), one, other)
    assert there == other
    assert carry_out(plan(other, one), there, one) == one


@given(worlds())
def test_equal_specs_keep(one):
    """Nothing differs: nothing but keeping."""
    assert {step.action for step in plan(one, dict(one))} <= {Action.KEEP}


@given(worlds(), worlds())
def test_what_is_required_comes_first(one, other):
    """Each step after those of what it requires; removals at the end, the other way round."""
    steps = [step.key for step in plan(one, other) if step.action is not Action.REMOVE]
    for place, name in enumerate(steps):
        assert all(steps.index(needed) < place for needed in other[name].requires)
    removed = [step.key for step in plan(one, other) if step.action is Action.REMOVE]
    for place, name in enumerate(removed):
        assert all(removed.index(needed) > place for needed in one[name].requires if needed in removed)


def test_differences_name_the_field_and_what_it_needs():
    """Tables key by key; the mark of the innermost field counts."""
    before = Resource(key("a"), Thing(environment={"DEBUG": "0", "OLD": "1"}))
    after = Resource(key("a"), Thing(environment={"DEBUG": "1"}, inner=Inner(limit=2), note="n"))
    found = [(one.field, one.before, one.after, one.effect) for one in compare(before, after)]
    assert found == [
        ("note", "", "n", Effect.LIVE),
        ("environment.DEBUG", "0", "1", Effect.REPLACE),
        ("environment.OLD", "1", None, Effect.REPLACE),
        ("inner.limit", 1, 2, Effect.LIVE),
    ]


def test_a_live_change_is_an_update():
    """Only what needs it is replaced."""
    steps = plan(world(a=Thing(), b=Thing()), world(a=Thing(note="n"), b=Thing(size=2)))
    assert [(step.key.name, step.action) for step in steps] == [("a", Action.UPDATE), ("b", Action.REPLACE)]


def test_a_renamed_resource_is_kept():
    """`was` names it; it is no removal and no creation."""
    before = world(old=Thing())
    after = {key("new"): Resource(key("new"), Thing(), was=key("old"))}
    assert [(step.action, step.was) for step in plan(before, after)] == [(Action.UPDATE, key("old"))]


def test_what_gets_its_name_back_is_kept():
    """The version that knows the name of before may be the one that is left."""
    before = {key("new"): Resource(key("new"), Thing(), was=key("old"))}
    assert [(step.action, step.key, step.was) for step in plan(before, world(old=Thing()))] == [
        (Action.UPDATE, key("old"), key("new"))
    ]


def test_each_is_given_once():
    """What is to be says first what it was; whoever takes a name of long ago is new; who is still there is not renamed."""
    was = {"a": None, "x": "b"}
    assert renamed(was, {"a": None, "y": "x", "b": None}) == {"y": "x"}
    assert renamed(was, {"a": None, "y": "x", "z": "x"}) == {"y": "x"}
    assert renamed(was, {"a": None, "x": None, "b": None}) == {}
    assert renamed(was, {"c": "a", "a": None}) == {}
    assert renamed(was, {"a": "x", "b": None}) == {"b": "x"}


def test_a_circle_ends():
    """Circles are refused elsewhere; the order has an end all the same."""
    assert set(in_order(world(a=(Thing(), "b"), b=(Thing(), "a")))) == {key("a"), key("b")}


def test_a_long_chain():
    """2,000 in a row: no recursion."""
    chain = world(n0=Thing(), **{f"n{number}": (Thing(), f"n{number - 1}") for number in range(1, 2000)})
    assert [one.name for one in in_order(dict(reversed(chain.items())))] == [
        f"n{number}" for number in range(2000)
    ]
