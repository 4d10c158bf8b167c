"""`snowfox events [-f] [-n N] [--kinds]`."""

from __future__ import annotations

import argparse
import json
import time

from snowfox.cli import node, paper
from snowfox.cli.commands.logs import line_count
from snowfox.contract.manager import EventLine, Manager
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
                sheet.line(_as_json(event) if options.json else _as_text(event, sheet))
        except ConnectionLost:
            if not options.follow:
                raise
    return 0


def _as_json(event: EventLine) -> str:
    return json.dumps({**event._asdict(), "fact": json.loads(event.fact)}, ensure_ascii=False)


def _as_text(event: EventLine, sheet: paper.Paper) -> str:
    clock = time.strftime("%H:%M:%S", time.localtime(event.at / 1000))
    fields = "  ".join(
        f"{key}={value}" for key, value in json.loads(event.fact).items() if value not in {"", None}
    )
    return f"{sheet.colour('dim', clock)}  {event.kind:<20} {event.subject:<14} {fields}".rstrip()


def _kinds(*, as_json: bool) -> int:
    from snowfox.service import fact  # noqa: PLC0415 - only when asked for

    kinds = {kind: (one.__doc__ or "").split("\n", 1)[0] for kind, one in sorted(fact.catalogue().items())}
    if as_json:
        print(json.dumps(kinds))
        return 0
    paper.out().lines(f"{kind:<24} {summary}" for kind, summary in kinds.items())
    return 0
