"""Modules: order, setup, teardown, failures."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from snowfox.core.module import ModuleLevel, Modules, Setup, module, ordered
from snowfox.errors import ModuleFailed, NotFound


class Level(ModuleLevel):
    EARLY = 10
    STORE = 20
    LATE = 30


class Probe:
    pass


class TcpProbe(Probe):
    pass


def make(log, name, level=Level.STORE, *, after=(), essential=False, fails=None, ends_badly=None):
    """A module that notes its setup and teardown."""

    @module(level, after=after, name=name, essential=essential)
    async def run(setup: Setup) -> AsyncIterator[None]:
        if fails:
            raise fails
        log.append(f"+{name}")
        setup.add(name)
        yield
        log.append(f"-{name}")
        if ends_badly:
            raise ends_badly

    return run


def states(modules):
    """State by name."""
    return {row.name: row.state for row in modules.states()}


def test_description_is_frozen():
    """The decorator returns a description and runs nothing."""

    @module(Level.EARLY, after="files")
    async def journal(setup: Setup) -> AsyncIterator[None]:
        raise AssertionError
        yield

    assert (journal.name, journal.level, journal.after) == ("journal", Level.EARLY, ("files",))
    assert journal.package == __name__
    with pytest.raises(AttributeError):
        journal.name = "x"


@pytest.mark.goal
async def test_order_and_reverse():
    """Setup goes by level, then `after`, then name; teardown in reverse."""
    log = []
    modules = Modules(
        [
            make(log, "z", Level.EARLY),
            make(log, "a", Level.LATE),
            make(log, "c"),
            make(log, "b", after=("d", "z")),
            make(log, "d"),
        ]
    )
    assert modules.names == ("z", "c", "d", "b", "a")
    await modules.setup()
    assert set(states(modules).values()) == {"up"}
    await modules.teardown()
    assert log == ["+z", "+c", "+d", "+b", "+a", "-a", "-b", "-d", "-c", "-z"]
    assert set(states(modules).values()) == {"down"}


async def test_setup_by_levels():
    """Setup up to a level leaves the later ones waiting, and goes on from there."""
    log = []
    modules = Modules([make(log, "a", Level.EARLY), make(log, "b", Level.STORE), make(log, "c", Level.LATE)])
    await modules.setup(Level.STORE)
    assert states(modules) == {"a": "up", "b": "up", "c": "waiting"}
    await modules.setup()
    assert log == ["+a", "+b", "+c"]
    await modules.teardown()


async def test_context_and_added():
    """A module sees the shared context; what it adds is found by class, subclasses and instances."""
    probe = TcpProbe()

    @module(Level.EARLY)
    async def one(setup: Setup) -> AsyncIterator[None]:
        assert setup.context == "shared"
        setup.add(TcpProbe)
        setup.add(probe)
        setup.add("other")
        yield

    modules = Modules([one], "shared")
    await modules.setup()
    assert modules.added(Probe) == [TcpProbe, probe]
    assert modules.added(int) == []
    await modules.teardown()


@pytest.mark.goal
async def test_failure_takes_down_only_what_needs_it():
    """A failure names module and level, skips what comes after it, and leaves the others alone."""
    log = []
    modules = Modules(
        [
            make(log, "bad", fails=NotFound("no file")),
            make(log, "needs", after="bad"),
            make(log, "needs-needs", Level.LATE, after="needs"),
            make(log, "other", Level.LATE),
        ]
    )
    await modules.setup()
    assert states(modules) == {"bad": "failed", "needs": "skipped", "needs-needs": "skipped", "other": "up"}
    messages = {row.name: row.message for row in modules.states()}
    assert messages["bad"] == "cannot set up module bad (STORE): no file"
    assert messages["needs"] == "cannot set up module needs (STORE): it needs bad"
    await modules.teardown()
    assert log == ["+other", "-other"]


@pytest.mark.goal
async def test_essential_takes_down_all():
    """An essential module that fails tears down what is up, and setup raises its failure."""
    log = []
    modules = Modules(
        [
            make(log, "a", Level.EARLY),
            make(log, "bad", essential=True, fails=KeyError("k")),
            make(log, "c", Level.LATE),
        ]
    )
    with pytest.raises(ModuleFailed, match=r"cannot set up module bad \(STORE\): 'k'") as caught:
        await modules.setup()
    assert isinstance(caught.value.__cause__, KeyError)
    assert log == ["+a", "-a"]
    assert states(modules) == {"a": "down", "bad": "failed", "c": "waiting"}


async def test_essential_that_needs_a_failed_one():
    """An essential module that cannot be set up because of another takes down all as well."""
    log = []
    modules = Modules([make(log, "bad", fails=KeyError("k")), make(log, "core", after="bad", essential=True)])
    with pytest.raises(ModuleFailed, match=r"core \(STORE\): it needs bad"):
        await modules.setup()


@pytest.mark.goal
async def test_teardown_collects_all_errors():
    """Each module is torn down although others fail, and all failures are listed."""
    log = []
    modules = Modules([make(log, name, ends_badly=KeyError(name)) for name in ("a", "b")] + [make(log, "c")])
    await modules.setup()
    with pytest.raises(ModuleFailed) as caught:
        await modules.teardown()
    assert "cannot tear down module b (STORE): 'b'; cannot tear down module a (STORE): 'a'" in str(
        caught.value
    )
    assert log[-3:] == ["-c", "-b", "-a"]
    await modules.teardown()


async def test_module_that_hangs(clock):
    """A setup that does not end in time fails as any other."""

    @module(Level.STORE)
    async def slow(setup: Setup) -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    modules = Modules([slow], deadline=5.0)
    task = asyncio.create_task(modules.setup())
    await clock.advance("6s")
    await task
    assert modules.states()[0].message == "cannot set up module slow (STORE): not done within 5s"


async def test_generators_of_wrong_form():
    """A module that does not yield fails in setup, one that yields twice in teardown."""

    @module(Level.STORE)
    async def none(setup: Setup) -> AsyncIterator[None]:
        for _ in ():
            yield

    @module(Level.STORE)
    async def twice(setup: Setup) -> AsyncIterator[None]:
        yield
        yield

    modules = Modules([none, twice])
    await modules.setup()
    assert states(modules) == {"none": "failed", "twice": "up"}
    with pytest.raises(ModuleFailed, match="yields twice"):
        await modules.teardown()


@pytest.mark.parametrize(
    ("modules", "text"),
    [
        (
            lambda: [make([], "a", after="b"), make([], "b", after="c"), make([], "c", after="b")],
            "b after c after b",
        ),
        (lambda: [make([], "a", after="a")], "a after a"),
        (lambda: [make([], "a", after="gone")], r"module a \(STORE\) comes after gone, which there is not"),
        (
            lambda: [make([], "a", after="b"), make([], "b", Level.LATE)],
            r"b, which is of a later level \(LATE\)",
        ),
        (lambda: [make([], "a"), make([], "a")], "two modules are named a: of "),
    ],
)
def test_impossible_orders(modules, text):
    """A cycle, an unknown name, a later level, a doubled name: each is an error that names them."""
    with pytest.raises(ModuleFailed, match=text):
        ordered(modules())
