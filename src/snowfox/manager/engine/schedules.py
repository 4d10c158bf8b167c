"""Runs by a schedule: what becomes of one that is due.

A schedule is one more gate of a start: a member waits until a run is due, as it waits for what it requires. `due` of
a member counts the runs that are due and not over, the one under way included, so that a second try of it needs none
of its own. A run is over once it finished or failed; what is stopped has none.
"""

from __future__ import annotations

from typing import Final

from snowfox.manager.engine.fleet import Fleet
from snowfox.manager.engine.group import Group, Member
from snowfox.service.effects import Scheduled
from snowfox.service.event import Due, Missed, Planned
from snowfox.service.fact import ServiceDue, ServiceSkipped
from snowfox.service.instance import Input

MOST_QUEUED: Final = 100
"""Runs of one instance that wait for the one before."""

REPLACED: Final = "its next run is due"


class Schedules:
    """Brings runs to the members that they are of.

    Args:
        fleet: whose members.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._had_any = False

    def begin(self) -> None:
        """Another configuration is in force: have its schedules watched."""
        services = self._fleet.configuration.services.values()
        schedules = {one.name: one.schedule for one in services if one.schedule.is_set}
        if schedules or self._had_any:
            self._fleet.turn.effects.append(Scheduled(schedules))
        self._had_any = bool(schedules)

    def take(self, event: Planned | Due | Missed) -> None:
        """The schedule of a service says something; of one that has none (any more) nothing is heard."""
        group = self._fleet.groups.get(event.service)
        if group is None or not group.service.schedule.is_set:
            return
        match event:
            case Planned():
                self._plan(group, event)
            case Due():
                for member in [one for one in group.members if self._fleet.is_to_run(one)]:
                    self._run(member, event)
            case Missed():
                for member in [one for one in group.members if self._fleet.is_to_run(one)]:
                    self._skip(member, event.planned, "nobody was there to run it")

    def _plan(self, group: Group, event: Planned) -> None:
        group.plan = event
        for member in group.members:
            self._fleet.touch(member)

    def _run(self, member: Member, event: Due) -> None:
        if not member.due:
            self._due(member, event)
            self._fleet.start(member)
            return
        if member.instance.state == "stuck":
            self._skip(member, event.planned, "the one before cannot be ended")
            return
        match member.group.service.schedule.overlap:
            case "skip":
                self._skip(member, event.planned, "the one before is not over")
            case "queue" if member.due > MOST_QUEUED:
                self._skip(member, event.planned, f"{MOST_QUEUED} wait already")
            case "queue":
                self._due(member, event)
            case "replace":
                self._replace(member, event)

    def _replace(self, member: Member, event: Due) -> None:
        member.due = 0
        self._due(member, event)
        if member.instance.state == "backoff":
            self._fleet.tell(member, Input("start"))
        elif member.is_alive:
            self._fleet.stop([member], REPLACED, again=True)

    def _due(self, member: Member, event: Due) -> None:
        member.due += 1
        self._fleet.touch(member)
        fact = ServiceDue(event.planned, event.late, event.is_missed)
        member.instance.emit(fact, self._fleet.turn)

    def _skip(self, member: Member, planned: int, why: str) -> None:
        member.instance.emit(ServiceSkipped(planned, why), self._fleet.turn)
