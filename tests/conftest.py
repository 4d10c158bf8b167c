"""For all tests: a virtual `clock`, and a look at what each leaves behind."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import pytest

from snowfox.core.clock import using
from snowfox.testing.clock import VirtualClock, VirtualLoop


def pytest_asyncio_loop_factories(config, item):
    """The loop of a test that names `clock` has virtual time."""
    if "clock" in item.fixturenames:
        return {"virtual": VirtualLoop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture
async def clock() -> AsyncIterator[VirtualClock]:
    """A virtual clock, active in the test."""
    loop = asyncio.get_running_loop()
    clock = loop.clock if isinstance(loop, VirtualLoop) else VirtualClock()
    with using(clock):
        yield clock


@pytest.fixture(autouse=True)
def no_zombie(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test reaps the processes that it started; what it leaves would be taken for the next one's.

    System tests are sub-reapers of the nodes that they kill: orphans come to them at any time, and are reaped here.
    """
    reap()
    yield
    left = reap()
    if left and "system" not in request.path.parts:
        pytest.fail(f"left unreaped: {left}")


def reap() -> list[int]:
    """Reap children that ended; their pids."""
    found: list[int] = []
    while True:
        try:
            one = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            return found
        if one is None:
            return found
        found.append(one.si_pid)
