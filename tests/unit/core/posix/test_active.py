"""The posix interface in force."""

from __future__ import annotations

import asyncio

import pytest

from snowfox.core.posix import activate, active, within
from snowfox.errors import PosixNotSet
from snowfox.testing.kernel import FakeKernel, FakePosix


@pytest.fixture
def posix():
    """A fake one; whatever was active before is put back."""
    try:
        before = active()
    except PosixNotSet:
        before = None
    activate(None)
    yield FakePosix(FakeKernel())
    activate(before)


def test_not_set(posix) -> None:
    """Before anything was set, the error says what to do."""
    with pytest.raises(PosixNotSet) as caught:
        active()
    assert "activate" in caught.value.hint


def test_of_the_process(posix) -> None:
    """What was activated is active everywhere, until it is taken away."""
    activate(posix)
    assert active() is posix
    activate(None)
    with pytest.raises(PosixNotSet):
        active()


def test_of_a_block(posix) -> None:
    """Inside `within` another one is active, the innermost; afterwards that of before."""
    activate(posix)
    inner, innermost = FakePosix(posix.kernel), FakePosix(posix.kernel)
    with within(inner):
        with within(innermost):
            assert active() is innermost
        assert active() is inner
    assert active() is posix


async def test_of_tasks(posix) -> None:
    """Two tasks at once each have the one of their block: a simulation holds several processes."""
    one, two = FakePosix(posix.kernel), FakePosix(posix.kernel)
    seen = []

    async def run(mine) -> None:
        with within(mine):
            await asyncio.sleep(0)
            seen.append(active() is mine)

    await asyncio.gather(run(one), run(two))
    assert seen == [True, True]
