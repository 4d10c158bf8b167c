"""What is outdated is replaced: group by group as soon as all that a group requires is good.

```text
rolling   a new instance is launched beside the old one and takes its place; once it is ready the old one stops;
          then the next member of the group
restart   all members of the group stop, what requires them before them, and start again
```

Who is ready only by being executed has to live for `restart.early` before the old one goes. Whatever happens to the
new one, the old one serves on: going back is a matter of ending the new one.
"""

from __future__ import annotations

from collections.abc import Iterable

from snowfox.manager.engine.fleet import Fleet
from snowfox.manager.engine.group import Group, Member
from snowfox.service.effects import SetTimer
from snowfox.service.instance import Input, Instance
from snowfox.service.life import step

OUTGOING = "~outgoing"
"""What the subject of an outgoing instance's timer ends with; no id has a `~`."""

HOLD = "~hold"
"""What the subject of the timer ends with that lets a new instance prove itself."""

REPLACED = "replaced by a new one"
RENEWED = "its configuration changed"


class Rollout:
    """Replaces members.

    Args:
        fleet: whose.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._groups: dict[str, None] = {}

    def begin(self) -> list[Member]:
        """See what is outdated, and begin to replace it. All that is or will be replaced, or stops for it."""
        fleet = self._fleet
        self._groups = {}
        outdated: dict[Member, None] = {}
        for name in fleet.graph.order:
            for member in fleet.groups[name].members:
                is_under_way = member.outgoing is not None
                if fleet.is_to_run(member) and (member.is_outdated or is_under_way):
                    outdated[member] = None
                    self._groups[name] = None
        for name in list(self._groups):
            self._go_on(fleet.groups[name])
        behind = self._behind(
            {member.group.name for member in outdated if member.group.service.replacement != "rolling"}
        )
        return [*outdated, *(member for member in behind if member not in outdated)]

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
        if all(self._renew(member) for member in group.members):
            self._groups.pop(group.name, None)

    def _renew(self, member: Member) -> bool:
        """One step of a member; whether the next of its group may go."""
        fleet = self._fleet
        if member.outgoing is not None:
            self._hand_over(member, member.outgoing)
            return False
        if not member.is_outdated or not fleet.is_to_run(member):
            return True
        match member.instance.state:
            case "ready" if not member.leaving:
                return self._replace(member)
            case "starting" | "failing":
                fleet.stop([member], RENEWED, again=True)
            case "stopping" | "stuck" | "backoff" | "failed" | "finished":
                fleet.start(member)
            case _:
                pass
        return True

    def _replace(self, member: Member) -> bool:
        group = member.group
        if not group.is_open:
            return False
        if member.group.service.replacement == "rolling":
            self._launch_beside(member)
            return False
        fleet = self._fleet
        ending = [one for one in group.members if one.is_outdated and one.instance.is_alive]
        ending += [one for one in self._behind({group.name}) if one.instance.is_alive]
        fleet.stop(list(reversed(ending)), RENEWED, again=True)
        return True

    def _launch_beside(self, member: Member) -> None:
        fleet, old = self._fleet, member.instance
        old.subject = f"{old.id}{OUTGOING}"
        fleet.elsewhere[old.token] = member
        new = Instance(old.id, member.group.service, fleet.turn.now)
        new.restarts = old.restarts
        member.outgoing, member.instance = old, new
        fleet.tell(member, Input("start"))

    def _hand_over(self, member: Member, old: Instance) -> None:
        """Let the old one end, once the new one can serve."""
        fleet, new = self._fleet, member.instance
        if old.state != "ready" or new.state != "ready" or member.is_outdated:
            return
        early = new.launched + new.service.restart.early
        if new.wait.by == "executed" and fleet.turn.now < early:
            fleet.turn.effects.append(SetTimer(f"{new.id}{HOLD}", "hold", early - fleet.turn.now))
            return
        step(old, Input("stop", text=REPLACED), fleet.turn)
        fleet.see_off(member)

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
