"""What is outdated is replaced: group by group as soon as all that a group requires is good.

```text
rolling   as many as `surge` get a new instance beside them, which takes their place: once it is ready the old one
          stops. As many as `max-unavailable` stop first and start again. Then the next members of the group
restart   all members of the group stop, what requires them before them, and start again
```

A new one counts once it has been ready for `rolling.pause`, and who is ready only by being executed once it has lived
for `restart.early`. Until then it keeps its turn, and so it does when it fails: no further old one goes. Whatever
happens to the new one beside it, the old one serves on: going back is a matter of ending the new one.

Who is outdated because the configuration differs goes back when the configuration does (`move`). Who is replaced by
another of the same (`renew`) is given back here, and the rest of its group is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from snowfox.manager.engine.fleet import Fleet
from snowfox.manager.engine.group import Group, Member
from snowfox.service.effects import ClearTimer, SetTimer
from snowfox.service.fact import ServiceKept, ServiceReplacing
from snowfox.service.instance import Input, Instance
from snowfox.service.life import step
from snowfox.service.readiness import wait_of
from snowfox.values import Seconds

OUTGOING = "~outgoing"
"""What the subject of an outgoing instance's timer ends with; no id has a `~`."""

HOLD = "~hold"
"""What the subject of the timer ends with that lets a new instance prove itself."""

REPLACED = "replaced by a new one"
RENEWED = "its configuration changed"
ANEW = "asked for"
_FAILED = frozenset({"failing", "failed", "stuck", "finished"})


class Rollout:
    """Replaces members.

    Args:
        fleet: whose.
        lose: is told who was to be replaced by another of the same and keeps its place, and why.
    """

    def __init__(self, fleet: Fleet, lose: Callable[[Member, str], None]) -> None:
        self._fleet = fleet
        self._lose = lose
        self._groups: dict[str, None] = {}
        self._begun: dict[Member, None] = {}

    def begin(self) -> list[Member]:
        """See what is outdated, and begin to replace it. All that is or will be replaced, or stops for it."""
        fleet = self._fleet
        self._groups = {}
        self._begun = {}
        outdated: dict[Member, None] = {}
        for name in fleet.graph.order:
            for member in fleet.groups[name].members:
                is_under_way = member.outgoing is not None
                if fleet.is_to_run(member) and (member.is_outdated or is_under_way):
                    outdated[member] = None
                    self._groups[name] = None
                    if is_under_way and member.instance.state in _FAILED:  # before this change
                        fleet.start(member)
        for name in list(self._groups):
            self._go_on(fleet.groups[name])
        behind = self._behind(
            {member.group.name for member in outdated if not member.group.service.is_rolling}
        )
        return [*outdated, *(member for member in behind if member not in outdated)]

    def renew(self, members: Iterable[Member]) -> None:
        """Replace these by others of the same, as a change of their configuration would.

        Of a group that is replaced rolling, who does not get ready is given up, and the rest of it stays as it is.
        """
        groups: dict[Group, None] = {}
        for member in members:
            if self._fleet.is_to_run(member):
                member.is_stale = True
                groups[member.group] = None
                self._fleet.touch(member)
        for group in groups:
            self._groups[group.name] = None
            self._go_on(group)

    def look(self, changed: Iterable[Member]) -> None:
        """After an event: go on with the groups of these."""
        if not self._groups:
            return
        names = dict.fromkeys(member.group.name for member in changed)
        for name in names:
            if name in self._groups:
                self._go_on(self._fleet.groups[name])

    def held(self, member: Member) -> None:
        """The time is over in which a new instance had to prove itself."""
        if member.group.name in self._groups:
            self._go_on(member.group)

    def _go_on(self, group: Group) -> None:
        for member in group.members:
            if not self._fleet.is_to_run(member):
                let_off(self._fleet, member)
        under_way = [member for member in group.members if self._is_under_way(member)]
        for member in under_way:
            if member.outgoing is None and member.instance.state in _FAILED:
                self._leave_rest(member)
        outdated = [
            member
            for member in group.members
            if member.outgoing is None and member.is_outdated and self._fleet.is_to_run(member)
        ]
        serving: list[Member] = []
        for member in outdated:
            if member.instance.state == "ready" and not member.leaving:
                serving.append(member)
            else:
                self._begin_anew(member)
        if serving and group.is_open:
            if group.service.is_rolling:
                self._roll(group, serving, under_way)
            else:
                self._restart(group)
        if not outdated and not under_way:
            self._groups.pop(group.name, None)

    def _roll(self, group: Group, serving: list[Member], under_way: list[Member]) -> None:
        """Begin with as many of those that serve as may be under way at once."""
        surge, most_away = group.service.rolling.among(group.service.count)
        room = surge + most_away - len(under_way)
        beside = surge - sum(member.outgoing is not None for member in under_way)
        away = sum(member.place not in {"good", "out"} for member in group.members)
        for member in serving[: max(room, 0)]:
            if beside > 0:
                beside -= 1
                self._launch_beside(member)
            elif away < most_away:
                away += 1
                self._stop_first(member, is_last=away >= len(group.members))

    def _is_under_way(self, member: Member) -> bool:
        """Go on with one that is being replaced; whether it still is."""
        fleet, old = self._fleet, member.outgoing
        if old is not None:
            self._hand_over(member, old)
            return member.outgoing is not None
        if member not in self._begun or not fleet.is_to_run(member):
            self._begun.pop(member, None)
            return False
        if member.is_outdated:
            return member.instance.state != "ready" or member.leaving
        if member.instance.state == "ready" and self._has_proved(member):
            del self._begun[member]
            return False
        return True

    def _begin_anew(self, member: Member) -> None:
        """Of one that serves nobody now."""
        fleet = self._fleet
        match member.instance.state:
            case "starting" | "failing":
                self._begun[member] = None
                fleet.stop([member], RENEWED, again=True)
            case "stopping" | "stuck" | "backoff" | "failed" | "finished":
                self._begun[member] = None
                fleet.start(member)
            case _:
                pass

    def _restart(self, group: Group) -> None:
        fleet = self._fleet
        ending = [one for one in group.members if one.is_outdated and one.instance.is_alive]
        ending += [one for one in self._behind({group.name}) if one.instance.is_alive]
        fleet.stop(list(reversed(ending)), RENEWED, again=True)

    def _stop_first(self, member: Member, *, is_last: bool) -> None:
        """Let it end and start again; where nobody else serves, what requires it ends before it."""
        self._begun[member] = None
        reason = ANEW if member.is_stale else RENEWED
        member.instance.emit(ServiceReplacing(reason, beside=False), self._fleet.turn)
        behind = self._behind({member.group.name}) if is_last else []
        self._fleet.stop([*reversed(behind), member], reason, again=True)

    def _launch_beside(self, member: Member) -> None:
        fleet, old = self._fleet, member.instance
        self._begun[member] = None
        old.emit(ServiceReplacing(ANEW if member.is_stale else RENEWED, beside=True), fleet.turn)
        old.subject = f"{old.id}{OUTGOING}"
        fleet.elsewhere[old.token] = member
        new = Instance(old.id, member.group.service, fleet.turn.now)
        new.restarts = old.restarts
        member.is_stale = False
        member.outgoing, member.instance = old, new
        fleet.tell(member, Input("start"))

    def _hand_over(self, member: Member, old: Instance) -> None:
        """Let the old one end, once the new one can serve; or the new one, when it will not."""
        fleet, new = self._fleet, member.instance
        if old.state != "ready":
            return
        if new.state in _FAILED and old.digest and old.digest == member.digest:
            self._give_up(member)
        elif new.state == "ready" and not member.is_outdated and self._has_proved(member):
            step(old, Input("stop", text=REPLACED), fleet.turn)
            fleet.see_off(member)

    def _has_proved(self, member: Member) -> bool:
        """Whether a new one that is ready has been so for long enough; else it is looked at again."""
        new, turn = member.instance, self._fleet.turn
        member.proved = self._proved(new)
        if turn.now >= member.proved:
            return True
        turn.effects.append(SetTimer(f"{new.id}{HOLD}", "hold", member.proved - turn.now))
        return False

    @staticmethod
    def _proved(new: Instance) -> Seconds:
        early = new.launched + new.service.restart.early if new.wait.by == "executed" else 0.0
        return max(early, new.since + new.service.rolling.pause)

    def _give_up(self, member: Member) -> None:
        """Another of the same did not get ready: who serves stays, and so do the others of its group."""
        new = member.instance
        state = "is stuck" if new.state == "stuck" else "did not get ready"
        reason = new.message(self._fleet.turn.now)
        give_back(self._fleet, member, "it did not get ready")
        why = f"its replacement {state}" + (f": {reason}" if reason else "")
        member.instance.emit(ServiceKept(why), self._fleet.turn)
        self._lose(member, why)
        self._leave_rest(member)

    def _leave_rest(self, failed: Member) -> None:
        """Replace no more of its group by others of the same."""
        for other in failed.group.members:
            if other.is_stale and other is not failed:
                other.is_stale = False
                self._fleet.touch(other)
                self._lose(other, f"left as it was, because the new {failed.instance.id} did not get ready")

    def _behind(self, names: set[str]) -> list[Member]:
        """Running members of what requires these, in order of start."""
        fleet = self._fleet
        return [
            member
            for name in fleet.graph.needing(names)
            if name not in names
            for member in fleet.groups[name].members
            if member.instance.is_alive and fleet.is_to_run(member)
        ]


def let_off(fleet: Fleet, member: Member) -> None:
    """It need not prove itself any longer."""
    if member.proved:
        member.proved = 0.0
        fleet.turn.effects.append(ClearTimer(f"{member.instance.id}{HOLD}"))


def give_back(fleet: Fleet, member: Member, why: str) -> None:
    """Who was to take the place ends, who has it keeps it."""
    serves, taker, turn = member.outgoing, member.instance, fleet.turn
    if serves is None:
        return
    serves.subject, serves.service = serves.id, taker.service
    serves.wait = wait_of(taker.service)
    member.instance, member.outgoing = serves, taker
    taker.disarm(turn)
    taker.subject = f"{taker.id}{OUTGOING}"
    fleet.elsewhere[taker.token] = member
    step(taker, Input("stop", text=why), turn)
    fleet.see_off(member)
