"""`snowfox logs [-f] [-n N] [--since T] [--until T] [--grep RE] [--rotate] [PATTERN]`."""

from __future__ import annotations

import argparse
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator

from snowfox.cli import node, paper, pattern
from snowfox.cli.moment import moment
from snowfox.cli.printer import Look, Printer
from snowfox.contract.manager import LogLine, Manager
from snowfox.errors import ConnectionLost, UsageError

MOST_LINES = 100_000
_DEFAULT = 50
_LONGEST = 1 << 24


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    pattern.declare(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    parser.add_argument(
        "-n",
        "--lines",
        type=line_count,
        default=None,
        metavar="N",
        help="last lines of each; default: 50, with --since, --until or --grep all",
    )
    parser.add_argument(
        "--since",
        type=moment,
        default=0,
        metavar="T",
        help='from then on: 10m ago, 14:05, "2026-11-25 14:05"',
    )
    parser.add_argument("--until", type=moment, default=0, metavar="T", help="up to then")
    parser.add_argument(
        "--grep", type=expression, default=None, metavar="RE", help="only lines that match; -n counts those"
    )
    parser.add_argument("-t", "--times", action="store_true", help="with the time of each line")
    parser.add_argument(
        "--raw", action="store_true", help="what was printed and nothing else, structured lines as they are"
    )
    parser.add_argument("--rotate", action="store_true", help="begin new files now, and say whose")
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")


def run(options: argparse.Namespace) -> int:
    """0, also when the node ends while following."""
    if options.rotate:
        return _rotate(options)
    look = Look(as_json=options.json, is_raw=options.raw, times=options.times, is_live=options.follow)
    printer = Printer(look)
    asked = options.lines
    is_all = options.since or options.until or options.grep
    lines = -1 if options.grep or (asked is None and is_all) else _DEFAULT if asked is None else asked
    if options.follow and options.until:
        msg = "cannot follow until a time that is over"
        raise UsageError(msg, "leave out one of -f and --until")
    with node.session(options) as session:
        stream = session.stream(
            Manager.logs, pattern.given(options), lines, options.follow, options.since, options.until
        )
        found = matching(stream, options.grep, asked) if options.grep else stream
        try:
            for line in found:
                if line.instance:
                    printer.show(line)
        except ConnectionLost:
            if not options.follow:
                raise
            node_ended()
    return 0


def _rotate(options: argparse.Namespace) -> int:
    with node.session(options) as session:
        rotated = session.call(Manager.rotate, pattern.given(options))
    if options.json:
        paper.json_line({"rotated": rotated})
    elif rotated:
        paper.out().lines(f"{name}: a new file" for name in rotated)
    else:
        paper.out().line("nothing was printed since the last time")
    return 0


def matching(lines: Iterable[LogLine], wanted: re.Pattern[bytes], most: int | None) -> Iterator[LogLine]:
    """Lines that match, each for itself; of what was there when we asked the last `most`.

    Here and not in the node: an expression that takes for ever is its writer's affair.
    """
    kept: deque[LogLine] | None = deque(maxlen=most)
    for line in _found(_whole(lines), wanted):
        if kept is not None and line.instance:
            kept.append(line)
            continue
        if kept is not None:
            yield from kept
            kept = None
        yield line
    if kept is not None:
        yield from kept


def _whole(lines: Iterable[LogLine]) -> Iterator[LogLine]:
    """With the parts of long lines put together."""
    parts: dict[tuple[str, str], bytes] = {}
    for line in lines:
        key = (line.instance, line.stream)
        text = parts.pop(key, b"") + line.text
        if line.is_part and len(text) < _LONGEST:
            parts[key] = text
        else:
            yield line._replace(text=text, is_part=False)


def _found(lines: Iterable[LogLine], wanted: re.Pattern[bytes]) -> Iterator[LogLine]:
    for line in lines:
        if not line.instance:
            yield line
            continue
        for text in line.text.split(b"\n"):
            if wanted.search(text):
                yield line._replace(text=text)


def expression(text: str) -> re.Pattern[bytes]:
    """A regular expression as it is written on the command line. Raises ArgumentTypeError."""
    try:
        return re.compile(text.encode(errors="surrogateescape"))
    except (re.error, OverflowError) as error:
        msg = f'"{text}" is not a regular expression: {error}'
        raise argparse.ArgumentTypeError(msg) from None


def line_count(text: str) -> int:
    """A number of lines as it is written on the command line: 0 to 100,000. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdigit()) or len(text) > 6 or int(text) > MOST_LINES:
        msg = f'"{text}" is not a number of lines: give 0 to {MOST_LINES}'
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def node_ended() -> None:
    """Say why nothing more comes."""
    sys.stdout.flush()
    print("the node ended the session", file=sys.stderr)
