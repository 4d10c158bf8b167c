"""`snowfox confirm`."""

from __future__ import annotations

import argparse

from snowfox.cli import node, paper, progress, version
from snowfox.contract.manager import Manager


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """0: it stays. Raises UserError when nothing is to be confirmed."""
    with progress.waiting(), node.session(options) as session:
        found = session.call(Manager.confirm)
    if options.json:
        paper.json_line(paper.plain(found))
    else:
        paper.out().line(f"{version.title(found.id, found.name, found.commit)} stays in force")
    return 0
