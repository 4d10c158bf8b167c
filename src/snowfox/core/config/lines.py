"""A text as a person sees it: lines and columns of its offsets."""

from __future__ import annotations

import re
from bisect import bisect_right

from snowfox.core.config.problem import Problem


class Lines:
    """The lines of a file.

    Args:
        file: its name, as the person knows it.
        text: with line ends of one character.
    """

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self._starts: list[int] = []

    def starts(self) -> list[int]:
        """Offsets of the first character of each line."""
        if not self._starts:
            self._starts = [0, *(found.end() for found in re.finditer("\n", self.text))]
        return self._starts

    def place(self, span: tuple[int, int], problem: Problem) -> Problem:
        """The problem at offsets [start, end); what goes over the line's end is not marked."""
        starts = self.starts()
        line = bisect_right(starts, span[0])
        first = starts[line - 1]
        last = self.text.find("\n", first)
        source = self.text[first : len(self.text) if last < 0 else last]
        width = max(1, min(span[1], first + len(source)) - span[0])
        return problem.replace(
            file=self.file, line=line, column=span[0] - first + 1, source=source, width=width
        )

    def said(self) -> list[tuple[int, str]]:
        """(offset, text) of each line that says something, for files in which `#` begins a comment."""
        lines = zip(self.starts(), self.text.split("\n"), strict=True)
        said = ((start + len(line) - len(line.lstrip()), line.strip()) for start, line in lines)
        return [(start, line) for start, line in said if line and not line.startswith("#")]
