"""Services that start on demand: when the first connection or datagram comes, until nothing came for long.

```text
waiting, not called ──something comes, or a person starts it──▶ called: as any other service
        ▲                                                          │
        └──── idle, or it ended well by itself: not called ◀───────┘
```

Who sleeps is as wanted, and good for what requires it. What comes while one ends waits in the socket, which is watched
again as soon as it sleeps: nothing is lost. All instances of a service are called together, and sleep together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from snowfox.manager.engine.fleet import Fleet
from snowfox.manager.engine.group import Group, Member
from snowfox.service.effects import Demand
from snowfox.service.event import Ended, Idle, Wanted
from snowfox.service.fact import ServiceCalled, ServiceIdle
from snowfox.service.launch import socket_keys

IDLE: Final = "nothing came for it"
_NOTHING: Final = ""


class Demands:
    """Calls who is wanted, lets who is idle sleep.

    Args:
        fleet: whose.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._told: dict[str, Demand] = {}

    def take(self, event: Wanted | Idle) -> None:
        """Something came for a service, or nothing for long."""
        group = self._fleet.groups.get(event.service)
        told = self._told.get(event.service)
        if group is None or told is None:
            return
        if isinstance(event, Wanted) and told.awaits == "connection":
            self._call(group, event.key)
        elif isinstance(event, Idle) and told.awaits == "idle":
            self._send_to_sleep(group)

    def ends(self, member: Member, event: Ended) -> None:
        """A process of it ends: one that ends well by itself has nothing more to do."""
        service, instance = member.group.service, member.instance
        is_well = event.exit.code is not None and event.exit.code in service.restart.success
        if service.is_on_demand and is_well and instance.state == "ready" and instance.token == event.token:
            member.is_called = False

    def look(self, changed: Iterable[Member]) -> None:
        """After an event: have watched what is to be watched for the services of these."""
        for group in dict.fromkeys(member.group for member in changed):
            if group.service.is_on_demand or group.name in self._told:
                self._tell(group)

    def begin(self) -> None:
        """After a change of the configuration: of all services."""
        groups = self._fleet.groups
        for name in [one for one in self._told if one not in groups]:
            self._say(Demand(name, _NOTHING))
        for group in groups.values():
            if group.service.is_on_demand or group.name in self._told:
                self._tell(group)

    def _call(self, group: Group, key: str) -> None:
        for member in group.members:
            was_asleep = member.is_asleep
            if self._fleet.is_to_run(member):
                member.is_called = True
                if was_asleep:
                    member.instance.emit(ServiceCalled(key), self._fleet.turn)
                    self._fleet.start(member)

    def _send_to_sleep(self, group: Group) -> None:
        members = [
            member for member in group.members if member.instance.state == "ready" and not member.leaving
        ]
        for member in members:
            member.is_called = False
            member.instance.emit(ServiceIdle(group.service.idle), self._fleet.turn)
        self._fleet.stop(members, IDLE, again=True)

    def _tell(self, group: Group) -> None:
        if group.is_stray:
            return
        for member in group.members:
            if member.instance.state == "stopped":
                member.is_called = False
        service, sockets = group.service, self._fleet.configuration.sockets
        awaits = self._awaited(group) if service.is_on_demand else _NOTHING
        keys = tuple(key for name in service.sockets if name in sockets for key in socket_keys(sockets[name]))
        self._say(Demand(group.name, awaits, keys, service.idle))

    def _awaited(self, group: Group) -> str:
        fleet = self._fleet
        members = [member for member in group.members if fleet.is_to_run(member)]
        if any(member.is_asleep for member in members):
            return "connection"
        is_settled = all(
            member.instance.state == "ready" and not member.leaving and member.outgoing is None
            for member in members
        )
        return "idle" if members and is_settled and group.service.idle > 0 else _NOTHING

    def _say(self, demand: Demand) -> None:
        told = self._told.get(demand.service)
        if demand == told:
            return
        if demand.awaits or self._fleet.groups.get(demand.service) is not None:
            self._told[demand.service] = demand
        else:
            self._told.pop(demand.service, None)
        if demand.awaits or (told is not None and told.awaits):
            self._fleet.turn.effects.append(demand)
