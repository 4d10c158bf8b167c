"""What a member contributes to its group, and what the group amounts to for its neighbours."""

from __future__ import annotations

from collections.abc import Iterator

from snowfox.manager.engine.group import Group, Member

_PLACES = {
    "ready": "good",
    "failed": "hopeless",
    "stuck": "hopeless",
    "backoff": "retrying",
    "failing": "retrying",
}


def place_of(member: Member, *, is_to_run: bool) -> str:
    """Its place, see `group.Member`."""
    if not is_to_run:
        return "out"
    if member.leaving:
        return "coming"
    if member.is_served:
        return "good"
    match member.instance.state:
        case "finished" if member.is_outdated:  # it runs again
            return "coming"
        case "finished":
            return "good" if member.group.service.is_task else "hopeless"
        case "waiting" if member.is_asleep or member.is_idle:  # whoever needs the one has only to connect
            return "good"
        case "waiting":
            return "hopeless" if member.group.hopeless_before else "coming"
        case state:
            return _PLACES.get(state, "coming")


def recheck(group: Group) -> Iterator[Group]:
    """Bring up to date what a group is by the places of its members; the neighbours that have to look again."""
    places = group.places
    inside = len(group.members) - places["out"]
    is_good = 0 < inside == places["good"]
    is_hopeless = not inside or places["hopeless"] > 0
    is_coming = places["coming"] > 0
    if is_good is not group.is_good or is_hopeless is not group.is_hopeless:
        for other in group.dependents:
            was_open, was_hopeless = other.is_open, other.hopeless_before > 0
            other.unmet -= is_good - group.is_good
            other.hopeless_before += is_hopeless - group.is_hopeless
            if other.is_open is not was_open or was_hopeless is not (other.hopeless_before > 0):
                yield other
    if is_coming is not group.is_coming:
        for other in group.followers:
            other.coming_before += is_coming - group.is_coming
            if other.is_open:
                yield other
    group.is_good, group.is_hopeless, group.is_coming = is_good, is_hopeless, is_coming


def count_alive(member: Member) -> Iterator[Group]:
    """Bring up to date whether a process of a member, and so of its group, is there; who may start because none is."""
    group, is_alive = member.group, member.is_alive
    if is_alive is member.is_counted:
        return
    member.is_counted = is_alive
    was_alive = group.alive > 0
    group.alive += 1 if is_alive else -1
    if was_alive is (group.alive > 0):
        return
    for other in group.conflicts:
        other.clashing += 1 if is_alive else -1
        if other.is_open:
            yield other
