"""The engine: what happens to a node's instances, decided. Events in, effects out.

Pure and synchronous: time comes with each event, chance and ids by what it was given; the same events give the same
effects. Whatever comes, `handle` does not raise: what is late, unknown or impossible changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import assert_never

from snowfox.manager.engine.adoption import REMOVED, UNWANTED, take_over, unwanted, want_all
from snowfox.manager.engine.demand import Demands
from snowfox.manager.engine.fleet import Fleet
from snowfox.manager.engine.group import Member
from snowfox.manager.engine.hearing import beside, hear, notified, probe_failed
from snowfox.manager.engine.move import move
from snowfox.manager.engine.renewing import recycle
from snowfox.manager.engine.rollout import HOLD, Rollout
from snowfox.manager.engine.schedules import Schedules
from snowfox.manager.engine.ties import Ties
from snowfox.manager.engine.view import status_of
from snowfox.manager.engine.watches import Watches
from snowfox.manager.engine.wishes import Wishes
from snowfox.service.effects import (
    Changed,
    Effect,
    Emit,
    EssentialLost,
    Forget,
    Kill,
    PhaseChanged,
    WantedChanged,
)
from snowfox.service.event import (
    Abandon,
    Ailing,
    Ask,
    Begin,
    Due,
    Ended,
    Event,
    Followed,
    HookEnded,
    Idle,
    KillAll,
    Launched,
    LaunchRefused,
    Missed,
    Notified,
    Planned,
    ProbeAnswered,
    ProbeFailed,
    Reconfigure,
    Recycle,
    Retire,
    Signalled,
    StopAll,
    TimerFired,
    Unwell,
    Wanted,
)
from snowfox.service.fact import PhaseFact
from snowfox.service.instance import Input, Turn
from snowfox.service.life import leave, step
from snowfox.service.spec import Configuration
from snowfox.service.status import Status
from snowfox.values import Seconds

GOING = "the node goes down"

Happening = Launched | LaunchRefused | Ended | Notified | ProbeAnswered | ProbeFailed | Ailing | Unwell
"""What a launch does, or what is found out about it."""


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
        self._rollout = Rollout(self._fleet, self._watches.lose)
        self._wishes = Wishes(self._fleet, self._watches, self._rollout.renew)
        self._ties = Ties(self._fleet)
        self._demands = Demands(self._fleet)
        self._schedules = Schedules(self._fleet)
        self._strays: list[Member] = []
        self._moved_by = ""
        self.phase = ""

    def handle(self, event: Event, now: Seconds) -> list[Effect]:  # noqa: C901, PLR0912 - a table
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
            case Recycle():
                recycle(fleet, event, self._rollout.renew)
            case Signalled() | HookEnded() | Followed():
                beside(fleet, event)
            case Reconfigure():
                self._reconfigure(event)
            case Retire(operation):
                self._retire(operation)
            case Abandon(operation):
                self._watches.drop(operation)
            case Wanted() | Idle():
                self._demands.take(event)
            case StopAll():
                self._stop_all(event.operation)
            case KillAll():
                self._kill_all()
            case Planned() | Due() | Missed():
                self._schedules.take(event)
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
        self._ties.look(fleet.dirty)
        self._rollout.look(fleet.dirty)
        fleet.drain()
        changed = list(fleet.dirty)
        fleet.dirty.clear()
        self._demands.look(changed)
        turn.effects += [
            Changed(status_of(fleet, member, turn.now))
            for member in changed
            if member.instance.id in fleet.members
        ]
        turn.effects += [
            EssentialLost(member.instance.id, member.instance.exit)
            for member in changed
            if member.group.service.essential and member.instance.state == "failed" and not fleet.is_going
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
        fleet.asked.update(event.wanted)
        want_all(fleet, event.wanted)
        for member in fleet.members.values():
            fleet.touch(member)
        take_over(fleet, event)
        fleet.drain()
        chosen = _to_run(self._fleet)
        self._watches.open(event.operation, "up", chosen)
        for member in chosen:
            if member.instance.state == "stopped":
                restarts = member.instance.restarts
                fleet.start(member)
                member.instance.restarts = restarts
        self._rollout.begin()
        self._schedules.begin()

    # Another configuration

    def _reconfigure(self, event: Reconfigure) -> None:
        fleet = self._fleet
        if fleet.is_going or not self.phase:
            self._watches.refuse_part(event.operation, self._why_not())
            return
        moved = move(fleet, event.configuration, is_back=event.operation == self._moved_by)
        self._moved_by = event.operation
        self._strays = moved.strays
        fleet.stop(unwanted(fleet), UNWANTED)
        starting = [member for member in _to_run(self._fleet) if _is_to_be_started(member)]
        for member in starting:  # before the rollout: it may be one that has to end for another
            fleet.start(member)
        replaced = self._rollout.begin()
        watched = dict.fromkeys((*moved.fresh, *starting, *replaced))
        self._demands.begin()
        self._watches.open(event.operation, "apply", [one for one in watched if fleet.is_to_run(one)])
        self._schedules.begin()

    def _retire(self, operation: str) -> None:
        strays = [member for member in self._strays if member.is_alive]
        self._strays = []
        fleet = self._fleet
        for name in [one for one in fleet.asked if one not in fleet.members and one not in fleet.groups]:
            del fleet.asked[name]  # whoever defines it again means something else
            fleet.turn.effects.append(WantedChanged(name, None))
        self._watches.open(operation, "retire", strays)
        self._fleet.stop(list(reversed(strays)), REMOVED)

    def _why_not(self) -> str:
        return "the node is stopping" if self._fleet.is_going else "the node is not up yet"

    def _stop_all(self, operation: str) -> None:
        if self._watches.is_under_way(operation):
            return
        fleet = self._fleet
        members = list(fleet.members.values())
        # What has no process has nothing to tell: a task that finished stays so for whoever reads the last lines.
        running = [member for member in members if member.is_alive]
        self._watches.open(operation, "down", running)
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
        if self._watches.is_under_way(event.operation):
            return
        if self._fleet.is_going or not self.phase:
            why = "stopping" if self._fleet.is_going else "not up yet"
            self._watches.refuse(event.operation, f"cannot {event.verb}: the node is {why}", 1)
            return
        self._wishes.ask(event)

    # Processes

    def _process(self, event: Happening) -> None:
        member = self._fleet.owner(event.token)
        leaving = None if member is None else member.outgoing
        if member is not None and member.instance.token == event.token:
            if isinstance(event, ProbeFailed | Ailing):
                probe_failed(self._fleet, member, event)
            elif isinstance(event, Notified):
                notified(self._fleet, member, event)
            else:
                if isinstance(event, Ended):
                    self._demands.ends(member, event)
                self._fleet.tell(member, _input(event))
        elif member is not None and leaving is not None and leaving.token == event.token:
            if isinstance(event, Ended) and leaving.state in {"ready", "failing"}:
                leave(leaving, event.exit, self._fleet.turn)
            elif isinstance(event, Notified):
                hear(leaving, event, self._fleet.turn)
            elif not isinstance(event, ProbeFailed | Ailing | Unwell):  # it goes as soon as it can
                step(leaving, _input(event), self._fleet.turn)
            self._fleet.see_off(member)
        else:
            self._fleet.turn.effects += _stale(event)
        if isinstance(event, Ended):
            self._fleet.elsewhere.pop(event.token, None)

    def _timer(self, subject: str, name: str) -> str:
        """A timer is due; the operation that it belongs to, or ""."""
        fleet = self._fleet
        identity, mark, rest = subject.partition("~")
        member = fleet.members.get(identity)
        if member is None:
            return "" if mark else subject
        if mark and f"{mark}{rest}" == HOLD:
            self._rollout.held(member)
        elif mark and member.outgoing is not None and member.outgoing.timer == name:
            member.outgoing.timer = ""
            step(member.outgoing, Input(name), fleet.turn)
            fleet.see_off(member)
        elif not mark and member.instance.timer == name:
            member.instance.timer = ""
            fleet.tell(member, Input(name, text="delay"))
        return ""


def _to_run(fleet: Fleet) -> list[Member]:
    """All that is to run, in order of start."""
    members = (member for name in fleet.graph.order for member in fleet.groups[name].members)
    return [member for member in members if fleet.is_to_run(member)]


def _stale(event: Happening) -> list[Effect]:
    """Of a launch that is over: a process that came late has no place, an end needs to be kept no longer."""
    match event:
        case Launched(instance, token):
            return [Kill(instance, token)]
        case Ended(token):
            return [Forget(token)]
        case _:
            return []


def _is_to_be_started(member: Member) -> bool:
    """Of one that is to run: whether it does not, or was about to end for good."""
    instance = member.instance
    ends = member.leaving or instance.state in {"stopping", "stuck"}
    return instance.state == "stopped" or (ends and not (instance.again or member.comes_back))


def _input(event: Launched | LaunchRefused | Ended | ProbeAnswered | Unwell) -> Input:
    """As an instance is told it."""
    match event:
        case Launched(_, _, pid, started):
            return Input("launched", pid=pid, started=started)
        case LaunchRefused(_, _, text, hint, is_temporary):
            return Input("refused", text=text, hint=hint, is_temporary=is_temporary)
        case Ended(_, exit):
            return Input("exited", exit=exit)
        case ProbeAnswered(_, by):
            return Input("ready", text=by)
        case Unwell(_, cause, text, silent):
            return Input("unwell", text=text, cause=cause, silent=silent)
        case _:
            assert_never(event)
