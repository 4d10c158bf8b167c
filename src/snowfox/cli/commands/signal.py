"""`snowfox signal SIGNAL PATTERN`."""

from __future__ import annotations

import argparse
import sys

from snowfox.cli import node, paper, pattern, progress
from snowfox.contract.manager import Manager
from snowfox.errors import UsageError
from snowfox.values import signal_name, signal_number


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("signal", metavar="SIGNAL", help="HUP, USR1, …, or a number")
    pattern.declare(parser, all_is="to all services")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """0: sent to at least one process; 1: none of them runs."""
    try:
        number = signal_number(options.signal)
    except ValueError as error:
        msg = f"cannot send: {error}"
        raise UsageError(msg, "for example HUP, USR1, TERM") from None
    wanted = pattern.required(options)
    with progress.waiting(), node.session(options) as session:
        reached = session.call(Manager.signal, number, wanted)
    name = signal_name(number)
    if options.json:
        paper.json_line({"signal": name, "number": number, "reached": reached})
        return 0 if reached else 1
    if not reached:
        what = "anything" if wanted == pattern.ALL else wanted
        print(f"cannot send {name} to {what}: nothing of it runs\n   see: snowfox status", file=sys.stderr)
        return 1
    sheet = paper.out()
    done = sheet.symbol("done")
    sheet.lines(f"{done} {instance:<14} {name} sent" for instance in reached)
    return 0
