"""`snowfox signal SIGNAL PATTERN`."""

from __future__ import annotations

import argparse

from snowfox.cli import node, paper
from snowfox.cli.commands.control import pattern_of
from snowfox.contract.manager import Manager
from snowfox.errors import UsageError
from snowfox.values import signal_name, signal_number


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("signal", metavar="SIGNAL", help="HUP, USR1, …, or a number")
    parser.add_argument(
        "pattern", nargs="*", metavar="PATTERN", help='glob over services: web, "shop.*", web@2'
    )
    parser.add_argument("--all", action="store_true", help="to all services")


def run(options: argparse.Namespace) -> int:
    """0: sent to at least one process; 1: none of them runs."""
    try:
        number = signal_number(options.signal)
    except ValueError as error:
        msg = f"cannot send: {error}"
        raise UsageError(msg, "for example HUP, USR1, TERM") from None
    pattern = pattern_of(options)
    with node.session(options) as session:
        reached = session.call(Manager.signal, number, pattern)
    sheet = paper.out()
    if not reached:
        sheet.line(f"cannot send {signal_name(number)} to {pattern}: none of it runs")
        return 1
    for instance in reached:
        sheet.line(f"{sheet.symbol('done')} {instance}  {signal_name(number)} sent")
    return 0
