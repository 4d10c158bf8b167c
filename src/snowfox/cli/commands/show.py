"""`snowfox show SERVICE`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, Final

from snowfox.cli import node, paper, progress
from snowfox.cli.commands import status
from snowfox.contract.manager import Effective, LogLine, Manager, ServiceView

_WIDEST_VALUE: Final = 60
_HEADS: Final = Effective("KEY", "VALUE", "FROM")


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("service", metavar="SERVICE", help="the name of a service")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Always 0. Raises NotFound."""
    with progress.waiting(), node.session(options) as session:
        found = session.call(Manager.show, options.service)
    if options.json:
        paper.json_line(_as_json(found))
    else:
        sheet = paper.out()
        sheet.lines(_lines(found, sheet))
    return 0


def _as_json(view: ServiceView) -> dict[str, Any]:
    """The contract's fields; output is text."""
    lines = [{**line._asdict(), "text": line.text.decode(errors="replace")} for line in view.lines]
    return {**paper.plain(view), "lines": lines}


def _lines(view: ServiceView, sheet: paper.Paper) -> list[str]:
    head = sheet.colour("bold", paper.safe(view.name))
    return [
        f"{head} {sheet.dot()} {paper.count(len(view.instances), 'instance')}",
        *_keys(view.keys),
        *status.listing(view.instances, sheet),
        *_below("last exits:", [paper.safe(text) for text in view.exits]),
        *_below("last lines:", [text for line in view.lines for text in _output(line)]),
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


def _output(line: LogLine) -> list[str]:
    texts = line.text.decode(errors="replace").split("\n")
    return [f"{line.instance:<14} | {paper.safe(text)}" for text in texts]


def _below(title: str, texts: Sequence[str]) -> list[str]:
    return [title, *(f"   {text}" for text in texts)] if texts else []
