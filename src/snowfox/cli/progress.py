"""Draws the progress of an operation: a line for each instance that settled, one moving line for those under way."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Final

from snowfox.cli import paper
from snowfox.contract.manager import Progress

GOOD: Final = frozenset({"ready", "finished", "stopped"})
BAD: Final = frozenset({"failed", "stuck", "backoff", "refused"})
_SHOWN_AFTER_MS: Final = 500


def follow(items: Iterable[Progress], *, as_json: bool, quiet: bool = False) -> Progress | None:
    """Print progress as it comes.

    Args:
        items: a stream of progress; read to its end.
        as_json: a JSON object a line instead.
        quiet: nothing for single instances that went well.

    Returns:
        The last item, which carries code and message, or None when the stream ended without one.
    """
    sheet = paper.out()
    pending: dict[str, str] = {}
    moving = False
    for item in items:
        if as_json:
            _print_json(item)
            if item.last:
                return item
            continue
        if moving:
            sheet.stream.write("\r\x1b[K")
            moving = False
        if item.last:
            return item
        if item.state in GOOD or item.state in BAD:
            pending.pop(item.instance, None)
            if item.state in BAD or not quiet:
                sheet.line(settled(item, sheet))
        else:
            pending[item.instance] = item.state
        if sheet.is_terminal and pending and item.milliseconds >= _SHOWN_AFTER_MS:
            moving = True
            sheet.stream.write(_under_way(pending))
            sheet.stream.flush()
    return None


def settled(item: Progress, sheet: paper.Paper) -> str:
    """`✓ shop.web@1     ready      1.9 s`, with the reason where there is one."""
    sign = sheet.symbol("done" if item.state in GOOD else "red")
    line = f"{sign} {item.instance:<14} {item.state:<10} {paper.took(item.milliseconds)}"
    return f"{line}  {item.message}" if item.message else line


def finish(last: Progress | None, *, as_json: bool) -> int:
    """Print the end of an operation and return its exit code; 1 when the session ended before it."""
    if last is None:
        print("cannot follow the operation: the node ended the session", file=sys.stderr)
        return 1
    if not as_json:
        stream = sys.stderr if last.code else sys.stdout
        for detail in last.details:
            print(detail, file=stream)
        if last.message:
            print(last.message, file=stream)
    return last.code


def _under_way(pending: dict[str, str]) -> str:
    names = [f"{name} {state}" for name, state in list(pending.items())[:3]]
    more = len(pending) - len(names)
    return "  " + ", ".join(names) + (f" and {more} more" if more else "") + " …"


def _print_json(item: Progress) -> None:
    import json  # noqa: PLC0415 - only when asked for

    print(json.dumps(item._asdict(), ensure_ascii=False), flush=True)
