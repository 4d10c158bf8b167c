"""Which services a command is about: none, one or several patterns on the command line, one text for the node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snowfox.errors import UsageError

if TYPE_CHECKING:
    import argparse

ALL = "*"
"""The pattern that means all."""


def declare(parser: argparse.ArgumentParser, *, all_is: str = "") -> None:
    """Declare PATTERN, and `--all` with this help where nothing must not mean all."""
    parser.add_argument(
        "pattern", nargs="*", metavar="PATTERN", help='services: web, web@2, "shop.*", @label'
    )
    if all_is:
        parser.add_argument("--all", action="store_true", help=all_is)


def given(options: argparse.Namespace) -> str:
    """The patterns as one text; all where none is given, because that is harmless."""
    return " ".join(options.pattern) if options.pattern else ALL


def required(options: argparse.Namespace) -> str:
    """The patterns as one text. Raises UsageError for none without `--all`, and for some with it."""
    verb = options.command
    what = "wait for" if verb == "wait" else verb
    if options.all and options.pattern:
        msg = f"cannot {what} both all and {' '.join(options.pattern)}"
        raise UsageError(msg, "leave out one of the two")
    if options.all:
        return ALL
    if not options.pattern:
        msg = f"cannot {what} everything unless told so"
        words = f"snowfox {verb} SIGNAL" if verb == "signal" else f"snowfox {verb}"
        raise UsageError(msg, f"name services: {words} PATTERN, or all of them: {words} --all")
    return given(options)
