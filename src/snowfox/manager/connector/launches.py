"""The launches of this node, as far as the manager knows them: under way, alive, ended.

It owes the engine exactly one `Launched` or `LaunchRefused` for each launch and one `Ended` for each `Launched`, in this
order, whatever happens to the session with the spawner: answers that were lost are asked for again, exits that were
reported twice or before the answer are put right, and a launch that a new spawner does not know ended as `unknown`.
"""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections.abc import Callable, Iterator
from errno import EAGAIN, EMFILE, ENFILE, ENOMEM
from functools import partial
from typing import Final

from snowfox.contract.record import instance_of
from snowfox.contract.spawner import Launch, Launched, Running
from snowfox.errors import ConnectionLost, DeadlineExceeded, LaunchFailed, PosixError, SnowFoxError
from snowfox.manager.output.shelf import ERRORS
from snowfox.manager.probe.notice import Notice
from snowfox.service import event
from snowfox.values import UNKNOWN_EXIT, Exit

_TEMPORARY: Final = frozenset({EAGAIN, ENOMEM, EMFILE, ENFILE})
_MOST_EARLY: Final = 256
_MOST_OF_ONE: Final = 8


class Launches:
    """The book of launches.

    Args:
        tell: takes events for the engine.
        captured: takes a token, the name of a log and the read end of what goes there.
        kill: ends a helper that nobody waits for any more, by token.
        forget: takes the token of a helper that ended.
        heard: takes the token and what a process of it had said before its launch was answered.
    """

    def __init__(
        self,
        *,
        tell: Callable[[event.Event], None],
        captured: Callable[[str, str, int], None],
        kill: Callable[[str], None],
        forget: Callable[[str], None],
        heard: Callable[[str, Notice], object],
    ) -> None:
        self._tell = tell
        self._captured = captured
        self._kill = kill
        self._forget = forget
        self._heard = heard
        self._under_way: dict[str, Launch] = {}
        self._live: dict[str, int] = {}
        self._tokens: dict[int, str] = {}
        self._former: dict[str, list[int]] = {}
        self._early_exits: dict[str, Exit] = {}
        self._early: dict[tuple[int, ...], list[Notice]] = {}
        self._helpers: dict[str, Future[Exit]] = {}
        self._captures: dict[str, Callable[[int], None]] = {}
        self._feeds: dict[str, Callable[[int], None]] = {}

    @property
    def live(self) -> list[str]:
        """Tokens of what is alive."""
        return list(self._live)

    def begin(self, launch: Launch) -> None:
        """A launch is asked for."""
        self._under_way[launch.token] = launch

    def begin_helper(
        self,
        launch: Launch,
        capture: Callable[[int], None] | None = None,
        feed: Callable[[int], None] | None = None,
    ) -> Future[Exit]:
        """As `begin`, of a helper: its end comes by the future, not to the engine.

        `capture` takes the read end of its output, `feed` the write end of its input.
        """
        self._under_way[launch.token] = launch
        if capture is not None:
            self._captures[launch.token] = capture
        if feed is not None:
            self._feeds[launch.token] = feed
        future: Future[Exit] = get_running_loop().create_future()
        self._helpers[launch.token] = future
        return future

    def adopt(self, running: Running) -> None:
        """It was alive when the manager began."""
        self._enter(running.token, running.pid)

    def is_known(self, token: str) -> bool:
        """Whether it is alive or under way."""
        return token in self._live or token in self._under_way

    def main(self, token: str) -> int:
        """The main process of one that is alive; 0 for others."""
        return self._live.get(token, 0)

    def is_helper(self, token: str) -> bool:
        """Whether it is a helper of ours that has not ended."""
        return token in self._helpers

    def _take_streams(self, answer: Launched, *, is_wanted: bool) -> None:
        """What a process prints goes where it belongs; closed is what nobody wants any more."""
        instance = instance_of(answer.token)
        capture = self._captures.pop(answer.token, None) or partial(self._captured, answer.token, instance)
        feed = self._feeds.pop(answer.token, None)
        for stream, take in (
            (answer.output, capture),
            (answer.errors, partial(self._captured, answer.token, instance + ERRORS)),
            (answer.input, feed),
        ):
            if stream is not None and is_wanted and take is not None:
                take(stream.take())
            elif stream is not None:
                stream.close()

    def launched(self, answer: Launched) -> None:
        """The spawner answered a launch."""
        token = answer.token
        is_news = self._under_way.pop(token, None) is not None
        helper = self._helpers.get(token)
        self._take_streams(answer, is_wanted=is_news and not (helper is not None and helper.done()))
        if not is_news:
            return
        self._enter(token, answer.pid)
        if helper is None:
            self._tell(event.Launched(instance_of(token), token, answer.pid, answer.started))
        elif helper.done():
            self._kill(token)
        self._hear_early(token, answer.pid)
        if token in self._early_exits:
            self.ended(token, self._early_exits.pop(token))

    def _hear_early(self, token: str, pid: int) -> None:
        for senders in [one for one in self._early if pid in one]:
            for notice in self._early.pop(senders):
                if token not in self._helpers:
                    self._heard(token, notice)
        if not self._under_way:
            self._early.clear()

    def refused(self, token: str, error: SnowFoxError) -> None:
        """The spawner refused a launch."""
        if self._under_way.pop(token, None) is None:
            return
        self._early_exits.pop(token, None)
        self._captures.pop(token, None)
        self._feeds.pop(token, None)
        helper = self._helpers.pop(token, None)
        if helper is None:
            instance = instance_of(token)
            self._tell(event.LaunchRefused(instance, token, str(error), error.hint, is_temporary(error)))
        elif not helper.done():
            helper.set_exception(error)

    def ended(self, token: str, exit: Exit) -> bool:
        """A process ended. False when this launch is not known, or known to have ended."""
        if token in self._under_way:
            self._early_exits[token] = exit
            return True
        if token not in self._live:
            return False
        for pid in (self._live.pop(token), *self._former.pop(token, ())):
            if self._tokens.get(pid) == token:
                del self._tokens[pid]
        helper = self._helpers.pop(token, None)
        if helper is None:
            self._tell(event.Ended(token, exit))
            return True
        self._forget(token)
        if not helper.done():
            helper.set_result(exit)
        return True

    def follow(self, token: str, pid: int, *, keeps: bool) -> None:
        """Another process is the main process of one that is alive; `keeps`: the one before, and its session, still count."""
        before = self._live.get(token)
        if before is None:
            return
        if keeps:
            self._former.setdefault(token, []).append(before)
        elif self._tokens.get(before) == token:
            del self._tokens[before]
        self._enter(token, pid)

    def reconcile(self, inventory: dict[str, Running]) -> list[str]:
        """Compare with what a new spawner knows; the tokens that it has and we do not."""
        for token in list(self._live):
            known = inventory.get(token)
            if known is None:
                self.ended(token, UNKNOWN_EXIT)
            elif known.exit is not None:
                self.ended(token, known.exit)
        return [token for token in inventory if not self.is_known(token)]

    def whose(self, senders: Iterator[int], notice: Notice) -> str | None:
        """The launch that one of these processes belongs to; None for strangers and helpers.

        They are who said something, its session, and those that it descends from. It may come before the answer to its
        launch: "" then, and it is kept until the answer names its process.
        """
        looked_at: list[int] = []
        for pid in senders:
            token = self._tokens.get(pid)
            if token is not None:
                return None if token in self._helpers else token
            looked_at.append(pid)
        if not self._under_way or not looked_at:
            return None
        sender = tuple(looked_at)
        if sender not in self._early and len(self._early) >= _MOST_EARLY:
            return None
        early = self._early.setdefault(sender, [])
        if len(early) >= _MOST_OF_ONE:
            return None
        early.append(notice)
        return ""

    def _enter(self, token: str, pid: int) -> None:
        self._live[token] = pid
        self._tokens[pid] = token


def is_temporary(error: SnowFoxError) -> bool:
    """Whether the host or the spawner, not the service, is the reason, and trying later may help.

    What breaks the protocol, or ends session after session, does so again.
    """
    if isinstance(error, (LaunchFailed, PosixError)):
        return error.errno in _TEMPORARY
    return isinstance(error, (ConnectionLost, DeadlineExceeded))
