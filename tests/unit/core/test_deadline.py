"""Inherited deadlines."""

import asyncio

import pytest

from snowfox.core.deadline import NO_END, current, deadline


def test_never_later_than_outside(clock):
    """Inside, the sooner of both counts; leaving restores."""
    assert current() == NO_END
    with deadline("10s") as outer:
        assert outer == current() == clock.now() + 10
        with deadline("1m"):
            assert current() == outer
        with deadline(2.0):
            assert current() == clock.now() + 2
        assert current() == outer
    assert current() == NO_END


async def test_inherited_by_tasks(clock):
    """A task made inside has the deadline."""

    async def look():
        return current()

    with deadline("5s") as when:
        task = asyncio.create_task(look())
    assert await task == when


def test_wrong_text():
    """A text that is no duration is an error at once."""
    with pytest.raises(ValueError, match="not a duration"):
        deadline("soon")
