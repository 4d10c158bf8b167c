"""A `clock` for every test that names it: virtual, and in async tests the time of their loop."""

import asyncio
from collections.abc import AsyncIterator

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
