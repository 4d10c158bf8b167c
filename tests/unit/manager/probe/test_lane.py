"""A bounded number of tries at once."""

from __future__ import annotations

import asyncio

from snowfox.manager.probe.lane import Lane


async def test_they_run_in_order_as_there_is_room() -> None:
    """The third waits for one of the first two; each tells how it ended."""
    gates = [asyncio.Event() for _ in range(3)]
    begun: list[int] = []
    ends: list[tuple[int, BaseException | None]] = []
    lane = Lane(2)

    async def work(number: int) -> None:
        begun.append(number)
        await gates[number].wait()
        if number == 1:
            raise ValueError

    for number in range(3):
        lane.run(
            lambda number=number: work(number),
            "try",
            lambda error, number=number: ends.append((number, error)),
        )
    await asyncio.sleep(0)
    assert begun == [0, 1]
    gates[1].set()
    for _ in range(4):
        await asyncio.sleep(0)
    assert begun == [0, 1, 2]
    assert isinstance(ends[0][1], ValueError)
    for gate in gates:
        gate.set()
    for _ in range(4):
        await asyncio.sleep(0)
    assert sorted(number for number, _ in ends) == [0, 1, 2]


async def test_what_is_cancelled_says_nothing_and_makes_room() -> None:
    """Under way it ends, waiting it never begins."""
    begun: list[str] = []
    ends: list[str] = []
    lane = Lane(1)

    async def work(name: str) -> None:
        begun.append(name)
        await asyncio.sleep(0 if name == "c" else 3600)

    tickets = [
        lane.run(lambda name=name: work(name), name, lambda _, name=name: ends.append(name)) for name in "abc"
    ]
    await asyncio.sleep(0)
    tickets[1].cancel()
    tickets[0].cancel()
    for _ in range(6):
        await asyncio.sleep(0)
    assert begun == ["a", "c"]
    assert ends == ["c"]
