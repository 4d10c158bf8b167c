"""`snowfox status [PATTERN]`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from snowfox.cli import node, paper, pattern, progress, version
from snowfox.contract.manager import InstanceStatus, Manager, NodeStatus
from snowfox.core.clock import active
from snowfox.values import size_text

if TYPE_CHECKING:
    import argparse

FLAGS: Final = ("--json",)
"""With patterns all that it takes: `cli.simple` can read that."""
NOT_AS_WANTED: Final = 3
_HEADS: Final = ("SERVICE", "STATE", "SINCE", "PID", "MEMORY", "RESTARTS", "MESSAGE")
_INDENT: Final = "      "


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    pattern.declare(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """0: all as wanted; 3: something is not."""
    with progress.waiting(), node.session(options) as session:
        status = session.call(Manager.status, pattern.given(options))
    return show(status, as_json=options.json, is_part=bool(options.pattern))


def show(status: NodeStatus, *, as_json: bool, is_part: bool = False) -> int:
    """Print it; 0 when all that is shown is as wanted, else 3.

    Args:
        status: what the node said.
        as_json: one JSON object instead of a table.
        is_part: these are some of the instances; how the others are does not count.
    """
    others = is_part or status.as_wanted
    code = 0 if others and all(one.light == "green" for one in status.instances) else NOT_AS_WANTED
    if as_json:
        paper.json_line({**status._asdict(), "instances": [one._asdict() for one in status.instances]})
        return code
    sheet = paper.out()
    sheet.lines(
        [
            _head(status, sheet, is_part=is_part),
            *listing(status.instances, sheet),
            *(_note(note, sheet) for note in status.notes),
        ]
    )
    return code


def _head(status: NodeStatus, sheet: paper.Paper, *, is_part: bool) -> str:
    services = len({one.service for one in status.instances})
    unwanted = sum(one.light != "green" for one in status.instances)
    if unwanted:
        summary = f"{unwanted} of {len(status.instances)} not as wanted"
    elif status.as_wanted:
        summary = "all as wanted"
    else:
        summary = "these as wanted, the node is not" if is_part else "not as wanted"
    parts = [
        sheet.colour("bold", paper.safe(status.node)),
        f"version {version.title(status.version, status.source, status.commit)}",
        f"{paper.count(services, 'service')}, {paper.count(len(status.instances), 'instance')}",
        *([] if status.phase == "up" else [status.phase]),
        summary,
    ]
    return f" {sheet.dot()} ".join(parts)


def listing(instances: Sequence[InstanceStatus], sheet: paper.Paper) -> list[str]:
    """The lines of the table; on a terminal that it does not fit, messages have lines of their own."""
    if not instances:
        return []
    now = active().wall()
    rows = [_row(one, now) for one in instances]
    lights = {name: sheet.symbol(name) for name in {one.light for one in instances}}
    signs = [" ", *(lights[one.light] for one in instances)]
    table = paper.columns(_HEADS, rows)
    most = sheet.width
    if not most or max(map(len, table)) + 3 <= most:
        return [f" {sign} {line}" for sign, line in zip(signs, table, strict=True)]
    table = paper.columns(_HEADS[:-1], [row[:-1] for row in rows])
    lines: list[str] = []
    for sign, line, message in zip(signs, table, ["", *(row[-1] for row in rows)], strict=True):
        lines += [f" {sign} {line}", *(paper.wrapped(message, most - 1, _INDENT) if message else ())]
    return lines


def _row(one: InstanceStatus, now: int) -> tuple[str, ...]:
    return (
        one.id,
        one.state,
        paper.age(now - one.since) if one.since else "",
        str(one.pid) if one.pid else "",
        size_text(one.memory) if one.memory else "",
        str(one.restarts) if one.pid or one.restarts else "",
        paper.safe(one.message),
    )


def _note(note: str, sheet: paper.Paper) -> str:
    return sheet.colour("yellow", paper.safe(note))
