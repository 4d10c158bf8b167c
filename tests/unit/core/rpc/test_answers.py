"""Answers that are kept under keys are bounded, whatever is under way."""

import asyncio

import pytest

from snowfox.core.rpc import answers
from snowfox.core.rpc.answers import Answers
from snowfox.errors import PeerError


async def test_what_is_under_way_does_not_keep_the_rest(monkeypatch):
    """Behind one that takes long the oldest answers go; a key that is known is not done again."""
    monkeypatch.setattr(answers, "MOST", 10)
    kept, done, gate = Answers(), [], asyncio.Event()
    slow = asyncio.ensure_future(kept.once(("me", "Shop.buy", "slow"), gate.wait))
    await asyncio.sleep(0)
    for number in range(30):
        await kept.once(("me", "Shop.buy", f"{number}"), lambda: done.append(1))
    await kept.once(("me", "Shop.buy", "29"), lambda: done.append(1))
    assert len(done) == 30
    await kept.once(("me", "Shop.buy", "0"), lambda: done.append(1))
    assert len(done) == 31
    gate.set()
    assert await slow


async def test_too_many_under_way_are_refused(monkeypatch):
    """When all are still being done, one more is the caller's to try later."""
    monkeypatch.setattr(answers, "MOST", 3)
    kept, gate = Answers(), asyncio.Event()
    waiting = [asyncio.ensure_future(kept.once(("me", "Shop.buy", f"{n}"), gate.wait)) for n in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(PeerError, match="under way"):
        await kept.once(("me", "Shop.buy", "more"), gate.wait)
    gate.set()
    assert await asyncio.gather(*waiting) == [True] * 3
