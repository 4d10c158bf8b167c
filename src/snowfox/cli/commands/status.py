"""`snowfox status [PATTERN]`."""

from __future__ import annotations

import argparse
import time
from typing import Final

from snowfox.cli import node, paper
from snowfox.contract.manager import InstanceStatus, Manager, NodeStatus
from snowfox.values import size_text

NOT_AS_WANTED: Final = 3
_HEADS: Final = ("SERVICE", "STATE", "SINCE", "PID", "MEMORY", "RESTARTS", "MESSAGE")


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument(
        "pattern", nargs="*", metavar="PATTERN", help='glob over services: web, "shop.*", web@2'
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """0: all as wanted; 3: something is not."""
    with node.session(options) as session:
        status = session.call(Manager.status, " ".join(options.pattern) or "*")
    return show(status, as_json=options.json)


def show(status: NodeStatus, *, as_json: bool) -> int:
    """Print it; 0 when all that is shown is as wanted, else 3."""
    code = 0 if all(one.light == "green" for one in status.instances) and status.as_wanted else NOT_AS_WANTED
    if as_json:
        import json  # noqa: PLC0415 - not on the way of the table

        instances = [one._asdict() for one in status.instances]
        print(json.dumps({**status._asdict(), "instances": instances}, ensure_ascii=False))
        return code
    sheet = paper.out()
    now = int(time.time() * 1000)
    sheet.line(_head(status, sheet))
    if status.instances:
        table = paper.columns(_HEADS, [_row(one, now) for one in status.instances])
        lights = [" ", *(sheet.symbol(one.light) for one in status.instances)]
        sheet.lines(f" {light} {line}" for light, line in zip(lights, table, strict=True))
    for note in status.notes:
        sheet.line(sheet.colour("yellow", note))
    return code


def _head(status: NodeStatus, sheet: paper.Paper) -> str:
    services = len({one.service for one in status.instances})
    wanted = sum(one.light != "green" for one in status.instances)
    if wanted:
        summary = f"{wanted} of {len(status.instances)} not as wanted"
    else:
        summary = "all as wanted" if status.as_wanted else "not as wanted"
    phase = [] if status.phase == "up" else [status.phase]
    parts = [
        sheet.colour("bold", status.node),
        f"version {status.version[:7]}",
        f"{paper.count(services, 'service')}, {paper.count(len(status.instances), 'instance')}",
        *phase,
        summary,
    ]
    return f" {sheet.dot()} ".join(parts)


def _row(one: InstanceStatus, now: int) -> tuple[str, ...]:
    return (
        one.id,
        one.state,
        paper.age(now - one.since) if one.since else "",
        str(one.pid) if one.pid else "",
        size_text(one.memory) if one.memory else "",
        str(one.restarts) if one.pid or one.restarts else "",
        one.message,
    )
