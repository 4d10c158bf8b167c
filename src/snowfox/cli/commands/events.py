"""`snowfox events [-f] [-n N] [--kinds]`."""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from typing import Any

from snowfox.cli import node, paper
from snowfox.cli.commands.logs import line_count, node_ended
from snowfox.contract.manager import EventLine, Manager
from snowfox.core.clock import active
from snowfox.errors import ConnectionLost


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    parser.add_argument(
        "-n", "--lines", type=line_count, default=50, metavar="N", help="the last events; default: 50"
    )
    parser.add_argument("--kinds", action="store_true", help="list the kinds of events that there are")
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")


def run(options: argparse.Namespace) -> int:
    """0, also when the node ends while following."""
    if options.kinds:
        return _kinds(as_json=options.json)
    sheet = paper.out()
    with node.session(options) as session:
        try:
            for event in session.stream(Manager.events, options.lines, options.follow):
                if options.json:
                    paper.json_line({**event._asdict(), "fact": json.loads(event.fact)})
                else:
                    sheet.line(_text(event, sheet))
        except ConnectionLost:
            if not options.follow:
                raise
            node_ended()
    return 0


def _text(event: EventLine, sheet: paper.Paper) -> str:
    when = sheet.colour("dim", paper.clock(event.at, active().wall()))
    fields = "  ".join(
        f"{name}={_value(value)}" for name, value in json.loads(event.fact).items() if value not in ("", None)
    )
    return f"{when}  {event.kind:<20} {paper.safe(event.subject):<14} {paper.safe(fields)}".rstrip()


def _value(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.3f}".rstrip("0").rstrip(".")
        case str():
            return f'"{value}"' if " " in value else value
        case _:
            return json.dumps(value, ensure_ascii=False)


def _kinds(*, as_json: bool) -> int:
    from snowfox.core.event.fact import catalogue  # noqa: PLC0415 - only when asked for

    for name in ("snowfox.service.fact", "snowfox.manager.change.fact"):  # what defines ours
        import_module(name)
    kinds = {kind: (one.__doc__ or "").split("\n", 1)[0] for kind, one in catalogue().items()}
    if as_json:
        paper.json_line(kinds)
    else:
        paper.out().lines(f"{kind:<22} {summary}" for kind, summary in kinds.items())
    return 0
