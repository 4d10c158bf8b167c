"""What is asked about many launches in one turn."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from snowfox.manager.connector.together import MOST, Together


class Errands:
    """Performs each request at once."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def give(self, ask: Callable[[Any], object], *, urgent: bool = False) -> None:
        """Ask ourselves."""
        ask(self)
        self.asked[-1] += (urgent,)

    def kill(self, tokens: list[str]) -> None:
        """Noted."""
        self.asked.append(("kill", *tokens))

    def signal_all(self, tokens: list[str], number: int) -> None:
        """Noted."""
        self.asked.append((number, *tokens))

    def forget(self, tokens: list[str]) -> None:
        """Noted."""
        self.asked.append(("forget", *tokens))


@pytest.fixture
def errands() -> Errands:
    """None asked yet."""
    return Errands()


@pytest.fixture
async def together(errands: Errands) -> Together:
    """For these."""
    return Together(errands, asyncio.get_running_loop())  # type: ignore[arg-type]


async def test_what_follows_one_another_and_is_the_same_is_one_request(
    together: Together, errands: Errands
) -> None:
    """Signals and kills keep their order; they are urgent, what is forgotten is not."""
    for token in ("a", "b"):
        together.signal(token, 15)
    for token in ("a", "b"):
        together.kill(token)
        together.forget(token)
    together.signal("c", 15)
    assert errands.asked == []
    await asyncio.sleep(0)
    assert errands.asked == [
        (15, "a", "b", True),
        ("kill", "a", "b", True),
        (15, "c", True),
        ("forget", "a", "b", False),
    ]


async def test_a_flush_leaves_nothing_for_the_end_of_the_turn(together: Together, errands: Errands) -> None:
    """What is given after it goes then."""
    together.kill("a")
    together.flush()
    assert errands.asked == [("kill", "a", True)]
    together.kill("b")
    await asyncio.sleep(0)
    assert errands.asked == [("kill", "a", True), ("kill", "b", True)]


async def test_a_request_is_bounded(together: Together, errands: Errands) -> None:
    """The rest goes in further ones."""
    for number in range(MOST + 1):
        together.kill(str(number))
        together.forget(str(number))
    await asyncio.sleep(0)
    assert [len(one) - 2 for one in errands.asked] == [MOST, 1, MOST, 1]


async def test_after_a_clear_nothing_is_asked(together: Together, errands: Errands) -> None:
    """Whoever would be asked is gone."""
    together.kill("a")
    together.forget("a")
    together.clear()
    await asyncio.sleep(0)
    assert errands.asked == []
