"""The current trace."""

import asyncio

from snowfox.core.trace import Trace, current, within


def test_scoped_and_nested():
    """A trace holds inside its block; None cuts the link; leaving restores, also by an error."""
    outer, inner = Trace("a", "1"), Trace("a", "2")
    assert current() is None
    with within(outer):
        try:
            with within(inner):
                assert current() == inner
                raise KeyError
        except KeyError:
            pass
        assert current() == outer
        with within(None):
            assert current() is None
    assert current() is None


async def test_inherited_by_tasks():
    """A task belongs to the trace in which it was made, whatever comes after."""

    async def look():
        await asyncio.sleep(0)
        return current()

    with within(Trace("a", "1")):
        task = asyncio.create_task(look())
    with within(Trace("b", "2")):
        assert await task == Trace("a", "1")
