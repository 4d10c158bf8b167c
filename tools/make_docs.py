"""Writes reference pages from the code itself: states, events, kernel calls, modules, errors.

Usage: python tools/make_docs.py [FOLDER]   (default: docs/_build)
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from snowfox import errors
from snowfox.cli.main import MEANINGS, exit_code
from snowfox.core.discovery import discover
from snowfox.core.event.fact import catalogue, fields, tree
from snowfox.core.module import ordered
from snowfox.core.posix.api import GROUPS, Posix
from snowfox.core.posix.restricted import POLLER
from snowfox.core.posix.roles import ROLES
from snowfox.service import life, status

ROOT = Path(__file__).resolve().parent.parent


def main(words: Sequence[str]) -> int:
    """Write all pages and print their names."""
    folder = Path(words[0]) if words else ROOT / "docs" / "_build"
    folder.mkdir(parents=True, exist_ok=True)
    pages = {"states": states, "events": events, "posix": posix, "modules": modules, "errors": error_tree}
    for name, page in pages.items():
        file = folder / f"{name}.md"
        file.write_text("\n".join(page()) + "\n")
        print(f"wrote {file}")
    return 0


def states() -> Iterator[str]:
    """The machine of an instance: diagram and table."""
    yield "# States of an instance\n"
    yield f"`snowfox status` shows one of {listed(status.STATES)}.\n"
    yield f"```mermaid\n{life.TABLE.diagram()}```\n"
    yield "## What happens to each input in each state\n"
    yield "An input that is refused changes nothing.\n"
    yield life.TABLE.text()


def events() -> Iterator[str]:
    """The facts of ours, as a tree and one by one."""
    importlib.import_module("snowfox.service.fact")  # what defines them
    facts = {
        kind: fact for kind, fact in catalogue().items() if fact.__module__.startswith("snowfox.service.")
    }
    yield "# Events\n"
    yield "Those with `*` are kept in the journal.\n"
    yield f"```text\n{tree(facts)}\n```\n"
    yield from table(
        ("kind", "fields", "kept", "what happened"),
        (
            (f"`{kind}`", listed(fields(fact)), "yes" if fact.kept else "", paragraph(fact))
            for kind, fact in facts.items()
        ),
    )


def posix() -> Iterator[str]:
    """Each call of the kernel's interface, and which role may use it."""
    calls: dict[str, Any] = {
        f"{group}.{name}": getattr(kind, name)
        for group, kind in GROUPS.items()
        for name in sorted(kind.__abstractmethods__)
    }
    calls[POLLER] = Posix.poller
    yield "# Kernel calls of each process\n"
    yield "A process that uses a call which its role does not list stops with `NotRestrictedTo`.\n"
    yield from table(
        ("call", *ROLES, "what it does"),
        (
            (f"`{name}`", *("●" if name in allowed else "" for allowed in ROLES.values()), first_line(call))
            for name, call in calls.items()
        ),
    )


def modules() -> Iterator[str]:
    """The manager's modules, in the order of their setup."""
    yield "# Modules of the manager\n"
    yield "In the order of their setup; they are torn down in reverse.\n"
    yield from table(
        ("module", "level", "after", "essential", "package", "what it stands for"),
        (
            (
                one.name,
                one.level.name,
                listed(one.after),
                "yes" if one.essential else "",
                f"`{one.package}`",
                first_line(one.run),
            )
            for one in ordered(discover(["snowfox.manager"]))
        ),
    )


def error_tree() -> Iterator[str]:
    """All errors with their exit codes, and what the codes mean."""
    yield "# Errors and exit codes\n"
    yield from table(("code", "meaning"), ((str(code), meaning) for code, meaning in MEANINGS.items()))
    yield "\n## Errors\n"
    yield from table(
        ("error", "exit code", "fields", "what it says"),
        (
            (
                f"{'— ' * depth}`{kind.__name__}`",
                str(exit_code(kind())),
                listed(kind.FIELDS),
                first_line(kind),
            )
            for kind, depth in below(errors.SnowFoxError)
        ),
    )


def below(kind: type[errors.SnowFoxError], depth: int = 0) -> Iterator[tuple[type[errors.SnowFoxError], int]]:
    """A class and all published ones below it, with their depth; private ones are stepped over."""
    is_public = not kind.__name__.startswith("_")
    if is_public:
        yield kind, depth
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from below(child, depth + is_public)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table of Markdown."""
    yield row(heads)
    yield row(["--"] * len(heads))
    for cells in rows:
        yield row(cells)


def row(cells: Iterable[str]) -> str:
    """A row of a table of Markdown, in which `|` separates cells."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def listed(names: Iterable[str]) -> str:
    """Names as code."""
    return ", ".join(f"`{name}`" for name in names)


def first_line(thing: object) -> str:
    """The first line of a docstring."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def paragraph(thing: object) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
