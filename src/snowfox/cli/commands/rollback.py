"""`snowfox rollback [VERSION] [--wait T] [--supersede]`."""

from __future__ import annotations

import argparse

from snowfox.cli import change
from snowfox.contract.manager import Manager
from snowfox.errors import UsageError


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument(
        "version",
        nargs="?",
        default=None,
        metavar="VERSION",
        help="the first digits of one of snowfox versions; default: the one before this",
    )
    change.declare(parser)


def run(options: argparse.Namespace) -> int:
    """As `apply`; 3 also when there is no such version, or several have these digits."""
    if options.version == "":
        msg = "cannot go back: the version is empty"
        raise UsageError(msg, "see: snowfox versions")
    return change.watch(options, Manager.rollback, options.version or "", options.supersede)
