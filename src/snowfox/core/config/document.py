"""A TOML text as a tree, and where each key and value of it stands.

`plain` or tomllib read the values; `scanner` finds positions, and runs only when one is asked for, that is when there
is something to complain about.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from snowfox.core.config import plain
from snowfox.core.config.lines import Lines
from snowfox.core.config.problem import Problem
from snowfox.core.config.scanner import DEEPEST, Lost, Path, Place, TooDeep, places

Part = Literal["key", "value"]

_PART: Final = r"(?:[A-Za-z0-9_-]++|\"(?:[^\"\\\n]++|\\.)*\"|'[^'\n]*+')"
_SUSPECT: Final = re.compile(rf"(?<![\w\"'.-])(?:{_PART}[ \t]*+\.[ \t]*+){{{DEEPEST}}}")
"""What may be a key of too many parts: tomllib takes time that grows with the square of their number."""

_MESSAGE: Final = re.compile(
    r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)\Z"
)

_PLAIN_WORDS: Final = (
    ("Invalid statement", "this is neither a key nor a table", ""),
    ("Invalid value", "this is no value", 'text is written in quotes: "…"'),
    ("Expected '='", 'expected "=" after the key', ""),
    ("Expected newline or end", "expected the end of the line", "one key = value per line"),
    ("Expected '\"'", "a quote is not closed", ""),
    ("Expected \"'", "a quote is not closed", ""),
    ("Unterminated string", "a quote is not closed", ""),
    ("Expected ']' at the end of a table", 'expected "]" at the end of the table\'s name', ""),
    ("Expected ']]'", 'expected "]]" at the end of the table\'s name', ""),
    ("Unclosed array", 'a list is not closed: expected "," or "]"', ""),
    (
        "Unclosed inline table",
        'a table is not closed: expected "," or "}"',
        "an inline table stands on one line",
    ),
    ("Cannot declare", "this table is written twice", ""),
    ("Cannot overwrite", "this is written twice", ""),
    ("Duplicate inline", "this key is written twice", ""),
    ("Cannot mutate", "this table is complete where it was written first; nothing can be added here", ""),
    ("Cannot redefine", "this table is written twice", ""),
    (
        "Invalid initial character",
        "this is no key",
        'other letters than A-Z a-z 0-9 _ - are written in quotes: "…"',
    ),
    ("Unescaped '\\'", "a backslash means nothing here", "write it twice, or use 'single quotes'"),
    ("Invalid hex", "this is no \\u escape of hex digits", ""),
    ("Escaped character", "there is no character with this number", ""),
    ("Invalid date", "there is no such date", ""),
    ("Illegal character '\\n'", "a quote is not closed", ""),
    ("Illegal character", "a character that cannot be seen", ""),
    ("Found invalid character", "a character that cannot be seen", ""),
)


class Document:
    """A text that is TOML.

    Args:
        file: its name, as the person knows it.
        text: with line ends of one character.
        tree: what `plain` or tomllib read.
    """

    def __init__(self, file: str, text: str, tree: dict[str, Any]) -> None:
        self.file = file
        self.text = text
        self.tree = tree
        self._lines = Lines(file, text)
        self._places: dict[Path, Place] | None = None

    def problem(self, path: Path, problem: Problem, *, part: Part = "value", within: str = "") -> Problem:
        """The problem at a key or a value, or at what holds it where the path itself is not written.

        Args:
            path: the key or value.
            problem: without a place.
            part: which of the two.
            within: what to mark in the value as it is written, the last of it; all of it when that is not found.
        """
        start, end = self.span(path, part)
        offset = self.text.rfind(within, start, end) if within else -1
        span = (start, end) if offset < 0 else (offset, offset + len(within))
        return self._lines.place(span, problem)

    def span(self, path: Path, part: Part) -> tuple[int, int]:
        """Offsets [start, end) of the key or value, or of the nearest written one that holds it."""
        if self._places is None:
            try:
                self._places = places(self.text)
            except Lost:
                # The text is TOML for tomllib: without a position is better than without the message.
                self._places = {}
        way, wanted = path, part
        while way:
            place = self._places.get(way)
            if place is not None:
                return place.key if wanted == "key" else place.value
            way, wanted = way[:-1], "key"
        return (0, 0)


def parse(file: str, text: str) -> Document | Problem:
    """The text as a tree, or the first thing that makes it no TOML."""
    text = text.replace("\r\n", "\n")
    tree = plain.read(text)
    found = _by_tomllib(file, text) if tree is None else tree
    return found if isinstance(found, Problem) else Document(file, text, found)


def _by_tomllib(file: str, text: str) -> dict[str, Any] | Problem:
    import tomllib  # noqa: PLC0415 - nearly all configurations are plain

    try:
        if _may_be_deep(text):
            _refuse_deep(text)
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _syntax(file, text, str(error))
    except TooDeep as deep:
        return _at_offset(file, text, deep.offset, f"this is nested more than {DEEPEST} levels deep")
    except RecursionError:
        return _at_offset(file, text, _deepest(text), f"this is nested more than {DEEPEST} levels deep")
    except ValueError:
        # int() refuses more than 4,300 digits, and tomllib lets that through.
        found = re.search(r"\d{640,}", text)
        return _at_offset(file, text, found.start() if found else 0, "this number is too long")


def _at_offset(file: str, text: str, offset: int, why: str, hint: str = "") -> Problem:
    return Lines(file, text).place((offset, offset + 1), Problem(f"cannot read {file}: {why}", hint))


def _may_be_deep(text: str) -> bool:
    """Whether to look closer; a key stands on one line."""
    return any(line.count(".") >= DEEPEST and _SUSPECT.search(line) for line in text.split("\n"))


def _refuse_deep(text: str) -> None:
    """Raises TooDeep for a key of too many parts. What is no TOML at all is left to tomllib."""
    try:
        places(text)
    except TooDeep:
        raise
    except Lost:
        return


def _deepest(text: str) -> int:
    try:
        places(text)
    except Lost as lost:
        return lost.offset
    return 0


def _syntax(file: str, text: str, message: str) -> Problem:
    """A syntax error in plain words. tomllib says where in the text of its message, in all versions."""
    found = _MESSAGE.match(message)
    what, line, column = (found["what"], found["line"], found["column"]) if found else (message, None, None)
    why, hint = what, ""
    for begin, words, advice in _PLAIN_WORDS:
        if what.startswith(begin):
            why, hint = words, advice
            break
    if line is not None and column is not None:
        offset = Lines(file, text).starts()[int(line) - 1] + int(column) - 1
    else:
        offset = len(text.rstrip())
    if what.startswith("Unescaped"):
        offset = max(0, text.rfind("\\", 0, offset))
    return _at_offset(file, text, offset, why, hint)
