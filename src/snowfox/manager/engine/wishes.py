"""What people ask, carried out on the fleet.

In the words of `configuration.md`:

- `start`: of what has a schedule: runs it now; after a stop: goes back to its schedule, without a run.
- `start`: what it requires is started too, and what it wants, unless people stopped that. What had been stopped because
  one of these was, comes back. What conflicts with one of these is stopped, as if people had asked.
- `stop`: lasts. What requires it is stopped before it, once no instance of it is to run, and comes back with it.
- `reload`: the same process, told to read anew, where the service says how; else as `restart`. Of what runs.
- `restart`: a stop and a start. So what requires it is stopped before it and comes back after, where all running
  instances of a service are restarted. What merely comes after it stays. Of a service that is replaced rolling those
  that are ready are replaced so, and nobody else stops for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from snowfox.manager.engine.fleet import Fleet
from snowfox.manager.engine.group import Group, Member
from snowfox.manager.engine.renewing import reload, split
from snowfox.manager.engine.view import few
from snowfox.manager.engine.watches import Watches
from snowfox.service.effects import Joined, WantedChanged
from snowfox.service.event import Ask

BY_PERSON = "stopped by a person"


class Wishes:
    """Carries out what people ask.

    Args:
        fleet: on whom.
        watches: follows each as an operation.
        renew: replaces members by new ones of the same.
    """

    def __init__(self, fleet: Fleet, watches: Watches, renew: Callable[[Iterable[Member]], None]) -> None:
        self._fleet = fleet
        self._watches = watches
        self._renew = renew

    def ask(self, event: Ask) -> None:
        """Begin an operation, or refuse it: an instance that is not there, a verb that is none."""
        fleet, watches = self._fleet, self._watches
        targets = {name: fleet.members.get(name) for name in event.instances}
        members = [member for member in targets.values() if member and not member.group.is_stray]
        if len(members) < len(targets):
            unknown = [name for name, member in targets.items() if not member or member.group.is_stray]
            watches.refuse(event.operation, f"there is no instance {few(unknown)}", 4)
            return
        if event.verb in {"start", "restart"}:
            for member in members:
                member.is_called = True
        match event.verb:
            case "start":
                self._start(event.operation, members)
            case "stop":
                self._stop(event.operation, members)
            case "reload":
                self._reload(event.operation, members)
            case "restart":
                self._restart(event.operation, members)
            case _:
                watches.refuse(event.operation, f"an instance cannot be asked to {event.verb}", 2)

    def _start(self, operation: str, targets: list[Member]) -> None:
        _let_run(target for target in targets if target.wants)
        called, ousted = self._call(targets)
        self._open(operation, "start", called, targets, ousted)
        self._start_each(called)

    def _open(
        self,
        operation: str,
        verb: str,
        members: list[Member],
        asked: list[Member],
        ousted: Iterable[Member] = (),
    ) -> None:
        """Watch all of them; those that nobody named belong to it, too."""
        named = frozenset(asked)
        joined = tuple(member.instance.id for member in (*members, *ousted) if member not in named)
        if joined:
            self._fleet.turn.effects.append(Joined(operation, joined))
        self._watches.open(operation, verb, members, ousted)

    def _call(self, targets: list[Member]) -> tuple[list[Member], list[Member]]:
        """Want these and what they need; all that has to be started for it, in order of start, and what stops for it."""
        fleet = self._fleet
        called: dict[Member, None] = dict.fromkeys(targets)
        asked = frozenset(targets)
        chosen = {member.group.name for member in targets}
        needed = fleet.graph.needed_by(chosen)
        flipped: dict[Member, None] = {}
        self._oust([fleet.groups[name] for name in needed], flipped)
        for name in needed:
            group = fleet.groups[name]
            wanted = [member for member in group.members if member in asked or member.wants]
            for member in wanted or group.members:
                self._want(member, flipped, wants=True)
                if name not in chosen and _has_given_up(member):
                    called[member] = None
        called.update((member, None) for member in flipped if fleet.is_to_run(member))
        self._call_wanted(chosen, needed, flipped)
        for member in flipped:
            fleet.touch(member)
        return self._in_order(called), [member for member in flipped if not fleet.is_to_run(member)]

    def _call_wanted(self, chosen: set[str], needed: list[str], flipped: dict[Member, None]) -> None:
        """Start what these merely want; nobody waits for it, it stops nobody, and what people stopped stays so."""
        fleet = self._fleet
        names = [name for name in fleet.graph.pulled_by(chosen) if name not in {*needed}]
        for group in (fleet.groups[name] for name in names):
            if any(other.is_effective for other in group.conflicts):
                continue
            members = [one for one in group.members if one.wants] or [
                one for one in group.members if self._word(one) != "stopped"
            ]
            found: dict[Member, None] = {}
            for member in members:
                self._want(member, found, wants=True)
            flipped.update(found)
            for member in dict.fromkeys((*members, *found)):
                if fleet.is_to_run(member) and (member in found or _has_given_up(member)):
                    fleet.start(member)

    def _word(self, member: Member) -> str | None:
        """What people asked of it, where that lasts."""
        asked = self._fleet.asked
        return asked.get(member.instance.id, asked.get(member.group.name))

    def _oust(self, groups: list[Group], flipped: dict[Member, None]) -> None:
        """Stop what conflicts with these, and what requires that."""
        fleet = self._fleet
        for group in groups:
            for other in group.conflicts:
                leaving: dict[Member, None] = {}
                for member in other.members:
                    self._want(member, leaving, wants=False)
                flipped.update(leaving)
                for member in leaving:
                    fleet.touch(member)
                own = frozenset(other.members)
                fleet.stop([one for one in leaving if one not in own], f"stopped with {other.name}")
                fleet.stop([one for one in leaving if one in own], f"stopped for {group.name}")

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
        if word is None:
            self._fleet.asked.pop(member.instance.id, None)
        else:
            self._fleet.asked[member.instance.id] = word
        self._fleet.turn.effects.append(WantedChanged(member.instance.id, word))

    def _stop(self, operation: str, targets: list[Member]) -> None:
        fleet = self._fleet
        flipped: dict[Member, None] = {}
        for member in targets:
            member.due = 0
            self._want(member, flipped, wants=False)
        stopped = dict.fromkeys(targets)
        stopped.update((member, None) for member in flipped)
        self._open(operation, "stop", self._in_order(stopped), targets)
        for member in flipped:
            fleet.touch(member)
        asked = dict.fromkeys(targets)
        names = few(list(dict.fromkeys(member.group.name for member in targets)))
        # All are marked before the first ends: whoever starts later ends earlier.
        behind = [member for member in stopped if member not in asked]
        fleet.stop(behind, f"stopped with {names}")
        fleet.stop(asked, BY_PERSON)

    def _reload(self, operation: str, targets: list[Member]) -> None:
        told, anew = split(targets)
        if not told and not anew:
            names = few([member.instance.id for member in targets])
            self._watches.refuse(operation, f"cannot reload {names}: it does not run", 1)
        elif anew:
            self._restart(operation, anew, "reload", told)
        else:
            self._watches.open(operation, "reload", told)
        reload(self._fleet, told)

    def _restart(
        self, operation: str, targets: list[Member], verb: str = "restart", beside: Iterable[Member] = ()
    ) -> None:
        _let_run(targets)
        fleet = self._fleet
        called, ousted = self._call(targets)
        rolling = dict.fromkeys(member for member in targets if _can_roll(member))
        asked = {member: None for member in targets if member not in rolling}
        ending = {member: None for member in asked if member.instance.is_alive}
        ending.update(dict.fromkeys(self._behind(asked)))
        rolling = {member: None for member in rolling if member not in ending}
        order = self._in_order({**dict.fromkeys(called), **ending, **rolling})
        self._open(operation, verb, [*order, *beside], [*targets, *beside], ousted)
        # From the end of the order on, so that whoever starts later is marked earlier.
        stopping = [member for member in reversed(order) if member in ending]
        fleet.stop(stopping, "restarted", again=True)
        self._start_each([member for member in order if member not in ending and member not in rolling])
        self._renew(rolling)

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
            if member.instance.is_alive and fleet.is_to_run(member)
        ]


def _can_roll(member: Member) -> bool:
    """Whether another can take its place while it serves."""
    is_settled = member.instance.state == "ready" and not member.leaving and member.outgoing is None
    return is_settled and member.group.service.is_rolling and member.group.is_open


def _let_run(members: Iterable[Member]) -> None:
    """Of those with a schedule a run is due, unless one is under way."""
    for member in members:
        if member.is_idle:
            member.due = 1


def _has_given_up(member: Member) -> bool:
    """Whether what requires it would wait in vain, or long, unless it is started anew."""
    state = member.instance.state
    return state in {"failed", "backoff"} or (state == "finished" and not member.group.service.is_task)
