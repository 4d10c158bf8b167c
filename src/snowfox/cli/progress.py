"""Draws the progress of an operation: a line for each instance that settled, one moving line for those under way."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, Final, Self

from snowfox.cli import paper
from snowfox.contract.manager import Progress
from snowfox.core.clock import active
from snowfox.values import Seconds

GOOD: Final = frozenset({"ready", "finished", "stopped"})
BAD: Final = frozenset({"failed", "failing", "stuck", "backoff", "refused"})
WARNING: Final = "warning"
"""The state of an item that is about the configuration."""
SHOWN_AFTER: Final[Seconds] = 0.5
"""What takes longer says that it is still under way; as often it is drawn anew."""


class Moving:
    """A line that says what is under way and since when, erased before anything else is printed.

    It is drawn by the handler of SIGALRM, which runs between two steps of the one thread while that waits for the
    node. A thread of its own was rejected: it costs its import, and a lock around everything that is printed.

    Args:
        sheet: where to draw; nothing is drawn where a line cannot be erased again.
        text: what is under way; asked for each time.
    """

    def __init__(self, sheet: paper.Paper, text: Callable[[], str]) -> None:
        self._sheet = sheet
        self._text = text
        self._began = active().now()
        self._is_drawn = False
        self._is_printing = False
        self._before: Any = signal.SIG_DFL

    def __enter__(self) -> Self:
        if self._sheet.can_move:
            self._before = signal.signal(signal.SIGALRM, self._tick)
            signal.setitimer(signal.ITIMER_REAL, SHOWN_AFTER, SHOWN_AFTER)
        return self

    def __exit__(self, *_: object) -> None:
        if self._sheet.can_move:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before or signal.SIG_DFL)
        self._erase()

    def line(self, text: str) -> None:
        """Print a line that stays, in place of the moving one."""
        self._is_printing = True
        try:
            self._erase()
            self._sheet.line(text)
        finally:
            self._is_printing = False

    def _tick(self, _number: int, _frame: FrameType | None) -> None:
        if not self._is_printing:
            self._draw()

    def _draw(self) -> None:
        since = f" … {paper.took((active().now() - self._began) * 1000)}"
        # A line that reaches the edge would wrap, and only its last part could be erased.
        most = max(0, (self._sheet.width or 80) - len(since) - 3)
        self._sheet.stream.write(f"\r\x1b[K{self._text()[:most]}{since}")
        self._sheet.stream.flush()
        self._is_drawn = True

    def _erase(self) -> None:
        if self._is_drawn:
            self._is_drawn = False
            self._sheet.stream.write("\r\x1b[K")
            self._sheet.stream.flush()


def waiting(text: str = "asking the node") -> Moving:
    """A moving line while a single answer is awaited."""
    return Moving(paper.out(), lambda: text)


def follow(items: Iterable[Progress], *, as_json: bool, quiet: bool = False) -> Progress | None:
    """Print progress as it comes.

    Args:
        items: a stream of progress; read to its end.
        as_json: a JSON object a line instead.
        quiet: nothing for single instances that went well.

    Returns:
        The last item, which carries code and message, and where to read on when something did not get there; or None
        when the stream ended without one.
    """
    if as_json:
        return _follow_json(items)
    sheet = paper.out()
    pending: dict[str, str] = {}
    lost = ""
    with Moving(sheet, lambda: _under_way(pending)) as moving:
        for item in items:
            if item.last:
                is_lost = item.state == "failed" and lost
                return (
                    item._replace(message=f"{item.message}\n   see: snowfox why {lost}") if is_lost else item
                )
            if item.state == WARNING:
                warn(item)
            elif is_settled(item):
                lost = lost or ("" if _is_well(item) else item.instance)
                pending.pop(item.instance, None)
                if not _is_well(item) or not quiet:
                    moving.line(settled(item, sheet))
            else:
                pending[item.instance] = item.state
    return None


def warn(item: Progress) -> None:
    """Print a warning about the configuration."""
    print(item.message, file=sys.stderr, flush=True)


def is_settled(item: Progress) -> bool:
    """Whether it has got somewhere and has a line of its own; else it is still under way."""
    return item.is_settled or item.state in GOOD or not _is_well(item)


def _is_well(item: Progress) -> bool:
    return item.is_well and item.state not in BAD


def settled(item: Progress, sheet: paper.Paper) -> str:
    """`✓ shop.web@1     ready      1.9 s`, with the reason where there is one, without a time that rounds to nothing."""
    sign = sheet.symbol("done" if _is_well(item) else "red")
    time = paper.took(item.milliseconds)
    line = f"{sign} {item.instance:<14} {item.state:<10} {'' if time == paper.took(0) else time:<5}"
    return f"{line}  {paper.safe(item.message)}" if item.message else line.rstrip()


def finish(last: Progress | None, *, as_json: bool, colour: str = "") -> int:
    """Print the end of an operation and return its exit code; 1 when the session ended before it.

    Args:
        last: the end.
        as_json: it was printed already.
        colour: of its last line.
    """
    if last is None:
        print("cannot follow the operation: the node ended the session", file=sys.stderr)
        print("   see: snowfox status", file=sys.stderr)
        return 1
    if not as_json:
        stream = sys.stderr if last.code else sys.stdout
        lines = [paper.safe(line) for text in (*last.details, last.message) for line in text.splitlines()]
        if lines and colour:
            lines[-1] = paper.Paper(stream).colour(colour, lines[-1])
        if lines:
            print("\n".join(lines), file=stream, flush=True)
    return last.code


def _follow_json(items: Iterable[Progress]) -> Progress | None:
    for item in items:
        if item.state == WARNING:
            warn(item)
            continue
        paper.json_line(item._asdict())
        if item.last:
            return item
    return None


def _under_way(pending: dict[str, str]) -> str:
    names = [f"{name} {state}" for name, state in list(pending.items())[:3]]
    more = len(pending) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "") if names else "under way"
