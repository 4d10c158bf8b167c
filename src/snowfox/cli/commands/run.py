"""`snowfox run SERVICE [-- COMMAND …]`."""

from __future__ import annotations

import argparse
import sys

from snowfox.cli import node
from snowfox.contract.manager import Manager

_SIGNALLED = 128
"""Added to the number of a signal, as a shell does."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("service", metavar="SERVICE", help="a service or one of its instances: web, web@2")
    parser.add_argument(
        "words", nargs="*", metavar="COMMAND", help="behind --; default: the command of the service"
    )


def run(options: argparse.Namespace) -> int:
    """The exit code of the command; 128 and the number of the signal that ended it. Ctrl-C ends it."""
    with node.session(options) as session:
        for item in session.stream(Manager.run, options.service, options.words):
            if item.last:
                sys.stdout.flush()
                return _SIGNALLED + item.signal if item.signal is not None else item.code or 0
            sys.stdout.buffer.write(item.text)
            sys.stdout.buffer.flush()
    return 1
