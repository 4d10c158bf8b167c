"""The engine: what happens to a node's instances, decided. Events in, effects out.

Pure and synchronous: time comes with each event, chance and ids by what it was given; the same events give the same
effects. Whatever comes, `handle` does not raise: what is late, unknown or impossible changes nothing.

What a person asks, in the words of `configuration.md`:

- `start`: what it requires is started too. What had been stopped because one of these was, comes back.
- `stop`: lasts. What requires it (all instances of it) is stopped before it, and comes back with it.
- `restart`: a stop and a start; so what requires it is stopped before it and comes back after, too, where all running
  instances of a service are restarted. What merely comes after it stays.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import assert_never

from snowfox.manager.engine.adoption import instance_of, take_over, want_all
from snowfox.manager.engine.fleet import Fleet
from snowfox.manager.engine.group import Group, Member
from snowfox.manager.engine.view import few, status_of
from snowfox.manager.engine.watches import Watches
from snowfox.service.effects import Changed, Effect, Emit, Forget, Kill, PhaseChanged, WantedChanged
from snowfox.service.event import (
    Ask,
    Begin,
    Ended,
    Event,
    KillAll,
    Launched,
    LaunchRefused,
    Notified,
    ProbeAnswered,
    ProbeFailed,
    StopAll,
    TimerFired,
)
from snowfox.service.fact import PhaseFact, ProbeFailedFact
from snowfox.service.instance import Input, Turn
from snowfox.service.spec import Configuration
from snowfox.service.status import Status
from snowfox.values import Seconds

GOING = "the node goes down"
BY_PERSON = "stopped by a person"


class Engine:
    """Decides for all instances of a configuration.

    Args:
        configuration: checked.
        ids: gives a new id of 26 characters for each launch, growing.
        random: for jitter.
    """

    def __init__(
        self, configuration: Configuration, ids: Callable[[], str], random: Random | None = None
    ) -> None:
        self._random = random or Random()  # noqa: S311 - jitter, not a secret
        self._fleet = Fleet(configuration, ids, self._random)
        self._watches = Watches(self._fleet, configuration.node)
        self.phase = ""

    def handle(self, event: Event, now: Seconds) -> list[Effect]:
        """What to do about an event, in order. `now` is monotonic and never goes back."""
        fleet = self._fleet
        turn = fleet.turn = Turn(now, self._random)
        due = ""
        match event:
            case TimerFired(subject, name):
                due = self._timer(subject, name)
            case Begin():
                self._begin(event)
            case Ask():
                self._ask(event)
            case StopAll():
                self._stop_all(event.operation)
            case KillAll():
                self._kill_all()
            case _:
                self._process(event)
        self._finish(due)
        return turn.effects

    def status(self, instance: str, now: Seconds) -> Status | None:
        """How an instance is now, its message with the times of now; None for an unknown one."""
        member = self._fleet.members.get(instance)
        return status_of(self._fleet, member, now) if member else None

    def _finish(self, due: str) -> None:
        fleet = self._fleet
        turn = fleet.turn
        fleet.drain()
        changed = list(fleet.dirty)
        fleet.dirty.clear()
        turn.effects += [
            Changed(status_of(fleet, member, turn.now))
            for member in changed
            if member.instance.id in fleet.members
        ]
        for verb in self._watches.look(changed, due):
            if verb == "up" and self.phase == "starting":
                self._enter("up")
        if self.phase == "stopping" and not fleet.running:
            self._enter("down")

    def _enter(self, phase: str) -> None:
        self.phase = phase
        self._fleet.turn.effects += [PhaseChanged(phase), Emit("node", PhaseFact(phase))]

    # The node

    def _begin(self, event: Begin) -> None:
        if self.phase:
            return
        fleet = self._fleet
        self._enter("starting")
        for member in fleet.members.values():
            member.instance.since = fleet.turn.now
        want_all(fleet, event.wanted)
        for member in fleet.members.values():
            fleet.touch(member)
        take_over(fleet, event)
        fleet.drain()
        chosen = [
            member
            for name in fleet.graph.order
            for member in fleet.groups[name].members
            if fleet.is_to_run(member)
        ]
        self._watches.open(event.operation, "up", chosen)
        for member in chosen:
            if member.instance.state == "stopped":
                restarts = member.instance.restarts
                fleet.start(member)
                member.instance.restarts = restarts

    def _stop_all(self, operation: str) -> None:
        if self._watches.is_under_way(operation):
            return
        fleet = self._fleet
        members = list(fleet.members.values())
        self._watches.open(operation, "down", members)
        if self.phase == "down":
            return
        self._go_down()
        for member in members:
            fleet.touch(member)
        fleet.stop(members, GOING)

    def _kill_all(self) -> None:
        self._go_down()
        for member in list(self._fleet.members.values()):
            self._fleet.touch(member)
        self._fleet.kill(GOING)

    def _go_down(self) -> None:
        self._fleet.is_going = True
        if self.phase not in {"stopping", "down"}:
            self._enter("stopping")

    # People

    def _ask(self, event: Ask) -> None:
        fleet, watches = self._fleet, self._watches
        if watches.is_under_way(event.operation):
            return
        if fleet.is_going or not self.phase:
            why = "stopping" if fleet.is_going else "not up yet"
            watches.refuse(event.operation, f"cannot {event.verb}: the node is {why}", 1)
            return
        targets = {name: fleet.members.get(name) for name in event.instances}
        members = [member for member in targets.values() if member and not member.group.is_stray]
        if len(members) < len(targets):
            unknown = [name for name, member in targets.items() if not member or member.group.is_stray]
            watches.refuse(event.operation, f"there is no instance {few(unknown)}", 4)
            return
        match event.verb:
            case "start":
                self._start(event.operation, members)
            case "stop":
                self._stop(event.operation, members)
            case "restart":
                self._restart(event.operation, members)
            case _:
                watches.refuse(event.operation, f"an instance cannot be asked to {event.verb}", 2)

    def _start(self, operation: str, targets: list[Member]) -> None:
        called = self._call(targets)
        self._watches.open(operation, "start", called)
        self._start_each(called)

    def _call(self, targets: list[Member]) -> list[Member]:
        """Want these and what they need; all that has to be started for it, in order of start."""
        fleet = self._fleet
        called: dict[Member, None] = dict.fromkeys(targets)
        asked = frozenset(targets)
        chosen = {member.group.name for member in targets}
        flipped: dict[Member, None] = {}
        for name in fleet.graph.needed_by(chosen):
            group = fleet.groups[name]
            wanted = [member for member in group.members if member in asked or member.wants]
            for member in wanted or group.members:
                self._want(member, flipped, wants=True)
                if name not in chosen and _has_given_up(member):
                    called[member] = None
        called.update((member, None) for member in flipped if fleet.is_to_run(member))
        for member in flipped:
            fleet.touch(member)
        return self._in_order(called)

    def _in_order(self, members: dict[Member, None]) -> list[Member]:
        groups: dict[str, list[Member]] = {}
        for member in members:
            groups.setdefault(member.group.name, []).append(member)
        return [member for name in self._fleet.graph.sorted(groups) for member in groups[name]]

    def _start_each(self, members: list[Member]) -> None:
        self._fleet.drain()
        for member in members:
            if self._fleet.is_to_run(member):
                self._fleet.start(member)

    def _want(self, member: Member, flipped: dict[Member, None], *, wants: bool) -> None:
        if member.wants is wants:
            return
        self._fleet.want(member, flipped, wants=wants)
        is_usual = wants and member.group.service.autostart
        word = None if is_usual else "started" if wants else "stopped"
        self._fleet.turn.effects.append(WantedChanged(member.instance.id, word))

    def _stop(self, operation: str, targets: list[Member]) -> None:
        fleet = self._fleet
        flipped: dict[Member, None] = {}
        for member in targets:
            self._want(member, flipped, wants=False)
        stopped = dict.fromkeys(targets)
        stopped.update((member, None) for member in flipped)
        self._watches.open(operation, "stop", self._in_order(stopped))
        for member in flipped:
            fleet.touch(member)
        asked = dict.fromkeys(targets)
        names = few(list(dict.fromkeys(member.group.name for member in targets)))
        # All are marked before the first ends: whoever starts later ends earlier.
        behind = [member for member in stopped if member not in asked]
        fleet.stop(behind, f"stopped with {names}")
        fleet.stop(asked, BY_PERSON)

    def _restart(self, operation: str, targets: list[Member]) -> None:
        fleet = self._fleet
        called = self._call(targets)
        asked = dict.fromkeys(targets)
        ending = {member: None for member in targets if member.instance.is_alive}
        ending.update(dict.fromkeys(self._behind(asked)))
        order = self._in_order({**dict.fromkeys(called), **ending})
        self._watches.open(operation, "restart", order)
        # From the end of the order on, so that whoever starts later is marked earlier.
        stopping = [member for member in reversed(order) if member in ending]
        fleet.stop(stopping, "restarted", again=True)
        self._start_each([member for member in order if member not in ending])

    def _behind(self, asked: dict[Member, None]) -> list[Member]:
        """Running members of the services that require a service of which all that runs is restarted."""
        fleet = self._fleet
        whole: list[Group] = []
        for group in dict.fromkeys(member.group for member in asked):
            running = [member for member in group.members if member.instance.is_alive]
            if running and all(member in asked for member in running):
                whole.append(group)
        names = fleet.graph.needing(group.name for group in whole)
        return [
            member
            for name in names
            for member in fleet.groups[name].members
            if member.instance.is_alive and fleet.is_to_run(member) and fleet.groups[name] not in whole
        ]

    # Processes

    def _process(
        self, event: Launched | LaunchRefused | Ended | Notified | ProbeAnswered | ProbeFailed
    ) -> None:
        member = self._fleet.members.get(instance_of(event.token))
        if member is None or member.instance.token != event.token:
            self._stale(event)
            return
        tell = self._fleet.tell
        match event:
            case Launched(_, _, pid, started):
                tell(member, Input("launched", pid=pid, started=started))
            case LaunchRefused(_, _, text, hint, is_temporary):
                tell(member, Input("refused", text=text, hint=hint, is_temporary=is_temporary))
            case Ended(_, exit):
                tell(member, Input("exited", exit=exit))
            case Notified():
                tell(member, Input("ready", text="notified"))
            case ProbeAnswered():
                tell(member, Input("ready", text="probed"))
            case ProbeFailed(_, text):
                self._probe_failed(member, text)
            case _:
                assert_never(event)

    def _stale(
        self, event: Launched | LaunchRefused | Ended | Notified | ProbeAnswered | ProbeFailed
    ) -> None:
        """Of a launch that is over: a process that came late has no place, an end needs to be kept no longer."""
        match event:
            case Launched(instance, token):
                self._fleet.turn.effects.append(Kill(instance, token))
            case Ended(token):
                self._fleet.turn.effects.append(Forget(token))
            case _:
                pass

    def _probe_failed(self, member: Member, text: str) -> None:
        instance = member.instance
        if instance.state == "starting" and instance.wait.probes and text != instance.probe:
            instance.probe = text
            self._fleet.touch(member)
            instance.emit(ProbeFailedFact(text), self._fleet.turn)

    def _timer(self, subject: str, name: str) -> str:
        """A timer is due; the operation that it belongs to, or ""."""
        member = self._fleet.members.get(subject)
        if member is None:
            return subject
        if member.instance.timer == name:
            member.instance.timer = ""
            self._fleet.tell(member, Input(name, text="delay"))
        return ""


def _has_given_up(member: Member) -> bool:
    """Whether what requires it would wait in vain, or long, unless it is started anew."""
    state = member.instance.state
    return state in {"failed", "backoff"} or (state == "finished" and not member.group.service.is_task)
