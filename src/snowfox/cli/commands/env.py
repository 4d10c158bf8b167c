"""`snowfox env SERVICE`."""

from __future__ import annotations

import argparse

from snowfox.cli import node, paper, progress
from snowfox.contract.manager import Manager


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("instance", metavar="SERVICE", help="a service or one of its instances: web, web@2")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """0: what its next launch gets. Raises NotFound."""
    with progress.waiting(), node.session(options) as session:
        found = {one[0]: one[1] for one in session.call(Manager.env, options.instance)}
    if options.json:
        paper.json_line(found)
    else:
        paper.out().lines(paper.safe(f"{name}={value}") for name, value in found.items())
    return 0
