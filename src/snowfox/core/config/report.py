"""What is wrong with a document, collected; and an end to it, for a file of a million mistakes is not a typo."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from snowfox.core.config.document import Document, Part
from snowfox.core.config.problem import Problem
from snowfox.core.config.scanner import Path

MOST: Final = 100
"""Problems of one document that are listed."""


class Enough(Exception):
    """There are as many problems as anybody reads."""


class Report:
    """The problems of a document, errors and warnings. Adding one too many raises `Enough`.

    Args:
        document: that they are about.
        problems: where they are collected; those of all documents of a configuration, which have one end.
    """

    def __init__(self, document: Document, problems: list[Problem] | None = None) -> None:
        self.document = document
        self.problems: list[Problem] = [] if problems is None else problems
        self._told: set[tuple[Path, str]] = set()

    def wrong(self, path: Path, text: str, *, hint: str = "", part: Part = "value", within: str = "") -> None:
        """An error at a key or value, at `within` of the value where that stands in it."""
        self.add(self.document.problem(path, Problem(text, hint), part=part, within=within))

    def once(self, path: Path, text: str, *, key: str, **place: Any) -> None:
        """An error that is found again and again at one place, added the first time. `key` tells it from others."""
        if (path, key) not in self._told:
            self._told.add((path, key))
            self.wrong(path, text, **place)

    def warn(self, path: Path, text: str, *, hint: str = "", within: str = "") -> None:
        """A warning, placed like an error."""
        self.add(self.document.problem(path, Problem(text, hint, is_warning=True), within=within))

    def add(self, problem: Problem) -> None:
        """One that has its place, or none."""
        if len(self.problems) == MOST:
            self.problems.append(
                Problem(f"only the first {MOST} problems are listed", file=self.document.file)
            )
            raise Enough
        self.problems.append(problem)

    def listed(self) -> tuple[Problem, ...]:
        """All of them in the order of the file."""
        return in_order(self.problems)


def in_order(problems: Iterable[Problem], files: Iterable[str] = ()) -> tuple[Problem, ...]:
    """Problems as they stand in the files, file after file, what is about a file as a whole at the end."""
    order = {name: number for number, name in enumerate(files)}

    def place(problem: Problem) -> tuple[bool, int, int, int]:
        return (not problem.line, order.get(problem.file, 0), problem.line, problem.column)

    return tuple(sorted(problems, key=place))
