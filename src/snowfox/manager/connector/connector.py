"""The session with the spawner: performs what the engine wants done to processes, hears of their ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from snowfox.contract.record import BESIDE
from snowfox.contract.spawner import (
    Launch,
    Launched,
    Listening,
    ListenSpec,
    Refusal,
    Running,
    Spawner,
)
from snowfox.core.log import get
from snowfox.core.promise import Promise
from snowfox.errors import DeadlineExceeded, RemoteError, SnowFoxError
from snowfox.manager.connector.errand import Errands
from snowfox.manager.connector.following import Following
from snowfox.manager.connector.knocks import Knocks
from snowfox.manager.connector.launches import Launches
from snowfox.manager.connector.questions import Questions
from snowfox.manager.connector.together import Together
from snowfox.manager.probe.notice import Notice
from snowfox.service import event
from snowfox.service.event import Event
from snowfox.values import Exit, Seconds

MOST_VERIFIED: Final = 200
"""Launches, and further users of them, in one `verify`."""
MOST_TEXT: Final = 200_000
"""Characters of their arguments and environments, each of at most four bytes; a message has at most a mebibyte."""
NO_USERS: Final[Mapping[str, Sequence[str]]] = {}
"""Launches are verified for their own users alone."""
_Takes = Callable[[int], None] | None
_Part = list[tuple[Launch, Sequence[str]]]
_LATE: Final[Seconds] = 1.0


class Connector:
    """What runs, through a spawner that may come and go.

    Args:
        tell: takes events for the engine.
        captured: takes a token, the name of a log and the read end of what goes there.
        heard: takes a token and what its process said.
        loop: for batching.
    """

    def __init__(
        self,
        *,
        tell: Callable[[Event], None],
        captured: Callable[[str, str, int], None],
        heard: Callable[[str, Notice], object],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._log = get("manager.connector")
        self._launches = Launches(
            tell=self._hear, captured=captured, kill=self.kill, forget=self.forget, heard=heard
        )
        self._tell = tell
        self._late: list[event.Launched] = []
        self._loop = loop
        self._errands = Errands()
        self.knocks = Knocks(self._errands)
        self.following = Following(self._errands, self._launches, self._hear)
        self._remote: Spawner | None = None
        self._questions = Questions(loop)
        self._together = Together(self._errands, loop)
        self._early: dict[str, Exit] = {}
        self._gone: set[str] = set()
        self._has_begun = False

    # The session

    async def join(self, remote: Spawner) -> None:
        """There is a session with a spawner. One after the first: compare what it knows with what we know, go on.

        Raises ConnectionLost when it is gone already; another one will come.
        """
        self._remote = remote
        self._questions.begin(remote)
        if self._has_begun:
            await self._resume(remote)

    async def begin(self) -> list[Running]:
        """What runs, once at the start; what is alive is ours from now on. Requests wait until `open`.

        Raises DeadlineExceeded when no spawner answers.
        """
        inventory = await self._questions.ask(_inventory)
        self._has_begun = True
        found: list[Running] = []
        for running in inventory.values():
            if BESIDE in running.token:
                self._end_helper(running)
                continue
            end = self._early.pop(running.token, running.exit)
            if end is None:
                self._launches.adopt(running)
            found.append(running._replace(exit=end))
        self._early.clear()
        return found

    def _end_helper(self, helper: Running) -> None:
        """Nobody waits for what a manager before wanted to know."""
        _close_streams(helper)
        if helper.exit is None and not self._launches.is_known(helper.token):
            self.kill(helper.token)
        elif helper.exit is not None:
            self.forget(helper.token)

    def open(self) -> None:
        """Let requests go to the spawner."""
        if self._remote is not None:
            self.knocks.begin()
            self._errands.begin(self._remote)

    async def _resume(self, remote: Spawner) -> None:
        inventory = await _inventory(remote)
        for token in self._launches.reconcile(inventory):
            if inventory[token].exit is None:
                self._log.warning("ending a process that nobody asked for", token=token)
                self.kill(token)
            else:
                self.forget(token)
        for running in inventory.values():
            _close_streams(running)  # ours of before are still the same FIFOs
        self.open()

    @property
    def is_joined(self) -> bool:
        """Whether there is a session."""
        return self._remote is not None

    def lost(self, remote: Spawner) -> None:
        """A session ended."""
        self._questions.pause(remote)
        if self._remote is remote:
            self._remote = None
            self._errands.pause()

    async def close(self) -> None:
        """Ask nothing more. The session should have ended."""
        self._questions.close()
        self._errands.close()
        self._late.clear()
        self._together.clear()

    # What the engine wants

    def launch(self, launch: Launch) -> None:
        """Make a process; the answer goes to the engine."""
        self._launches.begin(launch)
        self._together.flush()  # what an earlier process left goes before anything starts anew
        self._give(launch)

    def signal(self, token: str, number: int) -> None:
        """Signal the main process of a launch."""
        self._together.signal(token, number)

    def kill(self, token: str) -> None:
        """SIGKILL to all that is left of a launch."""
        if token not in self._gone:
            self._together.kill(token)

    def forget(self, token: str) -> None:
        """Its exit is stored."""
        self._gone.discard(token)
        self._together.forget(token)

    async def helper(self, launch: Launch, capture: _Takes = None, *, feed: _Takes = None) -> Exit:
        """Run a helper to its end, also before `begin`. Raises what refused it. Cancelling kills it.

        Args:
            launch: what to run; its token names it as one.
            capture: takes the read end of its output, when it has one.
            feed: takes the write end of its input, when it has one.
        """
        future = self._launches.begin_helper(launch, capture, feed)
        try:
            if self._has_begun:
                self._give(launch)
            else:
                await self._launch_early(launch)
            return await future
        finally:
            if future.cancel() or future.cancelled():
                self.kill(launch.token)

    def exited(self, token: str, exit: Exit, *, is_all: bool = False) -> None:
        """The spawner reports an end; `is_all`: nothing is left that would have to be killed."""
        if is_all:
            self._gone.add(token)
        if not self._has_begun and not self._launches.is_helper(token):
            self._early[token] = exit
        elif not self._launches.ended(token, exit):
            self.forget(token)  # a repetition, of what was stored already

    # What a configuration wants

    def whose(self, senders: Iterator[int], notice: Notice) -> str | None:
        """The launch that one of these processes belongs to. See `Launches.whose`."""
        return self._launches.whose(senders, notice)

    def main(self, token: str) -> int:
        """The main process of a live launch; 0 for an unknown one."""
        return self._launches.main(token)

    async def verify(
        self, launches: Sequence[Launch], users: Mapping[str, Sequence[str]] = NO_USERS
    ) -> list[Refusal]:
        """What would be refused of these, and of the same for further users (by token).

        Waits for a spawner; raises DeadlineExceeded when none comes.
        """

        def verify(part: _Part) -> Coroutine[Any, Any, list[Refusal]]:
            return self._questions.ask(
                lambda remote: remote.verify([launch for launch, _ in part], _users(part))
            )

        # All at once: the spawner looks at one while we write down the next.
        parts = await asyncio.gather(*map(verify, _parts(launches, users)))
        return [refusal for part in parts for refusal in part]

    async def open_socket(self, spec: ListenSpec) -> Listening:
        """Open a listening socket or find it open. Raises PosixError, NotPermitted, DeadlineExceeded."""
        return await self._questions.ask(lambda remote: remote.open_socket(spec))

    async def reserve(self, spec: ListenSpec) -> Listening:
        """Bind a listening socket without listening, or find it open. Raises as `open_socket` does."""
        return await self._questions.ask(lambda remote: remote.reserve(spec))

    async def close_socket(self, key: str) -> None:
        """Close a listening socket, or give a reservation back."""
        await self._questions.ask(lambda remote: remote.close_socket(key))

    async def sockets(self) -> list[Listening]:
        """All listening sockets of the spawner, reserved ones too. Raises DeadlineExceeded."""
        return await self._questions.ask(lambda remote: remote.sockets())

    async def signal_now(self, token: str, number: int) -> bool:
        """Signal the main process; whether it got it."""
        return await self._questions.ask(lambda remote: remote.signal(token, number))

    def _hear(self, happened: Event) -> None:
        """Tell the engine; that a process was made, once no launch waits to be sent (a second at most).

        What follows of it takes as long as a launch, and what it lets start would wait behind them all the same.
        """
        if isinstance(happened, event.Launched) and self._errands.has_backlog:
            if not self._late:
                self._loop.call_later(_LATE, self._catch_up)
            self._late.append(happened)
            return
        self._catch_up()
        self._tell(happened)

    def _catch_up(self) -> None:
        late, self._late = self._late, []
        for happened in late:
            self._tell(happened)

    def _give(self, launch: Launch) -> None:
        self._errands.give(lambda remote: remote.launch(launch), partial(self._answered, launch.token))

    def _answered(self, token: str, promise: Promise[Launched]) -> None:
        match promise.error():
            case None:
                self._launches.launched(promise.result())
            case SnowFoxError() as error:
                self._failed(token, error)
            case error:
                raise error

    async def _launch_early(self, launch: Launch) -> None:
        try:
            answer = await self._questions.ask(lambda remote: remote.launch(launch))
        except SnowFoxError as error:
            self._failed(launch.token, error)
        else:
            self._launches.launched(answer)

    def _failed(self, token: str, error: SnowFoxError) -> None:
        if isinstance(error, DeadlineExceeded | RemoteError):
            self.kill(token)  # it may have happened all the same
        self._launches.refused(token, error)


def _close_streams(running: Running) -> None:
    for stream in (running.output, running.errors):
        if stream is not None:
            stream.close()


def _parts(launches: Sequence[Launch], users: Mapping[str, Sequence[str]]) -> Iterator[_Part]:
    """As many launches and users together as one `verify` takes; a launch of more users than that comes again."""
    part: _Part = []
    room, text = MOST_VERIFIED, 0
    for launch in launches:
        size = sum(map(len, (*launch.arguments, *launch.environment, *launch.environment.values())))
        names = users.get(launch.token, ())
        for begin in range(0, len(names) or 1, MOST_VERIFIED - 1):
            some = names[begin : begin + MOST_VERIFIED - 1]
            if part and (room <= len(some) or text + size > MOST_TEXT):
                yield part
                part, room, text = [], MOST_VERIFIED, 0
            part.append((launch, some))
            room -= 1 + len(some)
            text += size
    if part:
        yield part


def _users(part: _Part) -> dict[str, list[str]]:
    return {launch.token: list(names) for launch, names in part if names}


async def _inventory(remote: Spawner) -> dict[str, Running]:
    """All pages of it."""
    found: dict[str, Running] = {}
    after = ""
    while page := await remote.inventory(after):
        found.update((running.token, running) for running in page)
        after = page[-1].token
    return found
