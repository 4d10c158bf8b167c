"""`snowfox top [PATTERN] [--every 2s] [-n N] [--sort cpu]`."""

from __future__ import annotations

import argparse
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from snowfox.cli import length, node, paper, pattern
from snowfox.cli.commands.logs import line_count
from snowfox.contract.manager import InstanceFigures, Manager
from snowfox.core.clock import active
from snowfox.core.named import NamedTuple
from snowfox.core.rpc.blocking import Session
from snowfox.values import Seconds, size_text

_EVERY: Final = "2s"
_FIRST: Final[Seconds] = 0.5
"""Between the first two looks: a share of the processor needs two."""
_HEADS: Final = ("SERVICE", "STATE", "CPU", "MEMORY", "FILES", "PROCESSES", "RESTARTS", "SINCE")
_KEYS: Final = {"c": "cpu", "m": "memory", "f": "files", "s": "service"}
_OPEN: Final = "\x1b[?1049h\x1b[?25l"
_CLOSE: Final = "\x1b[?25h\x1b[?1049l"
_HOME: Final = "\x1b[H"
_REST: Final = "\x1b[J"


class Row(NamedTuple):
    """An instance and its share of the processor since the look before, in percent of one; 0 on the first."""

    figures: InstanceFigures
    cpu: float


_ORDERS: Final[dict[str, Callable[[Row], tuple[float, str]]]] = {
    "cpu": lambda row: (-row.cpu, row.figures.instance.id),
    "memory": lambda row: (-row.figures.memory, row.figures.instance.id),
    "files": lambda row: (-row.figures.descriptors, row.figures.instance.id),
    "service": lambda row: (0, row.figures.instance.id),
}


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    pattern.declare(parser)
    parser.add_argument(
        "--every", default=_EVERY, metavar="TIME", help=f"between two looks; default: {_EVERY}"
    )
    parser.add_argument(
        "-n",
        dest="count",
        type=line_count,
        default=0,
        metavar="N",
        help="so many looks; default: until q or Ctrl-C",
    )
    parser.add_argument(
        "--sort", choices=tuple(_ORDERS), default="cpu", help="what comes first; default: cpu"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list a look")


def run(options: argparse.Namespace) -> int:
    """Always 0. Raises NotFound."""
    sheet = paper.out()
    every = length.given(options.every, "look each", least="100ms", most="1h")
    is_live = sheet.can_move and sys.stdin.isatty() and not options.json and not options.count
    with node.session(options) as session:
        if is_live:
            _live(session, options, sheet, every)
        else:
            _print(session, options, sheet, every)
    return 0


def rows(before: Sequence[InstanceFigures], now: Sequence[InstanceFigures]) -> list[Row]:
    """What changed between two looks; of a process that was not there before nothing is known."""
    known = {(one.instance.id, one.instance.started): one for one in before}
    found: list[Row] = []
    for one in now:
        old = known.get((one.instance.id, one.instance.started))
        span = one.at - old.at if old else 0
        found.append(Row(one, max(0.0, 100 * (one.cpu - old.cpu) / span) if old and span > 0 else 0.0))
    return found


def table(found: Sequence[Row], order: str, sheet: paper.Paper) -> list[str]:
    """The head and a line an instance, in this order."""
    ordered = sorted(found, key=_ORDERS[order])
    now = active().wall()
    cpu = sum(row.cpu for row in found)
    memory = sum(row.figures.memory for row in found)
    count = paper.count(len(found), "instance")
    head = f" {sheet.dot()} ".join((count, f"cpu {cpu:.1f} %", f"memory {size_text(memory)}", f"by {order}"))
    lines = paper.columns(_HEADS, [_cells(row, now) for row in ordered])
    signs = [" ", *(sheet.symbol(row.figures.instance.light) for row in ordered)]
    most = max(sheet.width - 3, 20) if sheet.width else None
    return [head, *(f" {sign} {line[:most]}" for sign, line in zip(signs, lines, strict=True))]


def _cells(row: Row, now: int) -> tuple[str, ...]:
    one, figures = row.figures.instance, row.figures
    has_process = figures.processes > 0
    return (
        one.id,
        one.state,
        f"{row.cpu:.1f} %" if has_process else "",
        size_text(figures.memory) if has_process else "",
        str(figures.descriptors) if has_process and figures.descriptors >= 0 else "",
        str(figures.processes) if has_process else "",
        str(one.restarts) if has_process or one.restarts else "",
        paper.age(now - one.since) if one.since else "",
    )


def _print(session: Session, options: argparse.Namespace, sheet: paper.Paper, every: Seconds) -> None:
    """One look after another, each below the one before."""
    before = session.call(Manager.figures, pattern.given(options))
    for number in range(options.count or 1):
        time.sleep(every if number else min(_FIRST, every))
        now = session.call(Manager.figures, pattern.given(options))
        if options.json:
            paper.json_line([{**paper.plain(row.figures), "percent": row.cpu} for row in rows(before, now)])
        else:
            sheet.lines(table(rows(before, now), options.sort, sheet))
        before = now


def _live(session: Session, options: argparse.Namespace, sheet: paper.Paper, every: Seconds) -> None:
    """A screen that is drawn anew; `q` leaves it, `c m f s` choose what comes first."""
    order, pause = options.sort, min(_FIRST, every)
    before = session.call(Manager.figures, pattern.given(options))
    found = rows(before, before)
    with suppress(KeyboardInterrupt), _screen(sheet):
        while True:
            _draw(table(found, order, sheet), sheet)
            key = _key(pause)
            if key == "q":
                return
            if key in _KEYS:
                order = _KEYS[key]
                continue
            now = session.call(Manager.figures, pattern.given(options))
            found, before, pause = rows(before, now), now, every


def _draw(lines: Sequence[str], sheet: paper.Paper) -> None:
    keys = f"q leaves {sheet.dot()} sort by: c cpu, m memory, f files, s service"
    shown = [*lines[: max(1, sheet.height - 2)], "", keys]
    text = "\x1b[K\r\n".join(shown)
    sheet.stream.write(f"{_HOME}{text}\x1b[K{_REST}")
    sheet.stream.flush()


def _key(seconds: Seconds) -> str:
    """The key that is pressed meanwhile, or ""."""
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    return os.read(sys.stdin.fileno(), 1).decode("ascii", "replace") if ready else ""


@contextmanager
def _screen(sheet: paper.Paper) -> Generator[None]:
    """The terminal's other screen, and keys as they are pressed; as it was before at the end."""
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    sheet.stream.write(_OPEN)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        sheet.stream.write(_CLOSE)
        sheet.stream.flush()
