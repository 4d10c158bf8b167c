"""A stage: an engine with a driver of virtual time and processes that do as they are told. For tests.

```python
stage = Stage(Service("cache", ("x",)), Service("web", ("x",), requires=("cache",)))
stage.up()
stage.exit("web", Exit(1))
stage.advance(0.1)
assert stage.state("web") == "ready"
```
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import count
from random import Random

from snowfox.core.event.fact import Fact
from snowfox.manager.engine.engine import Engine
from snowfox.service import effects, event
from snowfox.service.schedule import Schedule
from snowfox.service.spec import Configuration, Service, Socket
from snowfox.service.status import Status
from snowfox.values import Exit, Seconds


def configuration_of(*services: Service, sockets: dict[str, Socket] | None = None) -> Configuration:
    """One of these services and sockets."""
    return Configuration("test", {each.name: each for each in services}, sockets or {}, "0" * 64, "/")


class Seen:
    """What can be seen of a stage."""

    engine: Engine
    now: Seconds
    running: dict[str, str]
    statuses: dict[str, Status]
    facts: list[tuple[str, Fact]]

    def token(self, instance: str) -> str:
        """Of its process. Raises IndexError without one."""
        return self.tokens(instance)[0]

    def tokens(self, instance: str) -> list[str]:
        """Of its processes, the oldest first."""
        return [token for token, owner in self.running.items() if owner == instance]

    def found(self, instance: str, *, exit: Exit | None = None) -> event.Found:
        """As the next manager finds its process, alive or ended."""
        status = self.statuses[instance]
        token = status.token or status.last
        return event.Found(token, status.pid, status.started, self.now - status.since, exit, status.digest)

    def state(self, instance: str) -> str:
        """As `status` shows it."""
        return self.statuses[instance].state

    def light(self, instance: str) -> str:
        """As `status` shows it."""
        return self.statuses[instance].light

    def message(self, instance: str) -> str:
        """As `status` shows it now."""
        status = self.engine.status(instance, self.now)
        return status.message if status else ""

    def kinds(self, instance: str) -> list[str]:
        """Kinds of the facts about it, without `service.`."""
        return [fact.kind.removeprefix("service.") for subject, fact in self.facts if subject == instance]


class Stage(Seen):
    """A node without processes.

    Args:
        services: its configuration.
        sockets: what is in each configuration besides.

    Attributes:
        now: the time; moved by `advance`.
        running: tokens of the processes that are there, with their instance.
        held: instances whose launch gets no answer until `answer`.
        refusals: instances whose launch is refused, with the event's last fields.
        stubborn: instances that ignore signals.
        immortal: instances that ignore SIGKILL.
        short: instances that end at once, and how.
        beside: how many processes of an instance there may be besides a new one: 1 while it is replaced rolling.
        watched: instances that are asked if they are alive, by token.
        arrived: ends of `apply` and `retire`.
        digests: what each launch was made from, by token.
        demands: what is to be told of services that start on demand.
        hooks: hooks that ran, as instance and name.
        hooking: the last hook of each launch.
        slow_hooks: names of hooks that end only with `end_hook`.
        bad_hooks: why hooks of a name fail.
        launches: instances in the order of their launch.
        ends: instances in the order in which they were signalled.
        schedules, facts, steps, done, wanted, statuses, phases, lost: what the engine told.
    """

    def __init__(
        self, *services: Service, ids: Iterable[str] | None = None, sockets: dict[str, Socket] | None = None
    ) -> None:
        self._sockets = sockets
        configuration = configuration_of(*services, sockets=sockets)
        self._ids = iter(ids or (f"{number:026}" for number in count(1)))
        self.engine = Engine(configuration, lambda: next(self._ids), Random(7))
        self.now: Seconds = 1000.0
        self.running: dict[str, str] = {}
        self.held: set[str] = set()
        self.refusals: dict[str, tuple[str, str, bool]] = {}
        self.stubborn: set[str] = set()
        self.immortal: set[str] = set()
        self.short: dict[str, Exit] = {}
        self.launches: list[str] = []
        self.ends: list[str] = []
        self.facts: list[tuple[str, Fact]] = []
        self.steps: list[effects.Stepped] = []
        self.joined: dict[str, tuple[str, ...]] = {}
        self.done: dict[str, effects.OperationDone] = {}
        self.wanted: dict[str, str] = {}
        self.statuses: dict[str, Status] = {}
        self.phases: list[str] = []
        self.forgotten: list[str] = []
        self.killed: list[str] = []
        self.probes: dict[str, str] = {}
        self.watched: dict[str, str] = {}
        self.timers: dict[str, tuple[Seconds, str]] = {}
        self.arrived: list[effects.Arrived] = []
        self.digests: dict[str, str] = {}
        self.hooks: list[tuple[str, str]] = []
        self.hooking: dict[str, effects.RunHook] = {}
        self.slow_hooks: set[str] = set()
        self.bad_hooks: dict[str, str] = {}
        self.lost: list[effects.EssentialLost] = []
        self.demands: dict[str, effects.Demand] = {}
        self.changes = self.beside = 0
        self.schedules: dict[str, Schedule] = {}
        self._waiting: dict[str, str] = {}
        self._queue: deque[event.Event] = deque()
        self._pid = 100

    # Doing

    def up(
        self,
        *,
        found: tuple[event.Found, ...] = (),
        remembered: dict[str, Status] | None = None,
        wanted: dict[str, str] | None = None,
    ) -> None:
        """Begin. Processes found alive are there."""
        for each in found:
            if each.exit is None:
                self.running[each.token] = each.token.rpartition("~")[0]
        self.tell(event.Begin("up", wanted or {}, found, remembered or {}))

    def ask(self, verb: str, *instances: str) -> str:
        """A person asks; the id of the operation."""
        operation = f"{verb}-{len(self.done) + len(self.steps) + self.changes}"
        self.tell(event.Ask(operation, verb, instances))
        return operation

    def tell(self, *events: event.Event) -> None:
        """Events, and all that follows from them at once."""
        self._queue.extend(events)
        while self._queue:
            for effect in self.engine.handle(self._queue.popleft(), self.now):
                self._perform(effect)

    def apply(self, *services: Service, operation: str = "apply") -> None:
        """Another configuration is to be what runs."""
        self.tell(event.Reconfigure(operation, configuration_of(*services, sockets=self._sockets)))

    def retire(self, operation: str = "apply") -> None:
        """Stop what has no place any more."""
        self.tell(event.Retire(operation))

    def exit(self, instance: str, exit: Exit) -> None:
        """Its process ends."""
        self.exit_token(self.token(instance), exit)

    def exit_token(self, token: str, exit: Exit) -> None:
        """This process ends."""
        del self.running[token]
        self.tell(event.Ended(token, exit))

    def end_hook(self, instance: str, text: str = "") -> None:
        """The hook of an instance that runs ends."""
        token = next(token for token, one in self.hooking.items() if one.instance == instance)
        self.tell(event.HookEnded(token, self.hooking.pop(token).name, text))

    def answer(self, instance: str) -> None:
        """The launch that was held succeeds."""
        self.held.discard(instance)
        self._launch(instance, self._waiting.pop(instance))
        self.tell()

    def advance(self, seconds: Seconds) -> None:
        """Let time pass; timers fire in order."""
        end = self.now + seconds
        while self.timers:
            subject, (when, name) = min(self.timers.items(), key=lambda item: item[1][0])
            if when > end:
                break
            del self.timers[subject]
            self.now = max(self.now, when)
            self.tell(event.TimerFired(subject, name))
        self.now = end

    # Performing

    def _perform(self, effect: effects.Effect) -> None:
        match effect:
            case effects.Launch(instance, token, digest):
                self.digests[token] = digest
                self._make(instance, token)
            case effects.Signal(instance, token):
                self.ends.append(instance)
                if instance not in self.stubborn:
                    self._end(token, Exit(signal=15))
            case effects.Kill(instance, token):
                self.killed.append(token)
                if instance not in self.immortal:
                    self._end(token, Exit(signal=9))
            case effects.SetTimer(subject, name, seconds):
                self.timers[subject] = (self.now + seconds, name)
            case effects.ClearTimer(subject):
                self.timers.pop(subject, None)
            case _:
                self._look(effect)

    def _look(self, effect: effects.Effect) -> None:
        match effect:
            case effects.RunHook(instance, token, name):
                self.hooks.append((instance, name))
                self.hooking[token] = effect
                if name not in self.slow_hooks:
                    self._queue.append(event.HookEnded(token, name, self.bad_hooks.get(name, "")))
            case effects.StopHook(token):
                self.hooking.pop(token, None)
            case effects.StartProbe(instance, token):
                self.probes[instance] = token
            case effects.StopProbe(instance, _):
                self.probes.pop(instance, None)
            case effects.StartWatch(instance, token):
                self.watched[token] = instance
            case effects.StopWatch(token):
                self.watched.pop(token, None)
            case _:
                _note(self, effect)

    def _make(self, instance: str, token: str) -> None:
        twins = sum(owner == instance for owner in self.running.values())
        if twins > self.beside or instance in self._waiting:
            raise AssertionError(f"{instance} is launched a second time")
        self.launches.append(instance)
        if instance in self.refusals:
            text, hint, is_temporary = self.refusals[instance]
            self._queue.append(event.LaunchRefused(instance, token, text, hint, is_temporary))
        elif instance in self.held:
            self._waiting[instance] = token
        else:
            self._launch(instance, token)

    def _launch(self, instance: str, token: str) -> None:
        self._pid += 1
        self.running[token] = instance
        self._queue.append(event.Launched(instance, token, self._pid, self._pid))
        if instance in self.short:
            self._end(token, self.short[instance])

    def _end(self, token: str, exit: Exit) -> None:
        if self.running.pop(token, None) is not None:
            self._queue.append(event.Ended(token, exit))


def _note(stage: Stage, effect: effects.Effect) -> None:
    match effect:
        case effects.Renamed(was, instance):
            stage.running = {t: instance if o == was else o for t, o in stage.running.items()}
        case effects.Forget(token):
            stage.forgotten.append(token)
        case effects.Changed(status):
            stage.changes += 1
            stage.statuses[status.id] = status
        case effects.Removed(instance):
            del stage.statuses[instance]
        case effects.WantedChanged(instance, wanted):
            stage.wanted.pop(instance, None)
            if wanted is not None:
                stage.wanted[instance] = wanted
        case effects.Emit(subject, fact):
            stage.facts.append((subject, fact))
        case effects.Stepped():
            stage.steps.append(effect)
        case effects.Joined(operation, instances):
            stage.joined[operation] = instances
        case _:
            _note_end(stage, effect)


def _note_end(stage: Stage, effect: effects.Effect) -> None:
    match effect:
        case effects.OperationDone():
            stage.done[effect.operation] = effect
        case effects.Demand(service):
            stage.demands[service] = effect
        case effects.Arrived():
            stage.arrived.append(effect)
        case effects.EssentialLost():
            stage.lost.append(effect)
        case effects.Scheduled(schedules):
            stage.schedules = schedules
        case effects.PhaseChanged(phase):
            stage.phases.append(phase)
        case _:
            msg = f"no way to perform {effect}"
            raise AssertionError(msg)
