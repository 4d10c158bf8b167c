"""`snowfox versions`."""

from __future__ import annotations

import argparse
from typing import Final

from snowfox.cli import node, paper, progress, version
from snowfox.contract.manager import Manager, VersionLine
from snowfox.core.clock import active

_HEADS: Final = ("VERSION", "SOURCE", "APPLIED", "BY", "MESSAGE")


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(options: argparse.Namespace) -> int:
    """Always 0."""
    with progress.waiting(), node.session(options) as session:
        found = session.call(Manager.versions)
    if options.json:
        paper.json_line(paper.plain(found))
        return 0
    now = active().wall()
    sheet = paper.out()
    head, *lines = paper.columns(_HEADS, [_row(one, now) for one in found])
    marked = [
        sheet.colour("bold", line) if one.is_current else line for line, one in zip(lines, found, strict=True)
    ]
    sheet.lines([head, *marked])
    return 0


def _row(one: VersionLine, now: int) -> tuple[str, ...]:
    return (
        version.short(one.id),
        version.source(one.name, one.commit),
        f"{paper.age(now - one.at)} ago" if one.at else "never",
        paper.safe(one.who),
        _message(one, now),
    )


def _message(one: VersionLine, now: int) -> str:
    if not one.is_current:
        return ""
    if not one.confirm_by:
        return "in force"
    return f"in force, to be confirmed until {paper.clock(one.confirm_by, now)}"
