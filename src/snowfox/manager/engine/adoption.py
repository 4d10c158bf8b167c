"""The beginning: what is wanted, and what an earlier manager left, running or ended, taken over.

```text
found alive                     taken over: ready where it had been ready, else what it waits for is watched anew
found ended                     its end is handled as if it had happened now
remembered with a process,      its end was seen by nobody: exit `unknown`, a failure; a task has failed
  but not found
remembered without a pid        never launched: started
remembered finished or failed   stays so
alive, not in the configuration stopped
```
"""

from __future__ import annotations

from snowfox.manager.engine.fleet import Fleet
from snowfox.manager.engine.group import Member
from snowfox.manager.engine.view import own_part
from snowfox.manager.engine.wishes import BY_PERSON
from snowfox.service.effects import Emit, Forget, Kill
from snowfox.service.event import Begin, Found
from snowfox.service.fact import ServiceExited
from snowfox.service.instance import ALIVE, Input
from snowfox.service.spec import Service
from snowfox.service.status import Status
from snowfox.values import UNKNOWN_EXIT

REMOVED = "no longer in the configuration"
UNWANTED = "it is not to run"


def instance_of(token: str) -> str:
    """`web@1` of `web@1~01JD…`."""
    return token.rpartition("~")[0]


def want_all(fleet: Fleet, wanted: dict[str, str], before: frozenset[Member] = frozenset()) -> None:
    """What is wanted: the configuration, what people asked, what those require, and what was wanted before."""
    wishes: dict[Member, bool] = {}
    asked: set[Member] = set()
    for group in fleet.groups.values():
        for member in group.members:
            word = wanted.get(member.instance.id, wanted.get(group.name))
            is_usual = group.service.autostart or member in before
            wishes[member] = is_usual if word is None else word != "stopped"
            if word is not None:
                asked.add(member)
    for name in reversed(fleet.graph.order):
        group = fleet.groups[name]
        if not any(wishes[member] for member in group.members):
            continue
        for other in (*group.requires, *(fleet.groups[one] for one in fleet.graph.wants[name])):
            if not any(wishes[member] for member in other.members):
                wishes.update(dict.fromkeys((each for each in other.members if each not in asked), True))
    _settle_conflicts(fleet, wishes, asked, before)
    flipped: dict[Member, None] = {}
    for member, wants in wishes.items():
        fleet.want(member, flipped, wants=wants)


def _settle_conflicts(
    fleet: Fleet, wishes: dict[Member, bool], asked: set[Member], before: frozenset[Member]
) -> None:
    """Of two services that conflict one is wanted: that which people started, else which ran, else the first."""

    def rank(name: str) -> tuple[bool, bool]:
        members = [member for member in fleet.groups[name].members if wishes[member]]
        return not any(member in asked for member in members), not any(one in before for one in members)

    names = [name for name in fleet.graph.order if name in fleet.graph.conflicts]
    for name in sorted(names, key=rank):
        if any(wishes[member] for member in fleet.groups[name].members):
            for other in fleet.graph.conflicts[name]:
                wishes.update(dict.fromkeys(fleet.groups[other].members, False))


def take_over(fleet: Fleet, begin: Begin) -> None:
    """Bring every instance to where an earlier manager left it. Nothing new is started yet."""
    by_token = {status.token: status for status in begin.remembered.values() if status.token}
    alive, ended = _newest(fleet, begin.found, by_token)
    for identity, member in list(fleet.members.items()):
        before = begin.remembered.get(identity)
        if member.is_scheduled:
            member.due = max(before.due if before is not None else 0, identity in alive)
        if identity in alive:
            found = alive[identity]
            _adopt(fleet, member, found, by_token.get(found.token, before))
        elif before is not None or identity in ended:
            _recall(fleet, member, ended.get(identity), before)
        if before is not None and not member.instance.digest:
            member.instance.digest = before.digest
    for identity, found in alive.items():
        if identity not in fleet.members:
            _adopt(fleet, fleet.add_stray(identity, _leftover(fleet, identity)), found, None)
    fleet.stop(unwanted(fleet), UNWANTED)
    fleet.stop([member for member in fleet.members.values() if member.group.is_stray], REMOVED)


def unwanted(fleet: Fleet) -> list[Member]:
    """What runs and is not to, in the configuration."""
    return [
        member
        for member in fleet.members.values()
        if member.is_alive
        and not fleet.is_to_run(member)
        and not member.leaving
        and not member.group.is_stray
    ]


def _newest(
    fleet: Fleet, found: tuple[Found, ...], by_token: dict[str, Status]
) -> tuple[dict[str, Found], dict[str, Found]]:
    """Per instance the launch that lives, else the last that ended; all others are cleared away.

    Of two that live, as when one was taking the place of another, the one that is as it is wanted stays, else the last.
    """
    alive: dict[str, Found] = {}
    ended: dict[str, Found] = {}
    ids = {launch.token: _identity(fleet, launch.token, by_token) for launch in found}
    for launch in sorted(found, key=lambda each: (_is_wanted(fleet, ids[each.token], each), each.token)):
        into = ended if launch.exit is not None else alive
        identity = ids[launch.token]
        older = into.get(identity)
        into[identity] = launch
        if older is not None:
            _clear(fleet, older)
    for identity, launch in list(ended.items()):
        if identity in alive or identity not in fleet.members:
            _clear(fleet, launch)
            del ended[identity]
    return alive, ended


def _is_wanted(fleet: Fleet, identity: str, launch: Found) -> bool:
    member = fleet.members.get(identity)
    return launch.exit is None and member is not None and launch.digest == member.digest


def _identity(fleet: Fleet, token: str, by_token: dict[str, Status]) -> str:
    """Whose launch it is now: services are renamed, and one instance becomes several."""
    own = instance_of(token)
    status = by_token.get(token)
    if status is not None and status.id in fleet.members:
        return status.id
    if own in fleet.members:
        return own
    name, _, suffix = own.partition("@")
    group = fleet.groups.get(name)
    if group is None:
        group = next((each for each in fleet.groups.values() if each.service.was == name), None)
    found = (
        [] if group is None else [one.instance.id for one in group.members if one.suffix == (suffix or "1")]
    )
    return found[0] if found else own


def _clear(fleet: Fleet, launch: Found) -> None:
    """Of a second launch of an instance, which must not be, only the newest stays."""
    fleet.turn.effects.append(Kill(instance_of(launch.token), launch.token))
    if launch.exit is not None:
        fleet.turn.effects.append(Forget(launch.token))


def _leftover(fleet: Fleet, identity: str) -> Service:
    name = identity.partition("@")[0]
    group = fleet.groups.get(name)
    return group.service if group else Service(name, ())


def _adopt(fleet: Fleet, member: Member, found: Found, before: Status | None) -> None:
    same = before if before is not None and before.token == found.token else None
    was_ready = same is not None and same.state == "ready"
    told = Input(
        "adopt",
        token=found.token,
        pid=found.pid,
        started=found.started,
        age=found.age,
        was_ready=was_ready and not member.group.service.is_task,
    )
    member.is_called = True
    fleet.tell(member, told)
    member.instance.digest = found.digest
    if instance_of(found.token) != member.instance.id:
        fleet.elsewhere[found.token] = member
    if same is None:
        return
    member.instance.restarts = same.restarts
    if same.state == member.instance.state:
        member.instance.since = same.since
    if same.state in {"stopping", "failing", "stuck"}:
        # It was being ended; that goes on, and then it is as it is wanted.
        fleet.stop([member], BY_PERSON, again=fleet.is_to_run(member))


def _recall(fleet: Fleet, member: Member, ended: Found | None, before: Status | None) -> None:
    """Of an instance without a process."""
    had_process = before is not None and before.state in ALIVE and before.pid > 0
    if ended is not None and before is not None and ended.token < before.last:
        _clear(fleet, ended)
        ended = None
    if ended is not None and (before is None or before.token or ended.token != before.last):
        _recall_end(fleet, member, ended, before)
    elif before is not None and had_process:
        age = max(fleet.turn.now - before.since, 0.0)
        gone = Found(before.token, before.pid, before.started, age, UNKNOWN_EXIT)
        _recall_end(fleet, member, gone, before)
    elif before is not None and fleet.is_to_run(member) and before.state in {"finished", "failed"}:
        member.instance.last = before.last
        fleet.tell(member, Input(f"{before.state}-before", text=own_part(before.message)))
        member.instance.since = before.since
    if ended is not None and before is not None and not before.token and ended.token == before.last:
        # Its end is stored; only the spawner has not been told.
        _clear(fleet, ended)
    if before is not None:
        member.instance.restarts += before.restarts


def _recall_end(fleet: Fleet, member: Member, ended: Found, before: Status | None) -> None:
    how = ended.exit or UNKNOWN_EXIT
    if before is not None and before.token == ended.token and before.state == "stopping":
        # We had asked for it.
        code, signal, reached = how
        fact = ServiceExited(ended.pid, ended.token, code, signal, True, ended.age, reached=reached)  # noqa: FBT003 - a field
        fleet.turn.effects += [
            Emit(member.instance.id, fact),
            Kill(member.instance.id, ended.token),
            Forget(ended.token),
        ]
        return
    was_ready = before is not None and before.state == "ready"
    told = Input(
        "ended-before",
        token=ended.token,
        pid=ended.pid,
        started=ended.started,
        exit=how,
        age=ended.age,
        text=before.message if before is not None and before.state == "failing" else "",
        was_ready=was_ready and not member.group.service.is_task,
    )
    fleet.tell(member, told)
