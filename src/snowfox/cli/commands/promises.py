"""`snowfox promises [-n 100]`."""

from __future__ import annotations

import argparse

from snowfox.cli import node, paper, progress
from snowfox.cli.commands.logs import line_count
from snowfox.contract.links import PromiseLine
from snowfox.contract.manager import Manager

_HEADS = ("AWAITED", "FOR", "LEFT", "TRACE", "BY")


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument(
        "-n", dest="count", type=line_count, default=100, metavar="N", help="the oldest N; default: 100"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(options: argparse.Namespace) -> int:
    """Always 0."""
    with progress.waiting(), node.session(options) as session:
        found = session.call(Manager.promises, options.count)
    if options.json:
        paper.json_line([one._asdict() for one in found.oldest])
        return 0
    sheet = paper.out()
    if not found.total:
        sheet.line("nothing is awaited")
        return 0
    sheet.lines(paper.columns(_HEADS, [_cells(one) for one in found.oldest]))
    more = found.total - len(found.oldest)
    if more:
        sheet.line(f"and {more} more")
    return 0


def _cells(one: PromiseLine) -> tuple[str, ...]:
    left = "" if one.left < 0 else paper.took(one.left)
    return (
        paper.safe(one.name),
        paper.took(one.age),
        left,
        paper.safe(one.trace),
        paper.safe(_place(one.maker)),
    )


def _place(maker: str) -> str:
    """`function (file:line)` without the folders of the file."""
    name, bracket, place = maker.partition(" (")
    return f"{name}{bracket}{place.rpartition('/')[2]}"
