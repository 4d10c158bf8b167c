"""Members and groups: an instance with what is wanted of it, and the instances of one service with their gates.

Every number here is kept up to date by `fleet.Fleet`, so that an event costs what it changes and never the number of
instances.
"""

from __future__ import annotations

from collections.abc import Mapping

from snowfox.manager.engine.watch import Watch
from snowfox.service.dependency import Graph
from snowfox.service.event import Planned
from snowfox.service.identity import instance_digest
from snowfox.service.instance import Instance
from snowfox.service.spec import Service
from snowfox.values import Seconds

RUNNING = frozenset({"starting", "ready", "failing", "stopping"})
"""States of what has a process, or a launch under way, and is not stuck."""


class Member:
    """An instance in its group.

    Attributes:
        wants: whether configuration or people want it to run.
        leaving: it is to stop, now or once those behind it have.
        comes_back: while it leaves: whether it starts again.
        why: while it leaves: the reason, for people.
        is_called: it is on demand, and something came for it, or somebody wants it to run now.
        is_stale: somebody wants another process in the place of its own, though nothing else differs.
        proved: until when what is replaced has to show that it is good; 0.0 where nothing of it is watched.
        place: what it contributes to its group: `out` (not to run), `good` (ready, or a task finished), `coming`,
            `retrying` (had its chance and tries again), `hopeless`.
        is_running: as it was counted last.
        watches: operations that wait for it.
        is_counted: whether its group counts it among those of which a process is there.
        died: the last death of its instance that `ties` has seen.
        is_lost: it died by itself, or is restarted for what it requires, and was not ready since.
        outgoing: the instance whose place `instance` takes: it serves until that is ready, then it ends. Or the other
            way round, after a change of mind: one that was to take the place and only has to end.
        due: runs by its schedule that are due and not over.
    """

    __slots__ = (
        "comes_back",
        "died",
        "due",
        "group",
        "instance",
        "is_called",
        "is_counted",
        "is_lost",
        "is_running",
        "is_stale",
        "leaving",
        "outgoing",
        "place",
        "proved",
        "wants",
        "watches",
        "why",
    )

    def __init__(self, instance: Instance, group: Group) -> None:
        self.instance = instance
        self.group = group
        self.wants = False
        self.leaving = False
        self.comes_back = False
        self.why = ""
        self.is_called = False
        self.is_stale = False
        self.proved: Seconds = 0.0
        self.place = "out"
        self.is_running = self.is_counted = self.is_lost = False
        self.died: Seconds = 0.0
        self.watches: tuple[Watch, ...] = ()
        self.outgoing: Instance | None = None
        self.due = 0

    @property
    def suffix(self) -> str:
        """What tells it from the others of its group: its name or number; `1` of one alone."""
        return self.instance.id.partition("@")[2] or "1"

    @property
    def is_alive(self) -> bool:
        """Whether any process of it is there or under way."""
        return self.instance.is_alive or self.outgoing is not None

    @property
    def is_busy(self) -> bool:
        """Whether a process or a hook of it is there or under way that is bound to end, or to be ended."""
        outgoing = self.outgoing
        is_running = self.instance.state in RUNNING or (outgoing is not None and outgoing.state in RUNNING)
        return is_running or bool(self.instance.hook)

    @property
    def is_served(self) -> bool:
        """Whether the one whose place is being taken still serves."""
        return self.outgoing is not None and self.outgoing.state == "ready"

    @property
    def is_asleep(self) -> bool:
        """Whether it waits for something to come."""
        return self.group.service.is_on_demand and not self.is_called and self.instance.state == "waiting"

    @property
    def is_outdated(self) -> bool:
        """Whether its last launch was made from something else than what is wanted now, or is to be made anew.

        A run by a schedule is left alone: the next one tells.
        """
        has_other = bool(self.instance.digest) and self.instance.digest != self.digest
        return self.is_stale or (has_other and not self.is_scheduled)

    @property
    def is_scheduled(self) -> bool:
        """Whether it runs by a schedule."""
        return self.group.is_scheduled

    @property
    def is_idle(self) -> bool:
        """Whether it runs by a schedule, and no run is due."""
        return not self.due and self.is_scheduled

    @property
    def may_go(self) -> bool:
        """Whether it may start, as far as others and its schedule go."""
        return self.group.is_open and not self.is_idle

    def note_end(self) -> bool:
        """Count a run that is over; whether another one is due. What is stopped has none."""
        match self.instance.state:
            case "finished" | "failed":
                self.due -= 1
            case "stopped":
                self.due = 0
            case _:
                return False
        return self.due > 0

    @property
    def digest(self) -> str:
        """What its process is to be launched from."""
        group = self.group
        if isinstance(group.service.instances, int):
            return group.digest
        return instance_digest(group.digest, group.service, self.suffix)


class Group:
    """The instances of a service.

    Attributes:
        requires, after, dependents, followers, conflicts: its neighbours, as in `dependency.Graph`.
        tied: those that require it and follow when it crashed and is ready again, with what is done with them.
        wanted: how many members are wanted.
        held: how many of what it requires are not to run at all: then it is not to run either.
        is_effective: whether any member is to run: wanted, and not held.
        places: how many members are at each place.
        is_good, is_hopeless, is_coming: what the places amount to.
        unmet: how many of what it requires are not good.
        hopeless_before: how many of what it requires are hopeless.
        coming_before: how many of what it merely comes after are coming.
        alive: where it conflicts with others: of how many members a process is there.
        clashing: how many of those that it conflicts with have such a member.
        leaving: how many members are leaving.
        leaving_behind: how many groups with a member that leaves start after it, and so stop before it.
        is_scheduled: its members run by a schedule.
        is_stray: no longer in the configuration.
        digest: what its processes are to be launched from, but for what the place of each changes.
        plan: when its schedule names the next run; None: unknown, or there is none.
    """

    __slots__ = (
        "after",
        "alive",
        "clashing",
        "coming_before",
        "conflicts",
        "dependents",
        "digest",
        "followers",
        "held",
        "hopeless_before",
        "is_coming",
        "is_effective",
        "is_good",
        "is_hopeless",
        "is_scheduled",
        "is_stray",
        "leaving",
        "leaving_behind",
        "members",
        "name",
        "places",
        "plan",
        "requires",
        "service",
        "tied",
        "unmet",
        "wanted",
    )

    def __init__(self, service: Service, digest: str = "") -> None:
        self.name = service.name
        self.digest = digest
        self.service = service
        self.members: list[Member] = []
        self.requires: list[Group] = []
        self.after: list[Group] = []
        self.dependents: list[Group] = []
        self.followers: list[Group] = []
        self.conflicts: list[Group] = []
        self.tied: list[tuple[Group, str]] = []
        self.wanted = self.held = 0
        self.is_effective = False
        self.places = {"out": 0, "good": 0, "coming": 0, "retrying": 0, "hopeless": 0}
        self.is_good = self.is_coming = False
        self.is_hopeless = True
        self.unmet = self.hopeless_before = self.coming_before = self.alive = self.clashing = 0
        self.leaving = self.leaving_behind = 0
        self.is_stray = False
        self.is_scheduled = service.schedule.is_set
        self.plan: Planned | None = None

    @property
    def is_open(self) -> bool:
        """Whether its members may start, as far as others go."""
        return not self.unmet and not self.coming_before and not self.clashing

    def link(self, graph: Graph, groups: Mapping[str, Group]) -> None:
        """Find its neighbours among these. None of them has a member that is counted yet."""
        name = self.name
        self.requires = [groups[other] for other in graph.requires[name]]
        self.after = [groups[other] for other in graph.after[name]]
        self.dependents = [groups[other] for other in graph.dependents[name]]
        self.followers = [groups[other] for other in graph.followers[name]]
        self.conflicts = [groups[other] for other in graph.conflicts.get(name, ())]
        self.held = self.unmet = self.hopeless_before = len(self.requires)
        for other, verb in self.service.on_restart.items():
            if other in graph.requires[name]:
                groups[other].tied.append((self, verb))

    def condition(self) -> str:
        """What is the matter with it, for those that wait for it: `has failed`; "" where it is only on its way."""
        if not self.is_hopeless:
            return ""
        states = {member.instance.state for member in self.members if member.place == "hopeless"}
        for state, words in _CONDITIONS.items():
            if state in states:
                return words
        return "is stopped"


_CONDITIONS = {
    "stuck": "is stuck",
    "failed": "has failed",
    "finished": "has finished",
    "waiting": "cannot start",
}
