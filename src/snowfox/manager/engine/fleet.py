"""The fleet: all members and groups, and how a change of one moves others.

What is to run is derived, never stored: a member that is wanted, in a group of which every required group has a
member to run. So what requires something that a person stopped is stopped with it and comes back with it, also over
restarts of manager and node, and a crash changes nothing of that.

Starts pass a gate: all that is required is good, nothing that it comes after is still coming, nothing of what it
conflicts with is there. Stops pass one the
other way round: whoever starts after it and leaves as well has gone, or is stuck, so that one that cannot be killed
holds up nobody. Changes spread through a queue of groups, never by recursion: a chain of 1,000 is as good as any.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from random import Random

from snowfox.manager.engine.group import RUNNING, Group, Member
from snowfox.manager.engine.place import count_alive, place_of, recheck
from snowfox.service.dependency import Graph
from snowfox.service.effects import Removed
from snowfox.service.identity import is_same_beside, launch_digest
from snowfox.service.instance import Input, Instance, Turn
from snowfox.service.life import step
from snowfox.service.spec import Configuration, Service

_IDLE = frozenset({"waiting", "backoff", "failed", "finished"})
_STOPPABLE = frozenset({"starting", "ready", "failing"})


class Fleet:
    """All instances of a configuration.

    Args:
        configuration: checked: no circle, all names known.
        ids: makes the id of a launch.
        random: for jitter.

    Attributes:
        turn: the call under way; the engine sets a new one for each event.
        dirty: members that changed in this turn.
        running: how many members have a process or a launch under way, those that are stuck apart.
        is_going: the node goes down: nothing is to run.
        asked: what people asked for and what lasts, by instance or service.
        elsewhere: who has a launch whose token does not begin with its id: renamed, or outgoing.
    """

    def __init__(self, configuration: Configuration, ids: Callable[[], str], random: Random) -> None:
        self._ids = ids
        self.turn = Turn(0.0, random)
        self.asked: dict[str, str] = {}
        self.elsewhere: dict[str, Member] = {}
        self.is_going = False
        self.configuration = configuration
        self.groups: dict[str, Group] = {}
        self.build(configuration)

    def build(self, configuration: Configuration, places: Mapping[str, Member] | None = None) -> None:
        """Make all groups anew. Members are not wanted and not counted yet.

        Args:
            configuration: to be.
            places: members that stay, by the ids of their places; others are made.
        """
        kept = places or {}
        digests = _digests(self.configuration, self.groups, configuration)
        self.configuration = configuration
        self.graph = Graph(configuration.services)
        self.members: dict[str, Member] = {}
        self.groups = {
            name: Group(service, digests[name]) for name, service in configuration.services.items()
        }
        for group in self.groups.values():
            group.link(self.graph, self.groups)
            for identity in group.service.ids():
                found = kept.get(identity)
                self.join(identity, group, found or Member(Instance(identity, group.service, 0.0), group))
        self.dirty: dict[Member, None] = {}
        self.running = 0
        self._queue: deque[Group] = deque()

    def join(self, identity: str, group: Group, member: Member) -> None:
        """Put a member into a group: out of it, as far as the numbers go, until it is touched."""
        member.group = group
        member.wants = member.leaving = member.is_running = member.is_counted = False
        member.place = "out"
        group.members.append(member)
        group.places["out"] += 1
        self.members[identity] = member

    def add_stray(self, identity: str, service: Service) -> Member:
        """An instance that is no longer in the configuration and runs; it goes once it has stopped."""
        group = Group(service)
        group.is_stray = True
        member = Member(Instance(identity, service, 0.0), group)
        self.join(identity, group, member)
        return member

    def settle(self, changed: Iterable[Member]) -> None:
        """After a move: count everybody, let go on who can. People see a change of these, and of who waits."""
        for member in list(self.members.values()):
            self.touch(member)
        while self._queue:
            for member in self._queue.popleft().members:
                self.touch(member)
        waits = (
            one
            for one in self.members.values()
            if one.instance.state == "waiting" or one.group.hopeless_before
        )
        self.dirty = dict.fromkeys((*(one for one in changed if one.instance.id in self.members), *waits))
        for member in list(self.members.values()):
            if member.leaving:
                self._release(member)
            elif member.instance.state in _IDLE:
                self._tidy(member)
                self._try_go(member)

    # What is to run

    def is_to_run(self, member: Member) -> bool:
        """Whether it is wanted and nothing that it requires is stopped."""
        return member.wants and not member.group.held and not self.is_going

    def want(self, member: Member, flipped: dict[Member, None], *, wants: bool) -> None:
        """Change what is wanted; who thereby is to run or no longer to run is added to `flipped`."""
        if member.wants is wants:
            return
        member.wants = wants
        group = member.group
        group.wanted += 1 if wants else -1
        if not group.held:
            flipped[member] = None
        changed = [group]
        while changed:
            group = changed.pop()
            is_effective = group.wanted > 0 and not group.held
            if is_effective is group.is_effective:
                continue
            group.is_effective = is_effective
            for other in group.dependents:
                was_held = other.held > 0
                other.held += -1 if is_effective else 1
                if was_held is not (other.held > 0):
                    flipped.update(dict.fromkeys(each for each in other.members if each.wants))
                    changed.append(other)

    # Start and stop

    def start(self, member: Member) -> None:
        """Let it run, when its turn comes. Clears a failure; takes back a stop that did not begin."""
        if member.leaving and member.instance.state in _STOPPABLE:
            self.set_leaving(member, leaving=False)
            self.touch(member)
        elif self.tell(member, Input("start")):
            member.comes_back = True

    def stop(self, members: Iterable[Member], why: str, *, again: bool = False) -> None:
        """Let these end, those behind first; `again`: and start after that."""
        leaving = list(members)
        for member in leaving:
            member.why, member.comes_back = why, again
            if member.instance.state in _STOPPABLE:
                self.set_leaving(member, leaving=True)
        for member in leaving:
            self.touch(member)
            if member.instance.state in {"stopping", "stuck"} or not member.leaving:
                self.tell(member, Input("stop", text=why, again=again))
            else:
                self._release(member)

    def kill(self, why: str) -> None:
        """End all at once, in no order."""
        for member in list(self.members.values()):
            member.comes_back = False
            self.tell(member, Input("kill", text=why))

    def tell(self, member: Member, told: Input) -> bool:
        """Tell an instance something and let that take effect; False when its table refused."""
        if member.outgoing is not None and told.kind in {"stop", "kill"}:
            step(member.outgoing, told._replace(again=False), self.turn)
            self.see_off(member)
        if not step(member.instance, told, self.turn):
            return False
        self._tidy(member)
        self.touch(member)
        self._try_go(member)
        return True

    def see_off(self, member: Member) -> None:
        """Have the outgoing instance of a member dropped, once nothing of it is left."""
        leaving = member.outgoing
        if leaving is not None and not leaving.is_alive:
            leaving.disarm(self.turn)
            member.outgoing = None
            self.elsewhere.pop(leaving.last, None)
        self.touch(member)

    def owner(self, token: str) -> Member | None:
        """Who has this launch, as its instance or as the outgoing one; None for a launch that is over."""
        member = self.members.get(token.rpartition("~")[0])
        if member is None or member.instance.token != token:
            member = self.elsewhere.get(token)
        return member

    def drain(self) -> None:
        """Let changes reach everybody."""
        while self._queue:
            group = self._queue.popleft()
            for member in list(group.members):
                self.touch(member)
                self._release(member)
                self._try_go(member)

    def touch(self, member: Member) -> None:
        """Something of it may have changed: bring the numbers up to date."""
        self.dirty[member] = None
        is_running = member.is_busy
        if is_running is not member.is_running:
            member.is_running = is_running
            self.running += 1 if is_running else -1
        place = place_of(member, is_to_run=self.is_to_run(member))
        if place != member.place:
            places = member.group.places
            places[member.place] -= 1
            places[place] += 1
            member.place = place
            self._queue.extend(recheck(member.group))
        if member.group.conflicts:
            self._queue.extend(count_alive(member))
        identity = member.instance.id
        is_over = member.instance.state == "stopped" and member.outgoing is None
        if member.group.is_stray and is_over and identity in self.members:
            del self.members[identity]
            self.turn.effects.append(Removed(identity))

    # Within

    def _tidy(self, member: Member) -> None:
        """A stop that had to wait, overtaken by an end; or an end of what is not to run."""
        state = member.instance.state
        if member.leaving and state not in RUNNING:
            self.set_leaving(member, leaving=False)
            if member.comes_back and state in _IDLE:
                step(member.instance, Input("start"), self.turn)
        if member.instance.state in _IDLE and not self.is_to_run(member):
            step(member.instance, Input("stop", text=member.why), self.turn)
        if member.due and member.note_end():
            step(member.instance, Input("start"), self.turn)

    def _try_go(self, member: Member) -> None:
        instance = member.instance
        if member.is_asleep:
            instance.digest, member.is_stale = "", False  # there is nothing of it that could be outdated
            return
        if instance.state != "waiting" or instance.hook or not member.may_go or not self.is_to_run(member):
            return
        instance.digest = member.digest
        member.is_stale = False
        step(instance, Input("go", token=f"{instance.id}~{self._ids()}"), self.turn)
        self.touch(member)

    def _release(self, member: Member) -> None:
        if member.leaving and not member.group.leaving_behind and member.instance.state in _STOPPABLE:
            self.tell(member, Input("stop", text=member.why, again=member.comes_back))

    def set_leaving(self, member: Member, *, leaving: bool) -> None:
        """Count it among those who are to end, or no longer."""
        if member.leaving is leaving:
            return
        member.leaving = leaving
        group = member.group
        was_leaving = group.leaving > 0
        group.leaving += 1 if leaving else -1
        if was_leaving is (group.leaving > 0):
            return
        for other in (*group.requires, *group.after):
            other.leaving_behind += 1 if leaving else -1
            if not other.leaving_behind and other.leaving:
                self._queue.append(other)


def _digests(
    before: Configuration, groups: Mapping[str, Group], configuration: Configuration
) -> dict[str, str]:
    """Of all services; of those that are as they were, as it was found out before."""
    same: Mapping[str, Group] = groups if is_same_beside(before, configuration) else {}
    return {
        name: same[name].digest
        if name in same and same[name].service == service
        else launch_digest(configuration, service)
        for name, service in configuration.services.items()
    }
