"""Ties: who follows a service that it requires through a crash (`on-restart`).

It follows once the crashed one is ready again, not when it dies: most come back at once, and where one does not, its
dependents go on without it, as those do that say nothing.

Who is restarted for this reason is as good as crashed for those that are tied to it in turn.
"""

from __future__ import annotations

from collections.abc import Iterable

from snowfox.manager.engine.fleet import Fleet
from snowfox.manager.engine.group import Group, Member
from snowfox.manager.engine.renewing import reload, split
from snowfox.service.effects import Emit
from snowfox.service.fact import ServiceFollows

_RUNNING = frozenset({"starting", "ready", "failing"})


class Ties:
    """Lets dependents follow.

    Args:
        fleet: whose.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def look(self, changed: Iterable[Member]) -> None:
        """After an event: see which of these died, and let those follow that are tied to one which is back."""
        for member in [one for one in changed if one.group.tied]:
            self._look(member)

    def _look(self, member: Member) -> None:
        instance = member.instance
        if instance.died > member.died:
            member.died = instance.died
            member.is_lost = member.outgoing is None  # else the one that it was to replace serves on
        elif instance.state == "stopped":
            member.is_lost = False
        if member.is_lost and member.place == "good":
            member.is_lost = False
            for group, verb in member.group.tied:
                self._follow(group, verb, member)

    def _follow(self, group: Group, verb: str, lost: Member) -> None:
        fleet = self._fleet
        followers = [
            member
            for member in group.members
            if member.instance.state in _RUNNING and not member.leaving and fleet.is_to_run(member)
        ]
        for member in followers:
            fact = ServiceFollows(verb, lost.instance.id)
            fleet.turn.effects.append(Emit(member.instance.id, fact))
            member.is_lost = True
        if verb == "reload":
            told, followers = split(followers)
            reload(fleet, told)
        fleet.stop(list(reversed(followers)), f"{verb}ed after {lost.instance.id}", again=True)
