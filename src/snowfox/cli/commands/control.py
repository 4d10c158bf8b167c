"""`snowfox start · stop · restart · reload PATTERN`."""

from __future__ import annotations

import argparse
import sys

from snowfox.cli import node, pattern, progress
from snowfox.contract.manager import Manager


def add(parser: argparse.ArgumentParser) -> None:
    """Declare their words."""
    pattern.declare(parser, all_is="all services")
    parser.add_argument("--json", action="store_true", help="print a JSON object a line, as things happen")


def run(options: argparse.Namespace) -> int:
    """0: done; 1: something did not get there."""
    verbs = {
        "start": Manager.start,
        "stop": Manager.stop,
        "restart": Manager.restart,
        "reload": Manager.reload,
    }
    wanted = pattern.required(options)
    with node.session(options) as session:
        try:
            last = progress.follow(session.stream(verbs[options.command], wanted), as_json=options.json)
        except KeyboardInterrupt:
            print("the node goes on with it; see: snowfox status", file=sys.stderr)
            raise
    return progress.finish(last, as_json=options.json)
