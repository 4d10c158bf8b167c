"""What launches say, sorted: pings to the watchdogs, the rest to the engine, and no more of it than it bears.

A service may say its status a million times a second. The first of what changes something is told at once; further
words of the same launch are collected and told together `PAUSE` later, the last of each counting. What says nothing
new is told to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from snowfox.manager.alarm import Alarm, Alarms
from snowfox.manager.probe.notice import Notice
from snowfox.manager.probe.notify import Use
from snowfox.manager.probe.watchdog import Watchdogs
from snowfox.service.event import Event, Notified, ProbeAnswered
from snowfox.values import Seconds

PAUSE: Final[Seconds] = 0.25
"""Seconds between two reports of what one launch says."""


class _Speaker:
    """A launch that said something; `news` is what was not told yet."""

    __slots__ = ("alarm", "error", "is_reloading", "is_stopping", "main", "news", "status", "was_ready")

    def __init__(self) -> None:
        self.alarm: Alarm | None = None
        self.news: Notice | None = None
        self.status: str | None = None
        self.error = self.main = 0
        self.was_ready = self.is_reloading = self.is_stopping = False

    def is_news(self, notice: Notice) -> bool:
        """Whether it says something that was not said before."""
        return (
            (notice.is_ready and (not self.was_ready or self.is_reloading))
            or (notice.is_reloading and not self.is_reloading)
            or (notice.is_stopping and not self.is_stopping)
            or notice.extend > 0
            or notice.error not in (0, self.error)
            or notice.main not in (0, self.main)
            or notice.status not in (None, self.status)
        )


class Hearing:
    """Between the socket and the engine.

    Args:
        alarms: the timers.
        whose: the token of the launch that one of these pids, looked up one by one, belongs to; None for strangers,
            "" where the notice is kept, to be taken once the launch is known.
        watchdogs: get pings.
        tell: takes Notified for the engine.
        follow: takes the token and the process that it names as its main process, and what is to be done then.
    """

    def __init__(
        self,
        alarms: Alarms,
        *,
        whose: Callable[[Iterator[int], Notice], str | None],
        watchdogs: Watchdogs,
        tell: Callable[[Event], None],
        follow: Callable[[str, int, Callable[[], None]], None],
    ) -> None:
        self._alarms = alarms
        self._whose = whose
        self._watchdogs = watchdogs
        self._tell = tell
        self._follow = follow
        self._speakers: dict[str, _Speaker] = {}
        self._writers: set[str] = set()

    def __call__(self, senders: Iterator[int], notice: Notice) -> Use:
        """A process said something; what became of it."""
        token = self._whose(senders, notice)
        if token is None:
            return Use.IGNORED
        return self.take(token, notice) if token else Use.TOLD

    def take(self, token: str, notice: Notice) -> Use:
        """A process of this launch said something; what became of it."""
        use = Use.IGNORED
        if notice.watchdog:
            self._watchdogs.choose(token, notice.watchdog)
            use = Use.KEPT
        if notice.is_alive and self._watchdogs.ping(token):
            use = Use.KEPT
        if notice.is_unwell and self._watchdogs.trigger(token):
            use = Use.KEPT
        if notice.is_line:
            return self._line(token)
        rest = notice._replace(is_alive=False, is_unwell=False, watchdog=0.0)
        heard = self._heard(token, rest) if rest != _SILENCE else Use.IGNORED
        return use if heard is Use.IGNORED else heard

    def forget(self, token: str) -> None:
        """This launch is over. One that never said a word is fine."""
        self._writers.discard(token)
        speaker = self._speakers.pop(token, None)
        if speaker is not None and speaker.alarm is not None:
            self._alarms.clear(speaker.alarm)

    def hurry(self, token: str) -> None:
        """Report at once what was collected of this launch."""
        speaker = self._speakers.get(token)
        if speaker is not None and speaker.alarm is not None and speaker.news is not None:
            self._alarms.clear(speaker.alarm)
            self._report(token, speaker)

    def close(self) -> None:
        """Hear nobody any more."""
        for token in list(self._speakers):
            self.forget(token)

    def _line(self, token: str) -> Use:
        """The first that it writes to its descriptor."""
        if token in self._writers:
            return Use.IGNORED
        self._writers.add(token)
        self._tell(ProbeAnswered(token, "written"))
        return Use.TOLD

    def _heard(self, token: str, notice: Notice) -> Use:
        speaker = self._speakers.get(token)
        if speaker is None:
            speaker = self._speakers[token] = _Speaker()
        if not speaker.is_news(notice):
            return Use.IGNORED
        speaker.was_ready = speaker.was_ready or notice.is_ready
        speaker.is_reloading = notice.is_reloading or (speaker.is_reloading and not notice.is_ready)
        speaker.is_stopping = speaker.is_stopping or notice.is_stopping
        speaker.error = notice.error or speaker.error
        speaker.main = notice.main or speaker.main
        speaker.status = speaker.status if notice.status is None else notice.status
        speaker.news = notice if speaker.news is None else _both(speaker.news, notice)
        if speaker.alarm is not None:
            return Use.KEPT
        self._report(token, speaker)
        return Use.TOLD

    def _report(self, token: str, speaker: _Speaker) -> None:
        news, speaker.news = speaker.news, None
        speaker.alarm = None
        if news is None:
            return
        speaker.alarm = self._alarms.set(PAUSE, lambda: self._report(token, speaker))
        notified = Notified(
            token,
            is_ready=news.is_ready,
            status=news.status,
            error=news.error,
            is_reloading=news.is_reloading,
            since=news.since,
            is_stopping=news.is_stopping,
            extend=news.extend,
        )
        if news.main:
            self._follow(token, news.main, lambda: self._tell(notified))
        else:
            self._tell(notified)


_SILENCE: Final = Notice()


def _both(first: Notice, then: Notice) -> Notice:
    """As if one message had said both; what was said later counts, and after "reloading" "ready" ends that."""
    return Notice(
        is_ready=then.is_ready or (first.is_ready and not then.is_reloading),
        is_reloading=then.is_reloading or (first.is_reloading and not then.is_ready),
        since=then.since or first.since,
        is_stopping=first.is_stopping or then.is_stopping,
        status=first.status if then.status is None else then.status,
        error=then.error or first.error,
        main=then.main or first.main,
        extend=then.extend or first.extend,
    )
