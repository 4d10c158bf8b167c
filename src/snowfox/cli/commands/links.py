"""`snowfox links`."""

from __future__ import annotations

import argparse

from snowfox.cli import node, paper, progress
from snowfox.contract.links import LinkLine
from snowfox.contract.manager import Manager
from snowfox.core.clock import active
from snowfox.values import size_text

_HEADS = (
    "LINK",
    "USER",
    "SERVES",
    "CALLS",
    "ASKED",
    "ANSWERING",
    "ROUND TRIP",
    "RECEIVED",
    "SENT",
    "LOST",
    "SINCE",
)


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(options: argparse.Namespace) -> int:
    """Always 0."""
    with progress.waiting(), node.session(options) as session:
        found = session.call(Manager.links)
    if options.json:
        paper.json_line([one._asdict() for one in found])
        return 0
    now = active().wall()
    paper.out().lines(paper.columns(_HEADS, [_cells(one, now) for one in found]))
    return 0


def _cells(one: LinkLine, now: int) -> tuple[str, ...]:
    return (
        paper.safe(one.name),
        paper.safe(one.user),
        one.serves,
        one.calls,
        str(one.asked or ""),
        str(one.owed or ""),
        "" if one.round_trip < 0 else f"{one.round_trip / 1000:.1f} ms",
        size_text(one.received),
        size_text(one.sent),
        str(one.reconnects or ""),
        paper.age(now - one.since),
    )
