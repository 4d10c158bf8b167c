"""What status shows, and waiting for a state."""

import asyncio

from snowfox.core.clock import SystemClock
from snowfox.manager.board import Board
from snowfox.service.status import Status


def status(id: str, state: str, *, pid: int = 0) -> Status:
    """A status in this state."""
    return Status(id, id, state, "green", SystemClock().now() - 10, pid=pid)


def test_rows_have_times_of_people_and_memory() -> None:
    """`since` is wall time; memory goes by main process, what has none has none."""
    clock = SystemClock()
    board = Board(clock)
    board.put(status("here", "ready", pid=7))
    board.put(status("gone", "stopped"))
    here, gone = board.rows(["here", "gone", "unknown"], {7: 1 << 20})
    assert abs(clock.wall() - 10_000 - here.since) < 1000
    assert (here.memory, gone.memory) == (1 << 20, 0)
    assert board.pids() == board.pids(["here", "gone", "unknown"]) == [7]


async def test_wait_ends_when_all_are_there() -> None:
    """Two instances, one after the other; a finished task counts as ready."""
    board = Board(SystemClock())
    board.put(status("web", "starting"))
    board.put(status("task", "starting"))
    waiting = asyncio.ensure_future(board.until_state(["web", "task"], "ready", within=60))
    await asyncio.sleep(0)
    board.put(status("web", "ready"))
    await asyncio.sleep(0)
    assert not waiting.done()
    board.put(status("task", "finished"))
    assert await waiting


async def test_wait_ends_when_time_is_over() -> None:
    """False, not an error."""
    board = Board(SystemClock())
    board.put(status("web", "starting"))
    assert not await board.until_state(["web"], "ready", within=0.0)
    assert not await board.until_state(["web"], "ready", within=0.001)


async def test_several_wait_at_once_and_one_may_leave() -> None:
    """A wait that is cancelled does not disturb another."""
    board = Board(SystemClock())
    one = asyncio.ensure_future(board.until_phase("up"))
    other = asyncio.ensure_future(board.until_phase("up"))
    await asyncio.sleep(0)
    one.cancel()
    await asyncio.sleep(0)
    board.enter("up")
    await asyncio.wait_for(other, 5)


def test_times_in_a_message_are_those_of_now() -> None:
    """A row asks the engine where a message may tell a time; what is over is shown as it was put."""
    board = Board(SystemClock())
    for state in ("ready", "stopping", "backoff", "failed"):
        board.put(status(state, state).replace(message="1 s ago"))
    board.put(status("quiet", "ready"))
    board.live = lambda instance, _: status(instance, "ready").replace(message="2 s ago")
    rows = board.rows(["ready", "stopping", "backoff", "failed", "quiet"], {})
    assert [row.message for row in rows] == ["2 s ago", "2 s ago", "2 s ago", "1 s ago", ""]
