"""`snowfox wait PATTERN [--for STATE] [--timeout T]`."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from snowfox.cli import node
from snowfox.contract.manager import Manager
from snowfox.errors import UsageError
from snowfox.values import duration

STATES: Final = ("ready", "stopped", "finished", "failed")
TIMED_OUT: Final = 8


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("pattern", nargs="+", metavar="PATTERN", help="glob over services")
    parser.add_argument(
        "--for", dest="state", choices=STATES, default="ready", help="default: ready (a task: finished well)"
    )
    parser.add_argument(
        "--timeout", default="1m", metavar="T", help="how long to wait, such as 30s or 5m; default: 1m"
    )


def run(options: argparse.Namespace) -> int:
    """0: all are in that state; 8: not in time."""
    try:
        timeout = duration(options.timeout)
    except ValueError as error:
        msg = f"cannot wait: {error}"
        raise UsageError(msg, 'for example "30s", "5m"') from None
    pattern = " ".join(options.pattern)
    with node.session(options, timeout=timeout + 10) as session:
        if session.call(Manager.wait, pattern, options.state, int(timeout * 1000)):
            return 0
    print(
        f"cannot wait any longer: {pattern} is not {options.state} after {options.timeout}", file=sys.stderr
    )
    print(f"   see: snowfox status {pattern}", file=sys.stderr)
    return TIMED_OUT
