"""What is wrong with a document, collected; and an end to it, for a file of a million mistakes is not a typo."""

from __future__ import annotations

from typing import Final

from snowfox.core.config.document import Document, Part
from snowfox.core.config.problem import Problem
from snowfox.core.config.scanner import Path

MOST: Final = 100
"""Problems of one document that are listed."""


class Enough(Exception):
    """There are as many problems as anybody reads."""


class Report:
    """The problems of a document, errors and warnings. Adding one too many raises `Enough`."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def wrong(self, path: Path, text: str, *, hint: str = "", part: Part = "value", within: str = "") -> None:
        """An error at a key or value, at `within` of the value where that stands in it."""
        self.add(self.document.problem(path, Problem(text, hint), part=part, within=within))

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
        """All of them in the order of the file, what is about the file as a whole at the end."""
        order = sorted(self.problems, key=lambda problem: (not problem.line, problem.line, problem.column))
        return tuple(order)
