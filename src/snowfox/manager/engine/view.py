"""How a member looks to people: its light, its message, its status."""

from __future__ import annotations

from snowfox.manager.engine.fleet import Fleet
from snowfox.manager.engine.group import Group, Member
from snowfox.service.status import NEXT_RUN, Status
from snowfox.values import Seconds, span_text

_FEW = 3

_BETWEEN = frozenset({"waiting", "finished", "failed"})


def light_of(fleet: Fleet, member: Member) -> str:
    """`green` as wanted, `yellow` on its way, `red` not as wanted."""
    if member.is_served:
        return "yellow"
    match member.instance.state:
        case "failing" | "failed" | "stuck":
            return "red"
        case "waiting" if member.is_asleep:
            return "green" if fleet.is_to_run(member) else "yellow"
        case "finished" | "starting" | "waiting" if _is_on_time(member):
            return "green"
        case "waiting":
            return "red" if member.group.hopeless_before else "yellow"
        case "ready":
            return "green" if fleet.is_to_run(member) and not member.leaving else "yellow"
        case "stopped":
            return "yellow" if fleet.is_to_run(member) else "green"
        case _:
            return "yellow"


def _is_on_time(member: Member) -> bool:
    """Whether it finished, or runs by a schedule and does what that says, be it to wait or to run."""
    state = member.instance.state
    return state == "finished" or (member.is_idle if state == "waiting" else member.is_scheduled)


def message_of(member: Member, now: Seconds) -> str:
    """Why it is so, in one line; may be ""."""
    group = member.group
    own = _own(member, now)
    if member.is_served:
        state = member.instance.state
        word = "failed" if state == "failed" else f"is {state}"
        return f"its replacement {word}" + (f": {own}" if own else "")
    if group.is_stray and member.instance.state == "ready" and not member.leaving:
        return "goes once all else is ready"
    match member.instance.state:
        case "waiting" if member.is_asleep:
            return f"starts when something comes for {few(list(group.service.sockets))}"
        case "waiting" if not member.is_idle:
            return _waits(member)
        case "stopped":
            return _stopped(member)
        case "ready" if member.leaving:
            behind = (*group.dependents, *group.followers)
            return f"stops after {few([other.name for other in behind if other.leaving])}"
        case "ready" if group.hopeless_before:
            lost = [
                f"{other.name}, which {other.condition()}" for other in group.requires if other.is_hopeless
            ]
            return "; ".join([*([own] if own else []), f"goes on without {few(lost)}"])
        case _:
            return own


def _own(member: Member, now: Seconds) -> str:
    """What it says itself; between the runs of a schedule when the next one is, first."""
    own = member.instance.message(now)
    if member.is_idle and member.instance.state in _BETWEEN:
        return "; ".join(filter(None, (_next_run(member.group, now), own)))
    if member.due > 1:
        return "; ".join(filter(None, (own, f"{member.due - 1} more by its schedule after it")))
    return own


def own_part(message: str) -> str:
    """A message as it was shown before, without what was to come then."""
    return message.partition("; ")[2] if message.startswith(NEXT_RUN) else message


def reason_of(member: Member, now: Seconds) -> str:
    """As `message_of`, of what an operation wants to be ready, whatever serves meanwhile in its place."""
    return member.instance.message(now) if member.is_served else message_of(member, now)


def status_of(fleet: Fleet, member: Member, now: Seconds) -> Status:
    """All of it; of one whose place is being taken, as long as it serves."""
    instance = member.outgoing if member.outgoing is not None and member.is_served else member.instance
    return Status(
        instance.id,
        instance.service.name,
        instance.state,
        light_of(fleet, member),
        instance.since,
        instance.pid,
        instance.started,
        instance.token,
        instance.restarts,
        message_of(member, now),
        instance.last,
        instance.digest,
        member.due,
    )


def few(names: list[str]) -> str:
    """`a, b, c and 4 more`."""
    more = len(names) - _FEW
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:_FEW])} and {more} more"


def _next_run(group: Group, now: Seconds) -> str:
    plan = group.plan
    if plan is None:
        return ""
    if plan.at is None:
        return "its schedule names no time that will come"
    return f"{NEXT_RUN}{span_text(max(plan.at - now, 0.0))}, at {plan.text}"


def _waits(member: Member) -> str:
    group = member.group
    names = [
        f"{other.name}, which {other.condition()}" if other.is_hopeless else other.name
        for other in group.requires
        if not other.is_good
    ]
    names += [other.name for other in group.after if other.is_coming]
    names += [f"{other.name}, which has to end first" for other in group.conflicts if other.alive]
    names += [f"its {hook}"] if (hook := member.instance.hook) else []
    return f"waits for {few(names)}" if names else ""


def _stopped(member: Member) -> str:
    group = member.group
    if member.wants and group.held:
        missing = [other.name for other in group.requires if not other.is_effective]
        return f"stopped with {few(missing)}, comes back with it"
    if not member.wants and not group.service.autostart and not member.instance.reason:
        return "autostart = false"
    return member.instance.reason
