"""Requests that outlive a session with the spawner."""

from typing import Any

import pytest

from snowfox.core.deadline import NO_END
from snowfox.core.promise import Promise, Resolver
from snowfox.errors import ConnectionLost
from snowfox.manager.connector.errand import Errands


class Remote:
    """Notes what it is asked; answers when told to."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self._open: list[Resolver[int]] = []

    def ask(self, number: int) -> Promise[int]:
        """Under way from now on."""
        self.asked.append(number)
        promise, resolver = Promise[int].make("ask", deadline=NO_END)
        self._open.append(resolver)
        return promise

    def lose(self) -> None:
        """The session ends: what is under way fails, the first first."""
        for resolver in self._open:
            resolver.reject(ConnectionLost("the other end left"))


@pytest.mark.parametrize("urgent", [False, True])
async def test_the_next_spawner_is_asked_in_the_same_order(urgent: bool) -> None:
    """What was under way comes before what was given since; a second loss changes nothing."""
    first, second, third = remotes = [Remote() for _ in range(3)]
    errands = Errands()

    def give(number: int) -> None:
        errands.give(lambda remote: as_any(remote).ask(number), urgent=urgent)

    errands.begin(as_any(first))
    for number in range(4):
        give(number)
    first.lose()
    for number in range(4, 6):
        give(number)
    for after in (second, third):
        errands.begin(as_any(after))
        after.lose()
    assert [remote.asked for remote in remotes] == [[*range(4)], [*range(6)], [*range(6)]]


def as_any(remote: object) -> Any:
    """A spawner, as far as it is asked here."""
    return remote
