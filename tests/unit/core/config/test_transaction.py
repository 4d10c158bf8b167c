"""A change over resources of a kind: all of it, or as it was."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snowfox.core.config.plan import plan
from snowfox.core.config.resource import Resource, ResourceKey
from snowfox.core.config.transaction import Held, Realizer, Transaction
from snowfox.core.frozen import Frozen
from snowfox.errors import ConfigurationRefused, Degraded, HostError, InternalError, StoreError


class Spec(Frozen):
    size: int = 1


class World:
    """What is there, what is held, and what fails."""

    def __init__(self, **there):
        self.there = dict(there)
        self.held = set()
        self.fails = set()
        self.told = []
        self.done = []
        self.slow = asyncio.Event()
        self.slow.set()

    def fail(self, call, name):
        """Raise where this is to fail."""
        if (call, name) in self.fails:
            msg = f"cannot {call} {name}"
            raise HostError(msg)


class Holding(Held):
    def __init__(self, world, name, spec, before):
        self.world, self.name, self.spec, self.before = world, name, spec, before

    async def release(self):
        """Held no more."""
        await self.world.slow.wait()
        self.world.held.remove(self.name)

    async def apply(self):
        """There from now on."""
        self.world.held.remove(self.name)
        self.world.fail("apply", self.name)
        self.world.there[self.name] = self.spec.size
        self.world.done.append(self.name)
        return self.spec.size

    async def undo(self):
        """As before, the last first."""
        assert self.world.done.pop() == self.name
        self.world.fail("undo", self.name)
        if self.before is None:
            del self.world.there[self.name]
        else:
            self.world.there[self.name] = self.before


class Things(Realizer):
    kind = "thing"

    def __init__(self, world):
        self.world = world

    async def prepare(self, step, resource, before):
        """Held."""
        await asyncio.sleep(0)
        self.world.fail("prepare", step.key.name)
        self.world.held.add(step.key.name)
        return Holding(self.world, step.key.name, resource.spec, before)

    async def retire(self, key, thing, successor):
        """Gone, unless another took its place."""
        self.world.fail("retire", key.name)
        if successor is None:
            assert self.world.there[key.name] == thing
            del self.world.there[key.name]


def resources(**sizes):
    """Things of these sizes, each requiring the one before."""
    found = {}
    for name, size in sizes.items():
        requires = tuple(found)[-1:]
        found[ResourceKey("thing", name)] = Resource(ResourceKey("thing", name), Spec(size), requires)
    return found


BEFORE = {"kept": 1, "changed": 1, "gone": 1}
AFTER = {"kept": 1, "changed": 2, "new": 3}


def change(world, journal=None):
    """From BEFORE to AFTER."""
    before, after = resources(**BEFORE), resources(**AFTER)

    async def keep(step, word):
        world.told.append((step.key.name, word))
        if journal == (step.key.name, word):
            msg = "cannot write: no space left on device (ENOSPC)"
            raise StoreError(msg)

    return Transaction(
        plan(before, after),
        after,
        {"thing": Things(world)},
        before={key: world.there[key.name] for key in before},
        journal=keep,
    )


async def test_all_goes_well():
    """Journalled before and after each step; what was kept is the same object; what is gone goes at the end."""
    world = World(**BEFORE)
    transaction = change(world)
    await transaction.prepare()
    assert world.there == BEFORE
    await transaction.apply()
    assert world.there == {**BEFORE, "changed": 2, "new": 3}
    assert await transaction.finish() == []
    assert world.there == {"kept": 1, "changed": 2, "new": 3}
    assert transaction.things == {ResourceKey("thing", name): size for name, size in AFTER.items()}
    assert world.told[:2] == [("changed", "verifies"), ("new", "verifies")]
    assert sorted(world.told[2:4]) == [("changed", "verified"), ("new", "verified")]
    assert world.told[4:] == [("changed", "begins"), ("changed", "done"), ("new", "begins"), ("new", "done")]


async def test_a_refusal_lists_all_and_holds_nothing():
    """Every step is tried."""
    world = World(**BEFORE)
    world.fails = {("prepare", "changed"), ("prepare", "new")}
    with pytest.raises(ConfigurationRefused) as refused:
        await change(world).prepare()
    assert sorted(refused.value.problems) == ["cannot prepare changed", "cannot prepare new"]
    assert sorted(world.told[2:]) == [("changed", "refused"), ("new", "refused")]
    assert not world.held
    assert world.there == BEFORE


@pytest.mark.parametrize("name", ["changed", "new"])
async def test_with_any_step_failing_it_ends_where_it_began(name):
    """What was done is undone, what is held is given back, the step's own error is raised."""
    world = World(**BEFORE)
    world.fails = {("apply", name)}
    transaction = change(world)
    await transaction.prepare()
    with pytest.raises(HostError, match=f"cannot apply {name}"):
        await transaction.apply()
    assert world.there == BEFORE
    assert not world.held
    assert (name, "failed") in world.told
    assert (name, "undone") not in world.told


@pytest.mark.parametrize("word", ["begins", "done"])
@pytest.mark.parametrize("name", ["changed", "new"])
async def test_a_full_disk_is_a_step_that_failed(name, word):
    """What cannot be journalled does not happen."""
    world = World(**BEFORE)
    transaction = change(world, (name, word))
    await transaction.prepare()
    with pytest.raises(StoreError):
        await transaction.apply()
    assert world.there == BEFORE
    assert not world.held


async def test_what_cannot_be_undone_is_named():
    """The other steps are undone all the same; what failed first is told first."""
    world = World(**BEFORE)
    world.fails = {("apply", "new"), ("undo", "changed")}
    transaction = change(world)
    await transaction.prepare()
    with pytest.raises(Degraded, match=r"^cannot apply new; cannot undo thing changed: cannot undo changed$"):
        await transaction.apply()
    assert not world.held


async def test_cancelled_while_it_prepares():
    """Everything is given back."""
    world = World(**BEFORE)
    task = asyncio.ensure_future(change(world).prepare())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not world.held


async def test_all_steps_are_tried_at_once():
    """Each goes on only once every other one is under way: one after another they would never end."""
    world = World(**BEFORE)
    meet = asyncio.Barrier(2)

    class Meeting(Things):
        async def prepare(self, step, resource, before):
            """Together with the other one."""
            await meet.wait()
            return await super().prepare(step, resource, before)

    before, after = resources(**BEFORE), resources(**AFTER)
    transaction = Transaction(
        plan(before, after),
        after,
        {"thing": Meeting(world)},
        before={key: world.there[key.name] for key in before},
        journal=_told_to_nobody,
    )
    async with asyncio.timeout(5):
        await transaction.prepare()
    assert world.held == {"changed", "new"}
    await transaction.release()
    assert not world.held


async def _told_to_nobody(*_):
    """A journal."""


SIZES = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 3))


@given(SIZES, SIZES, st.integers(0, 40))
def test_whatever_fails_it_ends_where_it_began(there, wanted, number):
    """From any world to any other, with the n-th of all calls and entries failing: one world or the other, nothing held."""
    world = World(**there)
    calls = iter(range(1000))

    def strike(*_):
        if next(calls) == number:
            msg = "the n-th"
            raise HostError(msg)

    world.fail = strike
    before, after = resources(**there), resources(**wanted)

    async def keep(*_):
        strike()

    transaction = Transaction(
        plan(before, after),
        after,
        {"thing": Things(world)},
        before={key: there[key.name] for key in before},
        journal=keep,
    )

    async def run():
        try:
            await transaction.prepare()
            await transaction.apply()
        except (ConfigurationRefused, HostError):
            assert world.there == there
        else:
            left = await transaction.finish()
            gone = {name: size for name, size in world.there.items() if name not in wanted}
            assert len(gone) <= len(left) <= 1
            assert world.there == {**gone, **wanted}
        assert not world.held

    asyncio.run(run())


async def test_cancelled_while_it_gives_back():
    """However often: it is at its end before whoever cancelled hears of it."""
    world = World(**BEFORE)
    transaction = change(world)
    await transaction.prepare()
    world.slow = asyncio.Event()
    task = asyncio.ensure_future(transaction.release())
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)
    assert (task.done(), sorted(world.held)) == (False, ["changed", "new"])
    world.slow.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not world.held


async def test_what_does_not_end_is_told():
    """The change stands."""
    world = World(**BEFORE)
    world.fails = {("retire", "gone")}
    transaction = change(world)
    await transaction.prepare()
    await transaction.apply()
    assert await transaction.finish() == ["thing gone: cannot retire gone"]


async def test_what_is_kept_and_is_not_there_is_made():
    """A manager that could not make it when it began leaves that to the next change."""
    world = World()
    same = resources(kept=1)
    transaction = Transaction(
        plan(same, same), same, {"thing": Things(world)}, before={}, journal=change(World(**BEFORE))._journal
    )
    await transaction.prepare()
    await transaction.apply()
    assert (world.there, transaction.things) == ({"kept": 1}, {ResourceKey("thing", "kept"): 1})


class Foreign(Things):
    """A module's: it raises what is none of ours."""

    async def prepare(self, step, resource, before):
        """As it is told."""
        if self.world.fails:
            raise self.world.fails.pop()
        return Raising(self.world, step.key.name, resource.spec, before)


class Raising(Holding):
    async def apply(self):
        """Fails."""
        self.world.held.discard(self.name)
        raise OSError(28, "No space left on device")


async def test_a_failure_of_a_module_is_one_of_ours():
    """Whatever it raises refuses the change, or has it undone, with its name."""
    world = World()
    one = resources(first=1)

    def made():
        return Transaction(
            plan({}, one), one, {"thing": Foreign(world)}, before={}, journal=change(World(**BEFORE))._journal
        )

    for error, text in ((KeyError("x"), "KeyError: 'x'"), (TimeoutError(), "it took more than 60 s")):
        world.fails = {error}
        with pytest.raises(ConfigurationRefused) as caught:
            await made().prepare()
        assert caught.value.problems == [f"cannot prepare thing first: {text}"]
    transaction = made()
    await transaction.prepare()
    with pytest.raises(InternalError, match="cannot apply thing first: OSError:"):
        await transaction.apply()


async def test_what_outlasts_ends_apart():
    """What others may still use is ended later, everything else with the change."""
    world = World(**BEFORE)
    transaction = change(world)
    await transaction.prepare()
    await transaction.apply()
    assert await transaction.finish(outlasting=False) == []
    assert "gone" in world.there
    assert await transaction.finish(outlasting=True) == []
    assert "gone" not in world.there
