"""What a manager holds after very many changes is no more than after some."""

from collections import deque
from collections.abc import Iterator
from typing import Any

from snowfox.testing.changing import PlayedHost, PlayedManager
from snowfox.testing.clock import VirtualClock

ROUND = 12


def text(number: int) -> str:
    """Each has services and a socket of its own, one that is renamed, and one that changes."""
    was = f'was = "renamed{number - 1}"' if number else ""
    return f"""
[socket.s{number}]
listen = "127.0.0.1:{9000 + number}"
[service.s{number}]
command = ["own"]
sockets = ["s{number}"]
restart = {{ delay = "10s" }}
[service.renamed{number}]
command = ["renamed"]
{was}
[service.changes]
command = ["changes", "{number}"]
labels = ["l{number}"]
"""


def parts(one: Any) -> Iterator[tuple[str, Any]]:
    """Fields of an object of ours, with and without slots."""
    names = {*getattr(one, "__dict__", {})}
    for made in type(one).__mro__:
        slots = getattr(made, "__slots__", ())
        names |= {slots} if isinstance(slots, str) else {*slots}
    return ((name, getattr(one, name)) for name in sorted(names) if hasattr(one, name))


def sizes(root: Any) -> dict[str, int]:
    """How much is in each collection that can be reached through objects of the manager."""
    found: dict[str, int] = {}
    seen: list[Any] = []  # keeps them alive, so that no id is used twice
    known: set[int] = set()

    def look(path: str, one: Any) -> None:
        if id(one) in known:
            return
        known.add(id(one))
        seen.append(one)
        if isinstance(one, (dict, list, set, deque, tuple)):
            found[path] = found.get(path, 0) + len(one)
            for each in list(one.values() if isinstance(one, dict) else one):
                look(f"{path}/*", each)
        elif type(one).__module__.startswith(("snowfox.manager", "snowfox.core.event", "snowfox.service")):
            for name, each in parts(one):
                look(f"{path}.{name}", each)

    look("node", root)
    return found


async def test_nothing_grows_with_the_number_of_changes(clock: VirtualClock) -> None:
    """Made, refused, rolled back, superseded, left in backoff, not stored: each twice, and again as often."""
    host = PlayedHost()
    manager = await PlayedManager.begun(clock, host, text(0))

    async def change(number: int) -> None:
        match number % 6:
            case 1:
                host.end(f"s{number - 1}", code=3)
                await clock.advance("1s")
            case 2:
                host.unfit.add("own")
                assert (await manager.apply(text(number))).state == "refused"
                host.unfit.clear()
            case 3:
                host.bad.add("own")
                assert (await manager.end(manager.ask(text(number)), "1h")).state == "rolled back"
                host.bad.clear()
            case 4:
                manager.ask(text(number + 5000))
                await clock.advance("0.1s")
            case 5:
                host.store.refuses = lambda writes: any(str(one.row).startswith("[null") for one in writes)
            case _:
                pass
        assert (await manager.end(manager.ask(text(number), supersede=True), "1h")).code == 0
        host.store.refuses = lambda _: False

    async def after(first: int) -> dict[str, int]:
        for number in range(first, first + ROUND):
            await change(number)
        return sizes(manager.node) | sizes(manager.node.driver._engine)

    for turn in range(5):  # what is bounded is full then
        await after(turn * ROUND + 1)
    once, twice = await after(5 * ROUND + 1), await after(6 * ROUND + 1)
    grown = {path: (once.get(path, 0), size) for path, size in twice.items() if size > once.get(path, 0)}
    assert not grown
    await manager.close()
