"""`snowfox start · stop · restart PATTERN`."""

from __future__ import annotations

import argparse

from snowfox.cli import node, progress
from snowfox.contract.manager import Manager
from snowfox.errors import UsageError


def add(parser: argparse.ArgumentParser) -> None:
    """Declare their words."""
    parser.add_argument(
        "pattern", nargs="*", metavar="PATTERN", help='glob over services: web, "shop.*", web@2'
    )
    parser.add_argument("--all", action="store_true", help="all services")
    parser.add_argument("--json", action="store_true", help="print a JSON object a line, as things happen")


def run(options: argparse.Namespace) -> int:
    """0: done; 1: something did not get there."""
    verbs = {"start": Manager.start, "stop": Manager.stop, "restart": Manager.restart}
    pattern = pattern_of(options)
    with node.session(options) as session:
        last = progress.follow(session.stream(verbs[options.command], pattern), as_json=options.json)
    return progress.finish(last, as_json=options.json)


def pattern_of(options: argparse.Namespace) -> str:
    """The patterns as one; none is refused, because it would mean all. Raises UsageError."""
    if options.all:
        return "*"
    if not options.pattern:
        verb = options.command
        msg = f"cannot {verb} everything unless told so"
        raise UsageError(msg, f"name services: snowfox {verb} PATTERN, or all of them: snowfox {verb} --all")
    return " ".join(options.pattern)
