"""`snowfox apply [PATH] [--keep] [--confirm T] [--wait T] [--supersede]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from snowfox.cli import change, length, origin
from snowfox.contract.manager import Manager

if TYPE_CHECKING:
    import argparse

FLAGS: Final = ("--keep", "--supersede", "--json")
VALUES: Final = ("confirm", "wait")
"""With one PATH all that it takes: `cli.simple` can read it where none of `VALUES` is written."""

_SHORTEST: Final = "1s"
_LONGEST: Final = "30d"


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    origin.declare(parser)
    parser.add_argument(
        "--keep", action="store_true", help="do not go back when something does not get ready"
    )
    parser.add_argument(
        "--confirm",
        metavar="T",
        default=None,
        help="go back by itself unless snowfox confirm comes within this time, such as 10m",
    )
    change.declare(parser)


def run(options: argparse.Namespace) -> int:
    """0: in force; 3: refused; 4: rolled back; 5: degraded; 1: kept, and something is not ready; 8: goes on."""
    confirm = 0.0
    if options.confirm is not None:
        confirm = length.given(options.confirm, "wait for a confirmation", least=_SHORTEST, most=_LONGEST)
    source = origin.found(options.path)
    return change.watch(
        options, Manager.apply, source, options.keep, round(confirm * 1000), options.supersede
    )
