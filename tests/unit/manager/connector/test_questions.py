"""Questions to a spawner that comes, goes, and may end each session with which it is asked."""

import asyncio

import pytest

from snowfox.contract.spawner import Spawner
from snowfox.errors import ConnectionLost, RemoteError
from snowfox.manager.connector.questions import MOST_TRIES, Questions


class Sessions:
    """Questions, and the session of now; each ends while it is asked, until the test says otherwise."""

    def __init__(self) -> None:
        self.questions = Questions(asyncio.get_running_loop())
        self.asked: list[object] = []
        self.ends = True

    def begin(self) -> object:
        """A new session."""
        session = object()
        self.questions.begin(session)  # type: ignore[arg-type]
        return session

    async def ask(self, remote: Spawner) -> str:
        """A question."""
        self.asked.append(remote)
        if self.ends:
            raise ConnectionLost("gone")
        return "answer"


async def settle() -> None:
    """Let the loop do what it has."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_it_is_asked_in_the_next_session() -> None:
    """Each session once, and not in one that ended or has a successor."""
    sessions = Sessions()
    sessions.begin()
    second = sessions.begin()
    asking = asyncio.ensure_future(sessions.questions.ask(sessions.ask))
    await settle()
    assert sessions.asked == [second]
    sessions.ends = False
    third = sessions.begin()
    sessions.questions.pause(second)  # type: ignore[arg-type]
    assert await asking == "answer"
    assert sessions.asked == [second, third]


async def test_what_ends_each_session_is_given_up() -> None:
    """Whoever asked hears that it cannot be asked, not that a connection is lost, upon which they would ask again."""
    sessions = Sessions()
    asking = asyncio.ensure_future(sessions.questions.ask(sessions.ask))
    for _ in range(MOST_TRIES):
        assert not asking.done()
        sessions.begin()
        await settle()
    with pytest.raises(RemoteError, match="cannot ask the spawner: 5 sessions with it ended meanwhile"):
        await asking
    assert len(sessions.asked) == MOST_TRIES
