"""Performs what the engine decides, in its order; brings it what happens.

One call of `tell` is one turn: the engine decides, its effects are performed. An event that arises while effects are
performed waits for the end of that turn, so that the engine never sees half of one. No effect waits: each hands over
to a part that does its work in the loop and comes back with an event.

Everything that an instance does belongs to a trace: that of the operation it is part of, else one that begins with the
first event out of quiet (an exit) and ends when the instance has settled again.
"""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, Protocol, assert_never

from snowfox.core.clock import Clock
from snowfox.core.event.bus import Bus
from snowfox.core.ids import Ids
from snowfox.core.log import get
from snowfox.core.named import NamedTuple
from snowfox.core.trace import Trace, within
from snowfox.errors import SnowFoxError
from snowfox.manager.alarm import Alarm, Alarms
from snowfox.manager.blueprint import Blueprints
from snowfox.manager.board import Board
from snowfox.manager.connector.connector import Connector
from snowfox.manager.demand.attendant import Attendant
from snowfox.manager.hooks import Hooks
from snowfox.manager.operation.operations import Operations
from snowfox.manager.output.collector import Output
from snowfox.manager.probe.watching import Watching
from snowfox.manager.recycler import Recycler
from snowfox.service import effects, event
from snowfox.service.schedule import Schedule
from snowfox.service.status import Status
from snowfox.values import Seconds

_SETTLED: Final = frozenset({"ready", "stopped", "failed", "finished", "stuck"})


class Decides(Protocol):
    """The engine, as the driver sees it."""

    def handle(self, event: event.Event, now: Seconds) -> list[effects.Effect]:
        """What to do about it."""
        ...


class Keeps(Protocol):
    """What outlives the manager."""

    def remember(self, status: Status) -> None:
        """Keep the status of an instance."""
        ...

    def drop(self, instance: str) -> None:
        """Keep it no longer."""
        ...

    def want(self, instance: str, wanted: str | None) -> None:
        """Keep what a person asked for."""
        ...

    def after_stored(self, then: Callable[[], None]) -> None:
        """Call once all that was given before is stored."""
        ...


class Ends(Protocol):
    """Ends the node."""

    def lost(self, effect: effects.EssentialLost) -> None:
        """Something without which it has no sense has failed."""
        ...


class Schedules(Protocol):
    """What tells when services with a schedule are due."""

    def use(self, schedules: Mapping[str, Schedule]) -> None:
        """These have one from now on, and no others."""
        ...


class Parts(NamedTuple):
    """The parts that perform effects."""

    connector: Connector
    watching: Watching
    attendant: Attendant
    blueprints: Blueprints
    bus: Bus
    keeper: Keeps
    output: Output
    essentials: Ends
    hooks: Hooks
    scheduler: Schedules
    recycler: Recycler


class Driver:
    """Between the engine and the parts.

    Events that come before `begin` wait for it.

    Args:
        clock: the engine's time.
        ids: for traces.
        alarms: its timers.
        board: shows its statuses.
        operations: get its steps.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        ids: Ids,
        alarms: Alarms,
        board: Board,
        operations: Operations,
    ) -> None:
        self._log = get("manager.driver")
        self._clock = clock
        self._ids = ids
        self._alarms = alarms
        self._board = board
        self._operations = operations
        self._timers: dict[str, Alarm] = {}
        self._traces: dict[str, Trace] = {}
        self._waiting: deque[event.Event] = deque()
        self._is_turning = False
        self._arrivals: dict[str, Future[effects.Arrived]] = {}
        self._engine: Decides | None = None
        self._parts: Parts | None = None
        self._former: tuple[Blueprints, ...] = ()

    @property
    def has_begun(self) -> bool:
        """Whether there is an engine."""
        return self._engine is not None

    def begin(self, engine: Decides, parts: Parts, first: event.Event) -> None:
        """Let this engine decide, these parts perform; `first` is the first event, before those that wait."""
        self._engine = engine
        self._parts = parts
        self._waiting.appendleft(first)
        parts.recycler.use(parts.blueprints)
        self._work()

    def tell(self, happened: event.Event) -> None:
        """Something happened: let the engine decide and perform it."""
        self._waiting.append(happened)
        self._work()

    def use(self, blueprints: Blueprints) -> None:
        """Launch by these from now on."""
        if self._parts is not None:
            self._former = (self._parts.blueprints,)
            self._parts.recycler.use(blueprints)
            self._parts = self._parts._replace(blueprints=blueprints)

    def arrival(self, operation: str) -> Future[effects.Arrived]:
        """How the part of this operation ends that is told next. One at a time; cancelling it is fine."""
        future: Future[effects.Arrived] = get_running_loop().create_future()
        self._arrivals[operation] = future
        return future

    def _arrive(self, arrived: effects.Arrived) -> None:
        future = self._arrivals.pop(arrived.operation, None)
        if future is not None and not future.done():
            future.set_result(arrived)

    def _rename(self, was: str, instance: str, parts: Parts) -> None:
        """Its output goes on under its new id, and so does its trace."""
        parts.output.rename(was, instance, parts.blueprints.log(instance))
        trace = self._traces.pop(was, None)
        if trace is not None:
            self._traces[instance] = trace

    def _work(self) -> None:
        if self._is_turning or self._engine is None or self._parts is None:
            return
        self._is_turning = True
        try:
            while self._waiting:
                self._turn(self._waiting.popleft(), self._engine, self._parts)
        finally:
            self._is_turning = False

    def _turn(self, happened: event.Event, engine: Decides, parts: Parts) -> None:
        settled: list[str] = []
        for effect in engine.handle(happened, self._clock.now()):
            try:
                self._perform(effect, parts)
            except Exception as error:  # noqa: BLE001 - what else was decided is performed all the same
                self._log.error("cannot perform what was decided", effect=repr(effect), error=repr(error))
            if isinstance(effect, effects.Changed) and effect.status.state in _SETTLED:
                settled.append(effect.status.id)
        for instance in settled:
            self._traces.pop(instance, None)

    def _perform(self, effect: effects.Effect, parts: Parts) -> None:  # noqa: C901, PLR0912, PLR0915 - a table
        # What comes with every start first: a match looks at one case after another.
        match effect:
            case effects.Emit():
                self._emit(effect, parts)
            case effects.Changed():
                self._changed(effect.status, parts)
            case effects.Stepped():
                self._operations.step(effect)
            case effects.Launch():
                self._launch(effect, parts)
            case effects.Kill():
                parts.connector.kill(effect.token)
            case effects.Forget(token):
                parts.watching.forget(token)
                parts.keeper.after_stored(lambda: parts.connector.forget(token))
            case effects.Signal():
                parts.connector.signal(effect.token, effect.number)
            case effects.SetTimer():
                self._set_timer(effect)
            case effects.ClearTimer():
                self._clear_timer(effect.subject)
            case effects.StartProbe():
                self._probe(effect, parts)
            case effects.StopProbe():
                parts.watching.stop(effect.token)
            case effects.StartWatch():
                self._watch(effect, parts)
            case effects.StopWatch(token):
                parts.watching.unwatch(token)
            case effects.Demand():
                parts.attendant.attend(effect)
            case effects.RunHook() | effects.StopHook():
                self._hook(effect, parts)
            case effects.Removed(instance):
                self._traces.pop(instance, None)
                self._board.remove(instance)
                parts.keeper.drop(instance)
            case effects.WantedChanged(instance, wanted):
                parts.keeper.want(instance, wanted)
            case effects.Renamed(was, instance):
                self._rename(was, instance, parts)
            case effects.Joined(operation, instances):
                self._operations.join(operation, instances)
            case effects.Arrived():
                self._arrive(effect)
            case effects.OperationDone():
                self._operations.end(effect.operation, effect.outcome, effect.message, effect.code)
            case effects.EssentialLost():
                parts.essentials.lost(effect)
            case effects.Scheduled(schedules):
                parts.scheduler.use(schedules)
            case effects.PhaseChanged(phase):
                self._board.enter(phase)
            case _:
                assert_never(effect)

    def _launch(self, effect: effects.Launch, parts: Parts) -> None:
        try:
            launch = parts.blueprints.launch(effect.instance, effect.token, effect.digest)
        except SnowFoxError as error:
            self.tell(event.LaunchRefused(effect.instance, effect.token, str(error), error.hint))
        else:
            with within(self._trace(effect.instance)):
                parts.connector.launch(launch)

    def _probe(self, effect: effects.StartProbe, parts: Parts) -> None:
        try:
            ready = parts.blueprints.ready(effect.instance)
        except SnowFoxError as error:
            self.tell(event.ProbeFailed(effect.token, str(error)))
        else:
            parts.watching.start(effect.instance, effect.token, ready)

    def _watch(self, effect: effects.StartWatch, parts: Parts) -> None:
        try:
            alive = parts.blueprints.alive(effect.instance)
        except SnowFoxError as error:
            self._log.error("cannot watch", instance=effect.instance, error=str(error))
        else:
            watchdog = parts.blueprints.watchdog(effect.instance)
            parts.watching.watch(effect.instance, effect.token, alive, watchdog)

    def _hook(self, effect: effects.RunHook | effects.StopHook, parts: Parts) -> None:
        if isinstance(effect, effects.StopHook):
            parts.hooks.stop(effect.token)
            return
        with within(self._trace(effect.instance)):
            parts.hooks.run(effect, (parts.blueprints, *self._former))

    def _set_timer(self, effect: effects.SetTimer) -> None:
        self._clear_timer(effect.subject)
        subject, name = effect.subject, effect.name

        def fire() -> None:
            del self._timers[subject]
            self.tell(event.TimerFired(subject, name))

        self._timers[subject] = self._alarms.set(effect.seconds, fire)

    def _clear_timer(self, subject: str) -> None:
        timer = self._timers.pop(subject, None)
        if timer is not None:
            self._alarms.clear(timer)

    def _changed(self, status: Status, parts: Parts) -> None:
        self._board.put(status)
        parts.keeper.remember(status)
        self._operations.changed(status)

    def _emit(self, effect: effects.Emit, parts: Parts) -> None:
        with within(self._trace(effect.subject)):
            parts.bus.emit(effect.fact, subject=effect.subject)

    def _trace(self, subject: str) -> Trace:
        """The trace that what this subject does now belongs to."""
        operation = self._operations.of(subject)
        if operation is not None:
            return operation.trace
        found = self._traces.get(subject)
        if found is None:
            found = Trace(self._ids.new(), "")
            if subject in self._board.statuses:
                self._traces[subject] = found
        return found
