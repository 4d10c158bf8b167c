"""`snowfox plan [PATH] [--exit-code]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from snowfox.cli import difference, node, origin, paper, progress
from snowfox.contract.manager import Manager, Plan
from snowfox.errors import ConfigurationRefused, NotNow

if TYPE_CHECKING:
    import argparse

FLAGS: Final = ("--exit-code", "--json")
VALUES: Final = ()
"""With one PATH all that it takes: `cli.simple` can read that."""

REFUSED: Final = 3
CHANGES: Final = 8


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    origin.declare(parser)
    parser.add_argument("--exit-code", action="store_true", help=f"end with {CHANGES} when there are changes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """0: it could be applied; 3: it would be refused; with `--exit-code` 8: it could, and changes something.

    Raises ConfigurationRefused when it cannot be read or is wrong in itself, NotNow when the node cannot plan now; with
    `--json` that is a refusal like others.
    """
    try:
        source = origin.found(options.path)
        with progress.waiting("reading and verifying"), node.session(options) as session:
            plan = session.call(Manager.plan, source)
    except (ConfigurationRefused, NotNow) as error:
        if not options.json:
            raise
        problems = (error.problems or []) if isinstance(error, ConfigurationRefused) else []
        paper.json_line(_nothing([*problems, str(error)]))
        return REFUSED
    if options.json:
        paper.json_line(paper.plain(plan))
    else:
        sheet = paper.out()
        sheet.lines(difference.lines(plan, sheet))
    return _code(plan, counts=options.exit_code)


def _code(plan: Plan, *, counts: bool) -> int:
    if plan.refusals:
        return REFUSED
    return CHANGES if counts and plan.steps else 0


def _nothing(refusals: list[str]) -> dict[str, object]:
    """The shape of a plan that could not be made."""
    return {"before": None, "after": None, "kept": 0, "steps": [], "refusals": refusals, "warnings": []}
