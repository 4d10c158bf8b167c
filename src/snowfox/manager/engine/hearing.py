"""What a process told of itself (`service.said`), and what is found out about it, taken note of."""

from __future__ import annotations

from typing import assert_never

from snowfox.manager.engine.fleet import Fleet
from snowfox.manager.engine.group import Member
from snowfox.service.event import Ailing, Followed, HookEnded, Notified, ProbeFailed, Signalled
from snowfox.service.fact import ProbeFailedFact, ServiceFollowed, ServiceSignalled
from snowfox.service.health import extend, leaves
from snowfox.service.instance import Input, Instance, Turn
from snowfox.service.life import step


def hear(instance: Instance, event: Notified, turn: Turn) -> bool:
    """Take note of it, but for the end of a start. Whether people may see a difference."""
    before = said = instance.said
    if event.status is not None:
        said = said._replace(status=event.status)
    if event.error:
        said = said._replace(error=event.error)
    if event.is_ready:
        said = said._replace(is_reloading=False, since=0)
    if event.is_reloading:
        said = said._replace(is_reloading=True, since=event.since)
    if event.is_stopping and not said.is_stopping:
        said = said._replace(is_stopping=True)
        leaves(instance, turn)
    if event.extend:
        extend(instance, event.extend, turn)
    instance.said = said
    return said != before


def notified(fleet: Fleet, member: Member, event: Notified) -> None:
    """The process of a member said something; it may be that it is ready."""
    if hear(member.instance, event, fleet.turn):
        fleet.touch(member)
    if event.is_ready:
        fleet.tell(member, Input("ready", text="notified"))


def probe_failed(fleet: Fleet, member: Member, event: ProbeFailed | Ailing) -> None:
    """A try of `ready` or `alive` failed, in another way than before; or one of `alive` succeeded again."""
    instance, text = member.instance, event.text
    is_asked = instance.wait.probes if isinstance(event, ProbeFailed) else instance.is_watched
    state = "starting" if isinstance(event, ProbeFailed) else "ready"
    if instance.state == state and is_asked and text != instance.probe:
        instance.probe = text
        fleet.touch(member)
        instance.emit(ProbeFailedFact(text), fleet.turn)


def beside(fleet: Fleet, event: Signalled | HookEnded | Followed) -> None:
    """What happened beside a process: a person had a signal sent, a hook has ended, another one is followed."""
    match event:
        case Signalled():
            _signalled(fleet, event)
        case HookEnded():
            _hook_ended(fleet, event)
        case Followed():
            _followed(fleet, event)
        case _:
            assert_never(event)


def _followed(fleet: Fleet, event: Followed) -> None:
    """It named its main process: true or not, that is told."""
    member = fleet.owner(event.token)
    for instance in () if member is None else (member.instance, member.outgoing):
        if member is not None and instance is not None and instance.token == event.token and instance.pid:
            if not event.error:
                instance.pid = event.pid
                fleet.touch(member)
            instance.emit(ServiceFollowed(event.pid, event.error), fleet.turn)


def _signalled(fleet: Fleet, event: Signalled) -> None:
    """A person had us send a signal: an end by it is theirs."""
    member = fleet.owner(event.token)
    if member is not None and member.instance.token == event.token:
        member.instance.sent = (event.number, event.who)
        fact = ServiceSignalled(member.instance.pid, event.number, event.who)
        member.instance.emit(fact, fleet.turn)


def _hook_ended(fleet: Fleet, event: HookEnded) -> None:
    """A hook has ended, of a launch that may be over; one that nobody waits for is passed over."""
    found = _hooked(fleet, event)
    if found is None:
        return
    member, instance = found
    told = Input("hook-over", text=event.text)
    if instance is member.instance:
        fleet.tell(member, told)
    else:
        step(instance, told, fleet.turn)
        fleet.see_off(member)


def _hooked(fleet: Fleet, event: HookEnded) -> tuple[Member, Instance] | None:
    named = fleet.members.get(event.token.rpartition("~")[0]) or fleet.elsewhere.get(event.token)
    for members in (
        ([named] if named else []),
        fleet.members.values(),
    ):  # one that was renamed meanwhile is rare
        for member in members:
            for instance in (member.instance, member.outgoing):
                if instance is not None and (instance.hook_token, instance.hook) == (event.token, event.name):
                    return member, instance
    return None
