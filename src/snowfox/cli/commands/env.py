"""`snowfox env SERVICE`."""

from __future__ import annotations

import argparse

from snowfox.cli import node, paper, progress
from snowfox.contract.manager import Manager, Variable


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("instance", metavar="SERVICE", help="a service or one of its instances: web, web@2")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """0: what its next launch gets. Raises NotFound, UserError."""
    with progress.waiting(), node.session(options) as session:
        found = session.call(Manager.env, options.instance)
    if options.json:
        paper.json_line({one.name: _known(one) for one in found})
    else:
        paper.out().lines(paper.safe(_line(one)) for one in found)
    return 0


def _known(one: Variable) -> str | None:
    """Its value; None where only the launch knows it."""
    return None if one.note and not one.value else one.value


def _line(one: Variable) -> str:
    """`NAME=VALUE`, or what there is to say of one whose value is not known or needs a word."""
    value = _known(one)
    text = one.name if value is None else f"{one.name}={value}"
    return f"{text}  ({one.note})" if one.note else text
