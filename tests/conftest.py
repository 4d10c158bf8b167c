"""For all tests: a virtual `clock`, and a look at what each leaves behind."""

import asyncio
import ctypes
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
    """A test reaps the processes that it started; what it leaves would be taken for the next one's.

    Once a system test has made this process the sub-reaper of nodes that it kills, orphans come at any time: they are
    reaped, and nobody is blamed.
    """
    reap()
    yield
    left = reap()
    if left and not is_subreaper():
        pytest.fail(f"left unreaped: {left}")


def is_subreaper() -> bool:
    """Whether orphans below come to this process (prctl(2), PR_GET_CHILD_SUBREAPER)."""
    answer = ctypes.c_int(0)
    ctypes.CDLL(None).prctl(37, ctypes.byref(answer), 0, 0, 0)
    return bool(answer.value)


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
