"""Answers that are kept under keys are bounded, whatever is under way."""

import asyncio
from contextlib import suppress

import pytest

from snowfox.core.rpc import answers
from snowfox.core.rpc.answers import Answers
from snowfox.errors import NotFound, PeerError


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


async def test_large_answers_do_not_add_up(monkeypatch):
    """Answers are kept up to so many bytes, however few they are; errors count with what they say."""
    monkeypatch.setattr(answers, "MOST_BYTES", 100_000)
    kept, done = Answers(), []

    def say(*what):
        done.append(1)
        return [{"text": "x" * 10_000}, b"y" * 10_000, *what]

    def fail():
        done.append(1)
        raise NotFound("z" * 20_000, None)

    async def ask(number, handler):
        with suppress(NotFound):
            await kept.once(("me", "Shop.buy", f"{number}"), handler)
        await asyncio.sleep(0)

    for number in range(8):
        await ask(number, say if number % 2 else fail)
    assert len(done) == 8
    for number in (7, 6, 5, 4):
        await ask(number, say)
    assert len(done) == 8
    await ask(3, say)
    assert len(done) == 9
    await ask("more than all", lambda: say("x" * 200_000))
    for _ in range(2):
        await ask(3, say)  # nothing else was left, and there is room again
    assert len(done) == 11


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
