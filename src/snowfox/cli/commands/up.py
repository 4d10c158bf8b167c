"""`snowfox up [PATH] [-d] [--policy FILE]`."""

# pathlib costs 5 ms of import in every command.
# ruff: noqa: PTH110, PTH112, PTH119

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from snowfox.cli import daemon
from snowfox.cli.place import PATH, place
from snowfox.contract.start import HOME, MANAGER_SOCKET, RUN
from snowfox.core.posix.linux import LinuxPosix

if TYPE_CHECKING:
    import argparse


FLAGS: Final = ("--detach", "--json")
SHORT: Final = {"-d": "--detach"}
VALUES: Final = ("policy",)
"""With one PATH all that it takes: `cli.simple` can read it where none of `VALUES` is written."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("path", nargs="?", default=None, metavar="PATH", help=PATH)
    parser.add_argument(
        "-d", "--detach", action="store_true", help="wait until all is ready, then give the shell back"
    )
    parser.add_argument(
        "--policy",
        metavar="FILE",
        default=None,
        help="what services may be; default: /etc/snowfox/policy.toml",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object a line, as things happen")


def run(options: argparse.Namespace) -> int:
    """0: all is ready; 1: something did not get ready, or the node did not start; 3: refused, nothing started.

    On a running node: its status. In the foreground it returns only then, or when the node could not start.
    """
    waiting = _waiting(options)
    try:
        from snowfox.cli import starting  # noqa: PLC0415 - a daemon imports its own meanwhile

        return starting.up(options, waiting)
    finally:
        if waiting is not None:
            waiting.give_up()


def _waiting(options: argparse.Namespace) -> daemon.Waiting | None:
    """A daemon that is ready once the configuration was checked, where it looks as if one would be needed."""
    folder = place(options.path, here=options.node or ".").folder
    is_likely = options.detach and os.path.isdir(folder) and os.path.basename(folder) != HOME
    if not is_likely or os.path.exists(f"{folder}/{HOME}/{RUN}/{MANAGER_SOCKET}"):
        return None
    return daemon.begin(LinuxPosix(), daemon.described(folder, "", options.policy))
