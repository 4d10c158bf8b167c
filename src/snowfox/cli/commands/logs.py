"""`snowfox logs [-f] [-n N] [PATTERN]`."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from snowfox.cli import node, paper
from snowfox.contract.manager import LogLine, Manager
from snowfox.errors import ConnectionLost


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument(
        "pattern", nargs="*", metavar="PATTERN", help='glob over services: web, "shop.*", web@2'
    )
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    parser.add_argument(
        "-n", "--lines", type=line_count, default=50, metavar="N", help="last lines of each; default: 50"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")


def run(options: argparse.Namespace) -> int:
    """0, also when the node ends while following."""
    pattern = " ".join(options.pattern) or "*"
    printer = Printer(as_json=options.json)
    with node.session(options) as session:
        try:
            for line in session.stream(Manager.logs, pattern, options.lines, options.follow):
                printer.show(line)
        except ConnectionLost:
            if not options.follow:
                raise
    return 0


class Printer:
    """Prints lines with the instance's name before each, in a colour of its own."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._sheet = paper.out()
        self._prefixes: dict[str, bytes] = {}

    def show(self, line: LogLine) -> None:
        """Print one item, which may hold several lines. Bytes of the service are printed as they are."""
        if self._json:
            self._show_json(line)
            return
        prefix = self._prefixes.get(line.instance)
        if prefix is None:
            text = f"{line.instance:<14} | "
            prefix = self._prefixes[line.instance] = self._sheet.prefix(text, len(self._prefixes)).encode()
        stream = sys.stdout.buffer
        stream.write(b"".join(prefix + one + b"\n" for one in line.text.split(b"\n")))
        stream.flush()

    def _show_json(self, line: LogLine) -> None:
        import json  # noqa: PLC0415 - only when asked for

        for one in line.text.split(b"\n"):
            row: dict[str, Any] = {
                "instance": line.instance,
                "at": line.at,
                "text": one.decode(errors="replace"),
            }
            print(json.dumps(row, ensure_ascii=False), flush=True)


def line_count(text: str) -> int:
    """A number of lines as it is written on the command line: 0 to 100,000."""
    number = int(text)
    if not 0 <= number <= 100_000:
        msg = f"{number} lines: give 0 to 100000"
        raise argparse.ArgumentTypeError(msg)
    return number
