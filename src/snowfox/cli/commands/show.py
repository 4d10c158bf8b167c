"""`snowfox show SERVICE [--all]`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, Final

from snowfox.cli import node, paper, progress
from snowfox.cli.commands import status
from snowfox.contract.manager import Effective, Ending, LogLine, Manager, ServiceView
from snowfox.core.clock import active

_WIDEST_VALUE: Final = 60
_HEADS: Final = Effective("KEY", "VALUE", "FROM")
_EXIT_HEADS: Final = ("WHEN", "SERVICE", "HOW")
_DEFAULT: Final = "default"


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("service", metavar="SERVICE", help="the name of a service")
    parser.add_argument(
        "--all", action="store_true", help="also the keys that nobody wrote, with their defaults"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Always 0. Raises NotFound."""
    with progress.waiting(), node.session(options) as session:
        found = session.call(Manager.show, options.service)
    if options.json:
        paper.json_line(_as_json(found))
    else:
        sheet = paper.out()
        sheet.lines(_lines(found, sheet, every=options.all))
    return 0


def _as_json(view: ServiceView) -> dict[str, Any]:
    """The contract's fields; output is text."""
    lines = [
        {
            "instance": line.instance,
            "at": line.at,
            "text": line.text.decode(errors="replace"),
            **({"stream": line.stream} if line.stream else {}),
        }
        for line in view.lines
    ]
    return {**paper.plain(view), "lines": lines}


def _lines(view: ServiceView, sheet: paper.Paper, *, every: bool) -> list[str]:
    head = sheet.colour("bold", paper.safe(view.name))
    return [
        f"{head} {sheet.dot()} {paper.count(len(view.instances), 'instance')}",
        *_keys([key for key in view.keys if every or key.origin != _DEFAULT]),
        *status.listing(view.instances, sheet),
        *([f"next runs: {', '.join(view.next_runs)}"] if view.next_runs else []),
        *_below("last exits:", _exits(view.exits)),
        *_below("last lines:", _output(view.lines, sheet)),
    ]


def _keys(keys: Sequence[Effective]) -> list[str]:
    """A row a key; a value that is very long pushes only its own origin aside."""
    if not keys:
        return []
    head = _HEADS if any(key.origin for key in keys) else _HEADS._replace(origin="")
    rows = [head, *(Effective(*map(paper.safe, key)) for key in keys)]
    key_width = max(len(row.key) for row in rows)
    value_width = min(_WIDEST_VALUE, max(len(row.value) for row in rows))
    return [f"   {row.key:<{key_width}}  {row.value:<{value_width}}  {row.origin}".rstrip() for row in rows]


def _exits(exits: Sequence[Ending]) -> list[str]:
    now = active().wall()
    rows = [(paper.clock(one.at, now), one.instance, paper.safe(one.text)) for one in exits]
    return [f"   {line}" for line in paper.columns(_EXIT_HEADS, rows)[1:]]


def _output(lines: Sequence[LogLine], sheet: paper.Paper) -> list[str]:
    """As `snowfox logs` prints them, but safe for a terminal."""
    places = {name: index for index, name in enumerate(dict.fromkeys(line.instance for line in lines))}
    return [
        sheet.prefix(f"{line.instance:<14} | ", places[line.instance])
        + paper.safe(line.text.decode(errors="replace"))
        for line in lines
    ]


def _below(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *lines] if lines else []
