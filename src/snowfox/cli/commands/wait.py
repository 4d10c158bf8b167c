"""`snowfox wait PATTERN [--for STATE] [--timeout T]`."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from snowfox.cli import length, node, paper, pattern, progress
from snowfox.contract.manager import InstanceStatus, Manager
from snowfox.errors import UsageError
from snowfox.values import Seconds

STATES: Final = ("ready", "stopped", "finished", "failed")
TIMED_OUT: Final = 8
_LONGEST: Final = "23h"  # the call ends after a day
_SHOWN: Final = 3


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    pattern.declare(parser, all_is="for all services")
    parser.add_argument(
        "--for",
        dest="state",
        default="ready",
        metavar="STATE",
        help="ready (default; a task: finished well), stopped, finished or failed",
    )
    parser.add_argument(
        "--timeout",
        default="1m",
        metavar="T",
        help=f"how long to wait, such as 30s or 5m, at most {_LONGEST}; default: 1m",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """0: all are in that state; 8: not in time."""
    if options.state not in STATES:
        from snowfox.core.config.nearest import did_you_mean  # noqa: PLC0415 - only for a mistake

        msg = f'cannot wait for "{options.state}": the states are {", ".join(STATES)}'
        raise UsageError(msg, did_you_mean(options.state, STATES))
    timeout = _timeout(options.timeout)
    wanted = pattern.required(options)
    with (
        progress.waiting(f"waiting for {wanted} to be {options.state}"),
        node.session(options) as session,
    ):
        is_reached = session.call(Manager.wait, wanted, options.state, round(timeout * 1000))
        late = [] if is_reached else session.call(Manager.status, wanted).instances
    late = [one for one in late if not _is_reached(one, options.state)]
    if options.json:
        paper.json_line(
            {"state": options.state, "reached": is_reached, "late": {one.id: one.state for one in late}}
        )
    elif not is_reached:
        print(_timed_out(options, wanted, late), file=sys.stderr)
    return 0 if is_reached else TIMED_OUT


def _timeout(text: str) -> Seconds:
    return length.given(text, "wait", most=_LONGEST)


def _is_reached(one: InstanceStatus, state: str) -> bool:
    return one.state == state or (state == "ready" and one.state == "finished")


def _timed_out(options: argparse.Namespace, wanted: str, late: list[InstanceStatus]) -> str:
    what = "all" if wanted == pattern.ALL else wanted
    lines = [f"cannot wait any longer: {what} not {options.state} after {options.timeout}"]
    for one in late[:_SHOWN]:
        why = f": {one.message}" if one.message else ""
        lines.append(f"   {one.id} is {one.state}{why}")
    if len(late) > _SHOWN:
        lines.append(f"   and {len(late) - _SHOWN} more; see: snowfox status")
    return "\n".join(map(paper.safe, lines))
