"""`snowfox logs [-f] [-n N] [PATTERN]`."""

from __future__ import annotations

import argparse
import sys

from snowfox.cli import node, paper, pattern
from snowfox.contract.manager import LogLine, Manager
from snowfox.errors import ConnectionLost

MOST_LINES = 100_000


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    pattern.declare(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    parser.add_argument(
        "-n", "--lines", type=line_count, default=50, metavar="N", help="last lines of each; default: 50"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")


def run(options: argparse.Namespace) -> int:
    """0, also when the node ends while following."""
    printer = Printer(as_json=options.json, is_live=options.follow)
    with node.session(options) as session:
        try:
            for line in session.stream(Manager.logs, pattern.given(options), options.lines, options.follow):
                printer.show(line)
        except ConnectionLost:
            if not options.follow:
                raise
            node_ended()
    return 0


class Printer:
    """Prints lines with the instance's name before each, in a colour of its own.

    Args:
        as_json: a JSON object a line instead.
        is_live: print each at once, for somebody who waits for it.
    """

    def __init__(self, *, as_json: bool, is_live: bool = True) -> None:
        self._json = as_json
        self._is_live = is_live
        self._sheet = paper.out()
        self._prefixes: dict[str, bytes] = {}

    def show(self, line: LogLine) -> None:
        """Print one item, which may hold several lines. Bytes of the service are printed as they are."""
        texts = line.text.split(b"\n")
        if self._json:
            for text in texts:
                row = {"instance": line.instance, "at": line.at, "text": text.decode(errors="replace")}
                paper.json_line(row)
            return
        prefix = self._prefixes.get(line.instance) or self._name(line.instance)
        stream = sys.stdout.buffer
        stream.write(b"".join([prefix + text + b"\n" for text in texts]))
        if self._is_live:
            stream.flush()

    def _name(self, instance: str) -> bytes:
        text = self._sheet.prefix(f"{instance:<14} | ", len(self._prefixes))
        prefix = self._prefixes[instance] = text.encode()
        return prefix


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
