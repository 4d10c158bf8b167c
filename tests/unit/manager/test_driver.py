"""The driver: effects in order, one turn at a time, traces that hold together."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from snowfox.core.clock import SystemClock
from snowfox.core.event.bus import Bus
from snowfox.core.event.fact import Event
from snowfox.core.ids import Ids, KernelRandom
from snowfox.errors import UserError
from snowfox.manager.alarm import Alarms
from snowfox.manager.board import Board
from snowfox.manager.driver import Driver, Parts
from snowfox.manager.operation.operations import Operations
from snowfox.service import effects, event, fact
from snowfox.service.spec import Alive, Ready
from snowfox.service.status import Status
from snowfox.values import Exit


class Script:
    """An engine that answers as it is told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.heard: list[event.Event] = []
        self.answers: dict[type, list[effects.Effect]] = {}

    def handle(self, happened: event.Event, now: float) -> list[effects.Effect]:
        """What the script says."""
        assert now > 0
        self.heard.append(happened)
        return self.answers.pop(type(happened), [])


class Recorder:
    """Every part in one: keeps what is asked of it, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.refuses: UserError | None = None

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *words: self.calls.append((name, *words))


class Plans(Recorder):
    """In place of the blueprints."""

    def launch(self, instance: str, token: str, note: str = "") -> Any:
        """A launch with this token."""
        if self.refuses:
            raise self.refuses
        return ("plan", instance, token)

    def ready(self, instance: str) -> Ready:
        """A probe of that instance."""
        return Ready(tcp=f"{instance}:1")

    def alive(self, instance: str) -> Alive:
        """Another probe of it."""
        return Alive(tcp=f"{instance}:2")

    def watchdog(self, _instance: str) -> float:
        """It has one."""
        return 3.0


class World:
    """A driver whose parts record."""

    def __init__(self) -> None:
        clock = SystemClock()
        ids = Ids(clock, KernelRandom())
        self.engine = Script()
        self.parts = Recorder()
        self.plans = Plans()
        self.bus = Bus(clock, ids)
        self.events: list[Event[Any]] = []
        self.bus.subscribe(None, self.events.append)
        self.board = Board(clock)
        alarms = Alarms(clock, asyncio.get_running_loop())
        self.operations = Operations(clock, ids, alarms=alarms, keep=lambda _: None)
        self.driver = Driver(clock, ids=ids, alarms=alarms, board=self.board, operations=self.operations)
        parts: Any = self.parts
        plans: Any = self.plans
        first = event.Begin("O")
        self.driver.begin(
            self.engine,
            Parts(
                connector=parts,
                watching=parts,
                attendant=parts,
                blueprints=plans,
                bus=self.bus,
                keeper=parts,
                output=parts,
                essentials=parts,
                hooks=parts,
                scheduler=parts,
                recycler=parts,
            ),
            first,
        )
        assert self.engine.heard == [first]
        self.engine.heard.clear()
        self.parts.calls.clear()

    def answer(self, to: event.Event, *wanted: effects.Effect) -> None:
        """Let the engine want this."""
        self.engine.answers[type(to)] = list(wanted)
        self.driver.tell(to)


@pytest.fixture
async def world() -> World:
    """One for each test."""
    return World()


ENDED = event.Ended("web~1", Exit(1))


def status(state: str) -> Status:
    """A status in this state."""
    return Status("web", "web", state, "green", 1.0)


async def test_effects_are_performed_in_order(world: World) -> None:
    """Each effect reaches its part, in the order in which the engine gave them."""
    world.answer(
        ENDED,
        effects.Signal("web", "web~1", 15),
        effects.Launch("web", "web~2"),
        effects.StartProbe("web", "web~2"),
        effects.StopProbe("web", "web~2"),
        effects.StartWatch("web", "web~2"),
        effects.StopWatch("web~2"),
        effects.Kill("web", "web~1"),
        effects.Changed(status("starting")),
        effects.WantedChanged("web", "stopped"),
        effects.Removed("old"),
    )
    assert world.parts.calls == [
        ("signal", "web~1", 15),
        ("launch", ("plan", "web", "web~2")),
        ("start", "web", "web~2", Ready(tcp="web:1")),
        ("stop", "web~2"),
        ("watch", "web", "web~2", Alive(tcp="web:2"), 3.0),
        ("unwatch", "web~2"),
        ("kill", "web~1"),
        ("remember", status("starting")),
        ("want", "web", "stopped"),
        ("drop", "old"),
    ]
    assert world.board.statuses == {"web": status("starting")}


async def test_an_event_that_arises_meanwhile_waits_for_its_turn(world: World) -> None:
    """A launch that cannot be made is told after the turn, not within it."""
    world.plans.refuses = UserError("cannot launch web: ${X} is not set", "set it")
    world.answer(ENDED, effects.Launch("web", "web~2"), effects.Kill("web", "web~1"))
    assert world.parts.calls == [("kill", "web~1")]
    assert world.engine.heard == [
        ENDED,
        event.LaunchRefused("web", "web~2", "cannot launch web: ${X} is not set", "set it"),
    ]


async def test_a_subject_has_one_timer(world: World) -> None:
    """A new timer replaces, a cleared one is silent, one that fires is told."""
    world.answer(
        ENDED,
        effects.SetTimer("web", "first", 0.0),
        effects.SetTimer("web", "second", 0.0),
        effects.SetTimer("api", "third", 0.0),
        effects.ClearTimer("api"),
        effects.ClearTimer("nobody"),
    )
    await asyncio.sleep(0.01)
    assert world.engine.heard == [ENDED, event.TimerFired("web", "second")]


async def test_forgetting_waits_for_the_store(world: World) -> None:
    """The record goes only once the exit is stored; nobody watches it any more."""
    world.answer(ENDED, effects.Forget("web~1"))
    watched, (name, then), *rest = world.parts.calls
    assert (watched, name, rest) == (("forget", "web~1"), "after_stored", [])
    world.parts.calls.clear()
    then()
    assert world.parts.calls[-1] == ("forget", "web~1")


async def test_what_follows_an_exit_is_one_story_until_it_settled(world: World) -> None:
    """Exit, restart and readiness share a trace; the next exit begins another."""
    world.board.put(status("ready"))
    world.answer(ENDED, effects.Emit("web", fact.ServiceRestarting("exit 1", 0.1, 1, 5)))
    world.answer(
        event.Notified("web~2"),
        effects.Changed(status("ready")),
        effects.Emit("web", fact.ServiceReady(7, "notified", 0.1)),
    )
    world.answer(ENDED, effects.Emit("web", fact.ServiceRestarting("exit 1", 0.1, 1, 5)))
    first, second, third = (one.trace for one in world.events)
    assert first == second != third


async def test_what_an_operation_does_is_in_its_trace(world: World) -> None:
    """Events of the instances of an operation, and of itself, carry its id."""
    operation = world.operations.open("restart", "uid 0", ("web",))
    world.answer(
        event.Ask(operation.id, "restart", ("web",)),
        effects.Emit(operation.id, fact.OperationStarted("restart", 1)),
        effects.Emit("web", fact.ServiceStopped("restart")),
        effects.Stepped(operation.id, "web", "ready", "", is_well=True),
        effects.OperationDone(operation.id, "done", "restarted 1 instance", 0),
    )
    assert {one.trace for one in world.events} == {operation.id}
    assert [step.state async for step in operation.follow()] == ["ready", "done"]


async def test_phases_reach_the_board(world: World) -> None:
    """`status` shows the node's phase."""
    world.answer(event.StopAll("X"), effects.PhaseChanged("stopping"))
    assert world.board.phase == "stopping"


async def test_what_happens_before_the_beginning_comes_after_it() -> None:
    """The engine's first event is the one that begins it."""
    clock = SystemClock()
    ids = Ids(clock, KernelRandom())
    alarms = Alarms(clock, asyncio.get_running_loop())
    operations = Operations(clock, ids, alarms=alarms, keep=lambda _: None)
    driver = Driver(clock, ids=ids, alarms=alarms, board=Board(clock), operations=operations)
    engine, parts = Script(), Recorder()
    driver.tell(ENDED)
    assert not driver.has_begun
    any_parts: Any = parts
    driver.begin(
        engine,
        Parts(
            connector=any_parts,
            watching=any_parts,
            attendant=any_parts,
            blueprints=any_parts,
            bus=Bus(clock, ids),
            keeper=any_parts,
            output=any_parts,
            essentials=any_parts,
            hooks=any_parts,
            scheduler=any_parts,
            recycler=any_parts,
        ),
        event.Begin("O"),
    )
    assert engine.heard == [event.Begin("O"), ENDED]
