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
def no_zombie() -> Iterator[None]:
    """A test reaps the processes that it started; what it leaves would be taken for the next one's."""
    yield
    try:
        left = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return
    if left is not None:
        pytest.fail(f"process {left.si_pid} was left unreaped")
