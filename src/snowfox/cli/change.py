"""Watching a change of the version in force: what the node tells of it, for as long as was asked.

The change is the node's: it goes on when nobody watches any more.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, ParamSpec

from snowfox.cli import length, node, paper, progress
from snowfox.contract.manager import Progress
from snowfox.core.clock import active
from snowfox.core.deadline import NO_END, deadline
from snowfox.core.rpc.interface import Method
from snowfox.errors import ConnectionLost, DeadlineExceeded, NotNow
from snowfox.values import Seconds

if TYPE_CHECKING:
    import argparse

REFUSED: Final = 3
NOT_IN_TIME: Final = 8
"""It was still under way when the time to watch was over."""
_SHORTEST: Final = "1s"  # so that the node has heard of it
_LONGEST: Final = "30d"
_ROUNDING: Final[Seconds] = 0.05  # the node's end of the session may be that much earlier

P = ParamSpec("P")


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare what `apply` and `rollback` have in common."""
    parser.add_argument(
        "--wait",
        metavar="T",
        default=None,
        help="watch no longer than this, such as 30s or 5m; the node goes on with it",
    )
    parser.add_argument(
        "--supersede", action="store_true", help="take the place of an apply that is under way"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object a line, as things happen")


def watch(
    options: argparse.Namespace, method: Method[P, Progress], *values: P.args, **named: P.kwargs
) -> int:
    """Ask for a change and show how it goes.

    Args:
        options: as `declare` has them.
        method: what to ask for.
        values: its arguments.
        named: as well.

    Returns:
        The exit code that the node gives it, 1 when the session ended before, 8 when the time to watch did.
    """
    limit = NO_END
    if options.wait is not None:
        limit = length.given(options.wait, "wait", least=_SHORTEST, most=_LONGEST)
    what = options.command
    try:
        with node.session(options) as session, deadline(limit) as until:
            try:
                last = progress.follow(session.stream(method, *values, **named), as_json=options.json)
            except NotNow as error:
                if not options.json:
                    raise
                last = Progress("", "refused", str(error), 0, last=True, code=REFUSED)
                paper.json_line(last._asdict())
            except KeyboardInterrupt:
                undo = "; to undo it: snowfox rollback --supersede" if what == "apply" else ""
                _goes_on(f"interrupted: the {what} goes on{undo}")
                raise
            except DeadlineExceeded:
                if active().now() < until - _ROUNDING:
                    raise
                _goes_on(f"the {what} is still under way after {options.wait}, and goes on")
                return NOT_IN_TIME
    except ConnectionLost as error:
        msg = f"cannot follow the {what}: the node ended the session"
        raise ConnectionLost(msg, "snowfox status tells which version is in force, and why") from error
    return progress.finish(_with_next_step(last, options), as_json=options.json)


def _with_next_step(last: Progress | None, options: argparse.Namespace) -> Progress | None:
    """How long it took, and what one may want to do now."""
    if last is None or last.state != "done":
        return last
    confirm: str | None = getattr(options, "confirm", None)
    step = "snowfox rollback  goes back"
    if confirm is not None:
        step = f"goes back after {confirm} unless  snowfox confirm"
    parts = (last.message, paper.took(last.milliseconds), step)
    return last._replace(message=f" {paper.out().dot()} ".join(parts))


def _goes_on(text: str) -> None:
    print(f"{text}; see: snowfox status", file=sys.stderr)
