"""The operations under way: who is watched for them, their steps, their ends."""

from __future__ import annotations

from collections.abc import Iterable

from snowfox.manager.engine.fleet import Fleet
from snowfox.manager.engine.group import Member
from snowfox.manager.engine.view import few, reason_of
from snowfox.manager.engine.watch import Watch
from snowfox.service.effects import Arrived, ClearTimer, Emit, OperationDone, SetTimer, Stepped
from snowfox.service.fact import OperationEnded, OperationStarted
from snowfox.values import Seconds


class Watches:
    """The operations under way.

    Args:
        fleet: whose members they watch.
        node: the node's name, for their last words.
    """

    def __init__(self, fleet: Fleet, node: str) -> None:
        self._fleet = fleet
        self._node = node
        self._all: dict[str, Watch] = {}

    def is_under_way(self, operation: str) -> bool:
        """Whether there is one with this id."""
        return operation in self._all

    def open(
        self, operation: str, verb: str, members: Iterable[Member], ousted: Iterable[Member] = ()
    ) -> None:
        """Begin one that watches these. A part that is under way goes without a word for another part.

        Those that are `ousted` have a step each once they are gone, and nothing hangs on them.
        """
        turn = self._fleet.turn
        watch = Watch(operation, verb, turn.now)
        if watch.is_part:
            for other in [one for one in self._all.values() if one.is_part]:
                self._unwatch(other)
                if other.operation != operation:
                    self.refuse_part(other.operation, "another change took its place")
        self._all[operation] = watch
        for member in members:
            watch.pending[member.instance.id] = None
            member.watches = (*member.watches, watch)
            self._fleet.dirty.setdefault(member)
        for member in ousted:
            if member.instance.id not in watch.pending:
                watch.ousted[member.instance.id] = None
                member.watches = (*member.watches, watch)
        if not watch.is_part:
            turn.effects.append(Emit(operation, OperationStarted(verb, len(watch.pending))))

    def drop(self, operation: str) -> None:
        """Watch no longer for this one."""
        watch = self._all.get(operation)
        if watch is not None:
            self._unwatch(watch)

    def lose(self, member: Member, why: str) -> None:
        """It runs, and what these wanted of it will not be."""
        identity, turn = member.instance.id, self._fleet.turn
        for watch in member.watches:
            if watch.goes_up and not watch.is_part:
                member.watches = tuple(other for other in member.watches if other is not watch)
                watch.why[identity] = why
                if watch.settle(identity, False):  # noqa: FBT003 - the verdict
                    turn.effects.append(
                        Stepped(watch.operation, identity, member.instance.state, why, is_well=False)
                    )

    def refuse(self, operation: str, message: str, code: int) -> None:
        """End one that never began."""
        self._fleet.turn.effects.append(OperationDone(operation, "failed", message, code))

    def refuse_part(self, operation: str, message: str) -> None:
        """End a part that never began."""
        self._fleet.turn.effects.append(Arrived(operation, False, message))  # noqa: FBT003 - a field

    def look(self, dirty: Iterable[Member], due: str = "") -> list[str]:
        """After an event: steps and ends. `due`: the operation whose timer fired. Gives the verbs that ended."""
        touched: dict[Watch, None] = {}
        for member in dirty:
            for watch in member.watches:
                touched[watch] = None
                self._judge(watch, member)
        if due in self._all:
            watch = self._all[due]
            watch.timer = 0.0
            touched[watch] = None
            for identity in watch.pass_deadlines(self._fleet.turn.now):
                self._judge(watch, self._fleet.members[identity])
        # One that waits for nobody, be it that they are no more, has nobody who changes.
        touched.update((watch, None) for watch in self._all.values() if not watch.pending)
        return [watch.verb for watch in touched if self._end_or_wait(watch)]

    def _judge(self, watch: Watch, member: Member) -> None:
        if member.instance.id in watch.ousted:
            self._see_off(watch, member)
            return
        verdict = self._goes_up(watch, member) if watch.goes_up else self._goes_down(member)
        instance = member.instance
        if watch.settle(instance.id, verdict):
            message = reason_of(member, self._fleet.turn.now)
            if not message and member.is_idle and instance.state == "waiting":
                message = "runs by its schedule"  # when is not told yet
            step = Stepped(watch.operation, instance.id, instance.state, message, is_well=bool(verdict))
            self._fleet.turn.effects.append(step)

    def _see_off(self, watch: Watch, member: Member) -> None:
        if not member.is_alive:
            identity, state = member.instance.id, member.instance.state
            del watch.ousted[identity]
            member.watches = tuple(other for other in member.watches if other is not watch)
            message = reason_of(member, self._fleet.turn.now)
            self._fleet.turn.effects.append(Stepped(watch.operation, identity, state, message, is_well=True))

    def _goes_up(self, watch: Watch, member: Member) -> bool | None:
        instance = member.instance
        if not self._fleet.is_to_run(member):
            if member.is_alive and instance.state != "stuck":
                return None
            return watch.is_part and not member.wants  # a person stopped it meanwhile: a change does not mind
        if member.is_scheduled and (
            watch.verb in {"up", "apply"} or (member.is_idle and instance.state == "waiting")
        ):
            return True  # how its runs end is not for whoever brings up the node
        if member.leaving or member.outgoing is not None or member.is_outdated:
            return self._is_replaced(watch, member)
        match instance.state:
            case "waiting" if member.is_asleep:
                return True
            case "ready":
                return _is_ready(watch, member)
            case "finished":
                return True
            case _:
                return self._gets_there(watch, member)

    def _is_replaced(self, watch: Watch, member: Member) -> bool | None:
        """Of one that goes first, or has one beside that goes."""
        if member.outgoing is not None and member.outgoing.state == "stuck":
            return False
        return None if member.leaving else self._gets_there(watch, member)

    def _gets_there(self, watch: Watch, member: Member) -> bool | None:
        """Of one that is on its way."""
        instance = member.instance
        match instance.state:
            case "failed" | "stuck" | "failing":
                return False
            case "waiting" if member.group.hopeless_before:
                return False
            case "backoff":
                chance = instance.launched + instance.service.ready.timeout
                return self._had_chance(watch.give(instance.id, chance))
            case _:
                return self._had_chance(watch.deadlines.get(instance.id))

    def _had_chance(self, deadline: Seconds | None) -> bool | None:
        return False if deadline is not None and self._fleet.turn.now >= deadline else None

    def _goes_down(self, member: Member) -> bool | None:
        if member.instance.state == "stuck":
            return False
        if self._fleet.is_to_run(member) and not member.leaving:
            return False
        return None if member.is_alive else True

    def _end_or_wait(self, watch: Watch) -> bool:
        turn = self._fleet.turn
        due = watch.next_look(turn.now)
        is_lost = watch.is_part and not all(watch.settled.values())
        if (watch.pending or due is not None) and not is_lost:
            if due is None:
                if watch.timer:
                    watch.timer = 0.0
                    turn.effects.append(ClearTimer(watch.operation))
            elif due != watch.timer:
                watch.timer = due
                turn.effects.append(SetTimer(watch.operation, "look", max(due - turn.now, 0.0)))
            return False
        self._end(watch)
        return True

    def _unwatch(self, watch: Watch) -> None:
        del self._all[watch.operation]
        for identity in (*watch.settled, *watch.pending, *watch.ousted):
            member = self._fleet.members.get(identity)
            if member is not None:
                member.watches = tuple(other for other in member.watches if other is not watch)
        if watch.timer:
            self._fleet.turn.effects.append(ClearTimer(watch.operation))

    def _end(self, watch: Watch) -> None:
        turn = self._fleet.turn
        self._unwatch(watch)
        lost = watch.lost()
        if watch.is_part:
            message = self._lost_text(watch, lost) if lost else ""
            turn.effects.append(Arrived(watch.operation, not lost, message, tuple(lost)))
            return
        outcome, message = (
            ("failed", self._lost_text(watch, lost)) if lost else ("done", self._done_text(watch))
        )
        turn.effects.append(OperationDone(watch.operation, outcome, message, 1 if lost else 0))
        turn.effects.append(Emit(watch.operation, OperationEnded(outcome, message, turn.now - watch.began)))

    def _done_text(self, watch: Watch) -> str:
        names = list(watch.settled)
        match watch.verb:
            case "up":
                services = len({self._fleet.members[name].group.name for name in names})
                return f"node {self._node} is up: {_count(services, 'service')}, {_count(len(names), 'instance')}"
            case "down":
                return f"node {self._node} is down"
            case _ if len(names) == 1:
                word = self._fleet.members[names[0]].instance.state if watch.goes_up else "stopped"
                return f"{names[0]} is {word}"
            case _:
                return f"{_count(len(names), 'instance')} {'ready' if watch.goes_up else 'stopped'}"

    def _lost_text(self, watch: Watch, lost: list[str]) -> str:
        failed = "did not get ready" if watch.goes_up else "did not stop"
        if len(lost) > 1:
            return f"{len(lost)} of {len(watch.settled)} {failed}: {few(lost)}"
        member = self._fleet.members.get(lost[0])
        if member and watch.verb == "reload" and member.instance.reload_error:
            return f"{lost[0]} was not reloaded: {member.instance.reload_error}"
        why = watch.why.get(lost[0]) or (reason_of(member, self._fleet.turn.now) if member else "")
        return f"{lost[0]} {failed}" + (f": {why}" if why else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _is_ready(watch: Watch, member: Member) -> bool | None:
    """Of one that is: whether that is enough for the operation, and for how long it is to be watched."""
    instance = member.instance
    if instance.is_reloading:
        return None
    if instance.wait.by == "executed":
        watch.until = max(watch.until, instance.launched + instance.service.restart.early)
    watch.until = max(watch.until, member.proved)
    return not (watch.verb == "reload" and instance.reload_error)
