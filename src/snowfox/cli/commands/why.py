"""`snowfox why [PATTERN] [-n 10]`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, Final

from snowfox.cli import node, paper, pattern, progress, version
from snowfox.cli.commands.logs import line_count
from snowfox.contract.manager import Happened, LogLine, Manager, Why
from snowfox.core.clock import active
from snowfox.core.rpc.blocking import Session

_COUNT: Final = 10


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    pattern.declare(parser)
    parser.add_argument(
        "-n",
        dest="count",
        metavar="N",
        type=line_count,
        default=_COUNT,
        help=f"last moments of each; default: {_COUNT}",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(options: argparse.Namespace) -> int:
    """Always 0. Raises NotFound."""
    with progress.waiting(), node.session(options) as session:
        meant = pattern.given(options) if options.pattern else _unwanted(session)
        found = session.call(Manager.why, meant, options.count) if meant else []
    if options.json:
        paper.json_line([_as_json(one) for one in found])
        return 0
    sheet = paper.out()
    if not meant:
        sheet.line("all as wanted: name a service to see what happened to it, snowfox why SERVICE")
    texts = ["\n".join(_lines(one, sheet)) for one in found]
    sheet.lines(["\n\n".join(texts)])
    return 0


def _unwanted(session: Session) -> str:
    """The instances that are not as wanted; "" where all are."""
    rows = session.call(Manager.status, pattern.ALL).instances
    return " ".join(row.id for row in rows if row.light != "green")


def _as_json(one: Why) -> dict[str, Any]:
    """The contract's fields; output is text."""
    lines = [{**line._asdict(), "text": line.text.decode(errors="replace")} for line in one.lines]
    return {**paper.plain(one), "lines": lines}


def _lines(one: Why, sheet: paper.Paper) -> list[str]:
    now = active().wall()
    row = one.instance
    since = f" since {paper.age(now - row.since)}" if row.since else ""
    message = f": {paper.safe(row.message)}" if row.message else ""
    head = (
        f"{sheet.symbol(row.light)} {sheet.colour('bold', paper.safe(row.id))} is {row.state}{since}{message}"
    )
    return [head, *_happened(one.happened, sheet, now), *_output(one.lines), *_version(one, now)]


def _happened(moments: Sequence[Happened], sheet: paper.Paper, now: int) -> list[str]:
    """A row a moment: when, what, which process, which operation and who asked for it."""
    rows = [
        (
            paper.clock(one.at, now),
            paper.safe(one.text),
            f"pid {one.pid}" if one.pid else "",
            f"#{one.operation} {one.verb}, {paper.safe(one.who)}" if one.operation else "",
        )
        for one in moments
    ]
    dim = len(max((row[0] for row in rows), key=len, default=""))
    lines = paper.columns(("", "", "", ""), rows)[1:]
    return [f"   {sheet.colour('dim', line[:dim])}{line[dim:]}" for line in lines]


def _output(lines: Sequence[LogLine]) -> list[str]:
    if not lines:
        return []
    return ["   last lines:", *(f"   | {paper.safe(line.text.decode(errors='replace'))}" for line in lines)]


def _version(one: Why, now: int) -> list[str]:
    line = one.version
    if line is None:
        return []
    title = version.title(line.id, line.name, line.commit)
    who = f" by {paper.safe(line.who)}" if line.who else ""
    when = f" {paper.age(now - line.at)} ago" if line.at else ""
    number = f" (#{one.operation})" if one.operation else ""
    return [f"   version {title}, applied{who}{when}{number}"]
