"""For tests of changes: a host that is played, and a manager on it."""

from collections.abc import AsyncIterator

import pytest

from snowfox.testing.changing import PlayedHost, PlayedManager
from snowfox.testing.clock import VirtualClock


@pytest.fixture
def host() -> PlayedHost:
    """Spawner, store and files."""
    return PlayedHost()


@pytest.fixture
async def manager(
    request: pytest.FixtureRequest, clock: VirtualClock, host: PlayedHost
) -> AsyncIterator[PlayedManager]:
    """One that runs `FIRST` of the test's module."""
    one = await PlayedManager.begun(clock, host, request.module.FIRST)
    yield one
    await one.close()
