"""Reload and recycling: what people, ties and the recycler ask of instances that are well.

```text
reload    with the key `reload`: the same process, told to read anew
          without it: as `restart`, which is rolling where the service can be replaced so
recycle   a fresh instance in its place, rolling where the service can be replaced so; else one of a group at a time
          stops and starts again, and what requires it stays, as after a crash. Not before it has lived for `restart.reset`
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from snowfox.manager.engine.fleet import Fleet
from snowfox.manager.engine.group import Member
from snowfox.service.event import Recycle
from snowfox.service.fact import ServiceRecycled
from snowfox.service.instance import Input


def split(members: Iterable[Member]) -> tuple[list[Member], list[Member]]:
    """Those that are reloaded as they run, and those that are restarted for it. What does not run is neither."""
    told: list[Member] = []
    anew: list[Member] = []
    for member in members:
        if not member.instance.is_alive or member.leaving:
            continue
        can = member.group.service.reload is not None
        (told if can else anew).append(member)
    return told, anew


def reload(fleet: Fleet, members: Iterable[Member]) -> None:
    """Have these read anew; one that is not ready has just read, or is ending."""
    for member in members:
        fleet.tell(member, Input("reload"))


def recycle(fleet: Fleet, event: Recycle, renew: Callable[[Iterable[Member]], None]) -> None:
    """Put a fresh one in the place of one that is old or fat, unless something else of its group is on its way."""
    member = fleet.owner(event.token)
    if member is None or member.instance.token != event.token or not _is_quiet(fleet, member):
        return
    member.instance.emit(ServiceRecycled(event.reason), fleet.turn)
    if member.group.service.is_rolling:
        renew([member])
    else:
        fleet.stop([member], f"recycled: {event.reason}", again=True)


def _is_quiet(fleet: Fleet, member: Member) -> bool:
    # What is too fat from the beginning would be replaced for ever.
    has_lived = fleet.turn.now - member.instance.launched >= member.group.service.restart.reset
    return (
        has_lived
        and fleet.is_to_run(member)
        and all(
            one.instance.state == "ready" and not one.leaving and one.outgoing is None and not one.is_outdated
            for one in member.group.members
            if fleet.is_to_run(one)
        )
    )
