"""What is wrong with a document, collected; and an end to it, for a file of a million mistakes is not a typo."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from snowfox.core.config.document import Document, Part
from snowfox.core.config.problem import Problem, counted
from snowfox.core.config.scanner import Path

MOST: Final = 100
"""Errors of a configuration that are listed, and likewise warnings."""


class Enough(Exception):
    """There are as many errors as anybody reads."""


class Problems(list[Problem]):
    """What is wrong with a configuration: a bounded number of errors, and as many warnings."""

    def __init__(self) -> None:
        super().__init__()
        self._warnings = 0

    def add(self, problem: Problem) -> None:
        """One more. An error too many raises `Enough`; a warning too many is only counted."""
        if problem.is_warning:
            self._warnings += 1
            if self._warnings <= MOST:
                self.append(problem)
        elif len(self) - min(self._warnings, MOST) < MOST:
            self.append(problem)
        else:
            self.append(Problem(f"only the first {MOST} errors are listed", file=problem.file))
            raise Enough

    def listed(self, files: Sequence[str]) -> tuple[Problem, ...]:
        """All of them as they stand in the files, and how many warnings more there are."""
        more = self._warnings - MOST
        rest = [Problem(f"and {counted(more, 'more warning')}", file=files[0], is_warning=True)]
        return in_order([*self, *rest] if more > 0 else self, files)


class Report:
    """The problems of a document, errors and warnings. Adding an error too many raises `Enough`.

    Args:
        document: that they are about.
        problems: where they are collected; those of all documents of a configuration, which have one end.
    """

    def __init__(self, document: Document, problems: Problems | None = None) -> None:
        self.document = document
        self.problems = Problems() if problems is None else problems
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
        self.problems.add(problem)

    def listed(self) -> tuple[Problem, ...]:
        """All of them in the order of the file."""
        return self.problems.listed([self.document.file])


def in_order(problems: Iterable[Problem], files: Iterable[str] = ()) -> tuple[Problem, ...]:
    """Problems as they stand in the files, file after file, what is about a file as a whole at the end."""
    order = {name: number for number, name in enumerate(files)}

    def place(problem: Problem) -> tuple[bool, int, int, int]:
        return (not problem.line, order.get(problem.file, 0), problem.line, problem.column)

    return tuple(sorted(problems, key=place))
