"""Files of variables, `.env`, as the usual runners read them (foreman, honcho, Heroku).

`KEY=VALUE` lines: `export` before the key is passed over; 'single quotes' keep everything; in "double quotes" a
backslash goes before a quote, before itself, or before an n for a new line; `#` begins a comment at the start of a line
and, after a blank, behind a value without quotes. Nothing is filled in.
"""

from __future__ import annotations

import re
from typing import Final

from snowfox.core.config.lines import Lines
from snowfox.core.config.problem import Problem, quoted
from snowfox.core.config.source import File
from snowfox.core.named import NamedTuple
from snowfox.service.filling import is_variable

_VARIABLE: Final = re.compile(r"[ \t]*(?:export[ \t]+)?([^\s=]+)[ \t]*=[ \t]*(.*?)[ \t]*\Z")
_ESCAPE: Final = re.compile(r"\\(.)")
_SINGLE: Final = re.compile(r"'([^']*)'[ \t]*(?:#.*)?\Z")
_DOUBLE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"[ \t]*(?:#.*)?\Z')
_COMMENT: Final = re.compile(r"(?:\A|[ \t]+)#.*\Z")


class Variable(NamedTuple):
    """A line: the value, and offsets [start, end) of the value as it is written."""

    value: str
    start: int
    end: int


class Dotenv:
    """What a file of variables says: `variables`, a later line replacing an earlier one, and the `problems` of it."""

    def __init__(self, file: File) -> None:
        self.title = file.title
        self.variables: dict[str, Variable] = {}
        self.problems: list[Problem] = []
        self._lines = Lines(file.title, file.text.replace("\r\n", "\n"))
        for start, line in self._lines.said():
            self._read(start, line)

    def line(self, name: str) -> int:
        """The line of a variable that is there, from 1."""
        return self._lines.text.count("\n", 0, self.variables[name].start) + 1

    def wrong(self, start: int, end: int, why: str, hint: str = "") -> None:
        """A problem at offsets [start, end)."""
        problem = Problem(f"cannot read {self.title}: {why}", hint)
        self.problems.append(self._lines.place((start, end), problem))

    def _read(self, start: int, line: str) -> None:
        found = _VARIABLE.match(line)
        if found is None:
            self.wrong(start, start + len(line), 'expected "KEY=VALUE"')
            return
        name, value = found[1], _value(found[2])
        first, last = start + found.start(2), start + found.end(2)
        if not is_variable(name):
            hint = 'letters, digits and "_", not beginning with a digit'
            self.wrong(start, start + len(name), f"{quoted(name)} cannot name a variable", hint)
        elif value is None:
            self.wrong(first, last, "a quote is not closed, or something follows it")
        else:
            self.variables[name] = Variable(value, first, last)


def _value(text: str) -> str | None:
    """What stands behind `=`; None when its quotes are not in order."""
    if text.startswith("'"):
        found = _SINGLE.match(text)
        return None if found is None else found[1]
    if text.startswith('"'):
        found = _DOUBLE.match(text)
        if found is None:
            return None
        return _ESCAPE.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], found[1])
    return _COMMENT.sub("", text)
