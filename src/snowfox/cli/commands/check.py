"""`snowfox check [PATH] [--json]`."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from typing import Any, Final

from snowfox.cli import reading
from snowfox.cli.place import PATH, place
from snowfox.core.config.problem import Problem
from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import ConfigurationRefused
from snowfox.service.checked import Checked
from snowfox.service.configuration import NAMES, read

REFUSED: Final = 3


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("path", nargs="?", default=None, metavar="PATH", help=PATH)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """0: it can be used; 3: it cannot. Problems go to standard output, for they are what was asked for.

    Raises ConfigurationRefused when there is nothing that can be read; with `--json` that is a problem like others.
    """
    gc.disable()  # what is read stays until the end, and looking through it again and again takes 40 ms of 1,000 services
    commit = ""
    try:
        sources = reading.read(place(options.path), posix=LinuxPosix())
        commit = sources.commit
        checked = read(sources, host=os.uname().nodename)
    except ConfigurationRefused as error:
        if not options.json:
            raise
        checked = Checked(options.path or NAMES.main[0], None, (Problem(str(error), error.hint),))
    if options.json:
        import json  # noqa: PLC0415 - 9 ms

        print(json.dumps(as_json(checked, commit)))
    else:
        lines = [problem.show() for problem in checked.problems]
        encoding = sys.stdout.encoding or "ascii"
        where = [f"commit {commit}"] if commit else []
        text = "\n".join([*lines, *where, checked.summary()])
        print(text.encode(encoding, "replace").decode(encoding))
    return REFUSED if checked.configuration is None else 0


def as_json(checked: Checked, commit: str) -> dict[str, Any]:
    """The documented shape: `file`, `usable`, `version`, `commit`, `services`, `instances`, `problems`."""
    configuration = checked.configuration
    services = configuration.services if configuration else {}
    return {
        "file": checked.title,
        "usable": configuration is not None,
        "version": configuration.version if configuration else None,
        "commit": commit or None,
        "services": len(services),
        "instances": sum(service.count for service in services.values()),
        "problems": [_problem(problem) for problem in checked.problems],
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "level": "warning" if problem.is_warning else "error",
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "text": problem.text,
        "hint": problem.hint,
    }
