"""`snowfox modules`."""

from __future__ import annotations

import argparse

from snowfox.cli import node, paper
from snowfox.contract.manager import Manager


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(options: argparse.Namespace) -> int:
    """Always 0."""
    with node.session(options) as session:
        modules = session.call(Manager.modules)
    if options.json:
        import json  # noqa: PLC0415 - not on the way of the table

        print(json.dumps([one._asdict() for one in modules]))
        return 0
    rows = [
        (one.name, one.level, one.state, "yes" if one.essential else "no", one.package) for one in modules
    ]
    paper.out().lines(paper.columns(("MODULE", "LEVEL", "STATE", "ESSENTIAL", "PACKAGE"), rows))
    return 0
