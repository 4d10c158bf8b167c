"""A fleet moves to another configuration: who stays who, what is new, what has no place any more.

All groups are built anew, then every member of before is put where it belongs, with its instance, process and timers:
the numbers of groups and members are right by construction.

```text
same service, number or name    the same instance, with the service as it is written now
the service was renamed (`was`) the same instance under its new id
one instance, now several       `web` becomes `web@1`, and the other way round
no place any more, alive        a stray: runs on, is not started again, and stops when it is told to
no place any more, not alive    gone
```
"""

from __future__ import annotations

from itertools import count

from snowfox.core.named import NamedTuple
from snowfox.manager.engine.adoption import want_all
from snowfox.manager.engine.fleet import Fleet
from snowfox.manager.engine.group import Group, Member
from snowfox.manager.engine.rollout import OUTGOING, give_back, let_off
from snowfox.service.effects import ClearTimer, Removed, Renamed, SetTimer, WantedChanged
from snowfox.service.health import rewatch, unwatch
from snowfox.service.readiness import wait_of
from snowfox.service.spec import Configuration

_UNWANTED = "no longer wanted"


class Moved(NamedTuple):
    """What came of it: members that were not there before, and members that have no place any more and run."""

    fresh: list[Member]
    strays: list[Member]


def move(fleet: Fleet, configuration: Configuration, *, is_back: bool = False) -> Moved:
    """Make the fleet one of this configuration. Nothing is started by this; what took a place in vain is stopped.

    Args:
        fleet: which.
        configuration: to be.
        is_back: whether that takes a move back.
    """
    for member in fleet.members.values():
        let_off(fleet, member)
    places = _places(fleet, configuration, is_back=is_back)
    kept = dict.fromkeys(places.values())
    left = [member for member in fleet.members.values() if member not in kept]
    was_wanted = {member for member in kept if member.wants}
    leaving = [member for member in fleet.members.values() if member.leaving]
    changed = [member for member in kept if member.group.is_stray]
    fleet.build(configuration, places)
    changed += [member for identity, member in places.items() if _settle_in(fleet, member, identity)]
    strays = {member: group for member in left if (group := member.group) and _stray(fleet, member)}
    _link(fleet, strays)
    want_all(fleet, fleet.asked, frozenset(was_wanted))
    for member in leaving:
        if member.is_alive:
            fleet.set_leaving(member, leaving=True)
    fresh = [
        member for identity, member in fleet.members.items() if identity not in places and member not in left
    ]
    fleet.settle([*fresh, *changed, *strays])
    return Moved(fresh, list(strays))


def _places(fleet: Fleet, configuration: Configuration, *, is_back: bool) -> dict[str, Member]:
    """Members of before by the ids that they have from now on."""
    strays = {identity: member for identity, member in fleet.members.items() if member.group.is_stray}
    formers = _formers(
        fleet, configuration, {member.group.name for member in strays.values()}, is_back=is_back
    )
    places: dict[str, Member] = {}
    for service in configuration.services.values():
        former = formers.get(service.name)
        members = [] if former is None else fleet.groups[former].members
        by_suffix = {member.suffix: member for member in members}
        for suffix, identity in zip(service.suffixes(), service.ids(), strict=True):
            found = by_suffix.get(suffix) or strays.get(identity)
            found = found or strays.get(_other_id(service.name, suffix, identity))
            if found is not None:
                places[identity] = found
    return places


def _other_id(name: str, suffix: str, identity: str) -> str:
    """What an instance is called when there are several, or when it is the only one."""
    several = f"{name}@{suffix}"
    return name if identity == several and suffix == "1" else several


def _formers(
    fleet: Fleet, configuration: Configuration, strays: set[str], *, is_back: bool
) -> dict[str, str]:
    """The name that each service has now, where it has one: no two of them take over the same.

    On the way back a new name is left as it was come to, before what is written counts.
    """
    services = configuration.services
    written = [
        (one.name, one.was)
        for one in services.values()
        if one.was in fleet.groups and one.name not in strays  # who runs still is who it was
    ]
    left = [
        (group.service.was, name) for name, group in fleet.groups.items() if group.service.was in services
    ]
    formers = {name: name for name in services if name in fleet.groups}
    taken = set(formers)
    for name, former in (*left, *written) if is_back else (*written, *left):
        if name not in formers and former not in taken:
            formers[name] = former
            taken.add(former)
    return formers


def _settle_in(fleet: Fleet, member: Member, identity: str) -> bool:
    """Give a member that stays what is written now. Whether people may see a difference."""
    instance, service = member.instance, member.group.service
    is_same = instance.id == identity and instance.service == service
    before, was = instance.service, instance.id
    instance.service = service
    if instance.state != "starting":  # what it waits for was begun by the rules of then
        instance.wait = wait_of(service)
    if member.is_served and instance.digest != member.digest:
        give_back(fleet, member, _UNWANTED)
        is_same = False
    if instance.id != identity:
        _rename(fleet, member, identity)
    if member.instance is instance:
        rewatch(instance, before, was, fleet.turn)
    return not is_same


def _rename(fleet: Fleet, member: Member, identity: str) -> None:
    turn, was = fleet.turn, member.instance.id
    for instance, end in ((member.instance, ""), (member.outgoing, OUTGOING)):
        if instance is None:
            continue
        if instance.timer:
            turn.effects.append(ClearTimer(instance.subject))
        instance.id, instance.subject = identity, f"{identity}{end}"
        if instance.timer:
            turn.effects.append(
                SetTimer(instance.subject, instance.timer, max(instance.timer_due - turn.now, 0.0))
            )
        if instance.token:
            fleet.elsewhere[instance.token] = member
    for watch in member.watches:
        watch.rename(was, identity)
    if was in fleet.asked:
        word = fleet.asked.pop(was)
        fleet.asked[identity] = word
        turn.effects += [WantedChanged(was, None), WantedChanged(identity, word)]
    turn.effects.append(Renamed(was, identity))
    if was not in fleet.members:
        turn.effects.append(Removed(was))


def _stray(fleet: Fleet, member: Member) -> bool:
    """Keep a member that has no place any more while it runs."""
    if not member.is_alive:
        identity = member.instance.id
        member.instance.disarm(fleet.turn)
        for watch in member.watches:
            watch.forget(identity)
        if identity not in fleet.members:
            fleet.turn.effects.append(Removed(identity))
        return False
    group = Group(member.group.service, member.instance.digest)
    group.is_stray = True
    identity = member.instance.id
    unwatch(member.instance, fleet.turn)
    if identity in fleet.members:  # another has this id now
        identity = next(one for number in count(1) if (one := f"{group.name}@{number}") not in fleet.members)
    fleet.join(identity, group, member)
    if identity != member.instance.id:
        _rename(fleet, member, identity)
    return True


def _link(fleet: Fleet, strays: dict[Member, Group]) -> None:
    """Strays stop before what they required and came after, be that a stray or not."""
    by_name = {member.group.name: member.group for member in strays}
    for member, before in strays.items():
        found = [
            by_name.get(other.name) or fleet.groups.get(other.name)
            for other in (*before.requires, *before.after)
        ]
        member.group.after = [other for other in found if other is not None]
