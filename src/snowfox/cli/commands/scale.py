"""`snowfox scale SERVICE=N …`."""

from __future__ import annotations

import argparse
import sys

from snowfox.cli import node, progress
from snowfox.contract.manager import Manager
from snowfox.errors import UsageError

_WRITTEN = "default"


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument(
        "services",
        nargs="+",
        metavar="SERVICE=N",
        help=f"how many instances it has from now on; N = {_WRITTEN}: as many as are written",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object a line, as things happen")


def run(options: argparse.Namespace) -> int:
    """0: as many are ready; 4: one did not get ready, and it is as it was; 3: refused."""
    asked = dict(map(_read, options.services))
    with node.session(options) as session:
        try:
            last = progress.follow(session.stream(Manager.scale, asked), as_json=options.json)
        except KeyboardInterrupt:
            print("the node goes on with it; see: snowfox status", file=sys.stderr)
            raise
    return progress.finish(last, as_json=options.json)


def _read(word: str) -> tuple[str, int]:
    name, equals, count = word.rpartition("=")
    if name and equals and count == _WRITTEN:
        return name, 0
    if not name or not count.isdecimal() or len(count) > 6:
        msg = f"cannot read {word}: expected SERVICE=N"
        raise UsageError(msg, "for example: snowfox scale web=4")
    if not int(count):
        msg = f"cannot scale {name} to nothing"
        raise UsageError(msg, f"snowfox stop {name}  stops it until it is started")
    return name, int(count)
