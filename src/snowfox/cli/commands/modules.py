"""`snowfox modules`."""

from __future__ import annotations

import argparse

from snowfox.cli import node, paper, progress
from snowfox.contract.manager import Manager

_HEADS = ("MODULE", "LEVEL", "STATE", "ESSENTIAL", "PACKAGE")


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(options: argparse.Namespace) -> int:
    """Always 0."""
    with progress.waiting(), node.session(options) as session:
        modules = session.call(Manager.modules)
    if options.json:
        paper.json_line([one._asdict() for one in modules])
        return 0
    rows = [
        (one.name, one.level, one.state, "yes" if one.essential else "no", one.package) for one in modules
    ]
    paper.out().lines(paper.columns(_HEADS, rows))
    return 0
