"""Work that is done to its end."""

import asyncio

import pytest

from snowfox.core.unbroken import unbroken
from snowfox.errors import HostError


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("cancels", [0, 1, 3])
async def test_to_its_end(cancels: int, *, fails: bool) -> None:
    """However often whoever waits is cancelled; its error comes before that it was."""
    go, ends = asyncio.Event(), 0

    async def work() -> None:
        nonlocal ends
        await go.wait()
        ends += 1
        if fails:
            raise HostError("cannot")

    task = asyncio.ensure_future(unbroken(work()))
    for _ in range(cancels):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(HostError if fails else asyncio.CancelledError if cancels else StopAsyncIteration):
        await task
        raise StopAsyncIteration
    assert ends == 1


async def test_cancelled_itself() -> None:
    """As at the loop's end, when all tasks are: who waits hears of it."""
    task = asyncio.ensure_future(unbroken(asyncio.sleep(60)))
    await asyncio.sleep(0)
    for one in asyncio.all_tasks() - {asyncio.current_task()}:
        one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
