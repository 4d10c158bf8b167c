"""Where each key and value of a TOML text stands.

tomllib keeps no positions. This scanner reads a text that tomllib has accepted, so it checks nothing: it follows
strings, brackets and commas, and notes offsets. It runs only when a position is asked for. A property test holds it
against tomllib: it finds each key path of the tree and no other.

Grammar: https://toml.io/en/v1.0.0. Rejected: tomlkit (reads, keeps and writes, 30 times slower), a parser of our own
(two readers of one text can differ in what it *means*; here they can only differ in where it stands).
"""

from __future__ import annotations

import re
from typing import Final

from snowfox.core.named import NamedTuple

Path = tuple[str | int, ...]
"""The way to a value: keys of tables and indices of arrays."""


class Place(NamedTuple):
    """Offsets [start, end) of a key and of its value. An item of an array has no key: both are the value's."""

    key: tuple[int, int]
    value: tuple[int, int]


class Lost(Exception):
    """The scanner cannot follow the text at `offset`."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class TooDeep(Lost):
    """Keys or brackets are nested deeper than `DEEPEST`."""


DEEPEST: Final = 64
"""Levels of arrays and inline tables, and parts of a dotted key."""

_SPACE: Final = re.compile(r"[ \t]*+")
_BLANK: Final = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*")
_PART: Final = re.compile(r"[A-Za-z0-9_-]++|\"(?:[^\"\\\n]++|\\.)*\"|'[^'\n]*+'")
_STRING: Final = re.compile(
    r'"""(?:[^"\\]++|\\[\s\S]|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']++|'{1,2}(?!'))*'{3,5}"
    r"|\"(?:[^\"\\\n]++|\\.)*\"|'[^'\n]*+'"
)
_PLAIN: Final = re.compile(r"[^,\]}#\n]++")


def places(text: str) -> dict[Path, Place]:
    """The place of every key path. Raises `Lost` where the text is not TOML, `TooDeep` where it nests too deeply."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.places


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.places: dict[Path, Place] = {}
        self._at = 0
        self._lengths: dict[Path, int] = {}  # of arrays of tables
        self._depth = 0

    def document(self) -> None:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self.text):
            if self.text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)

    def _header(self) -> Path:
        """`[a.b]` or `[[a.b]]`; the path of the table that it opens."""
        start = self._at
        is_array = self.text.startswith("[[", start)
        self._at += 2 if is_array else 1
        parts = self._key()
        self._expect("]]" if is_array else "]")
        whole = (start, self._at)
        path: Path = ()
        for name, place in parts[:-1]:
            path = self._enter((*path, name))
            self.places.setdefault(path, Place(place, whole))
        name, place = parts[-1]
        path = (*path, name)
        if is_array:
            self.places.setdefault(path, Place(place, whole))
            self._lengths[path] = self._lengths.get(path, 0) + 1
            path = self._enter(path)
        # A table may have been entered by `[a.b]` before `[a]` is written: the written header is its place.
        self.places[path] = Place((parts[0][1][0], place[1]), whole)
        return path

    def _enter(self, path: Path) -> Path:
        """The last table of an array of tables, or the table itself."""
        length = self._lengths.get(path)
        return path if length is None else (*path, length - 1)

    def _pair(self, table: Path) -> None:
        """`a.b = value`."""
        parts = self._key()
        self._expect("=")
        self._skip(_SPACE)
        path: Path = table
        for name, place in parts[:-1]:
            path = self._enter((*path, name))
            self.places.setdefault(path, Place(place, place))
        name, place = parts[-1]
        path = (*path, name)
        self.places[path] = Place(place, self._value(path))

    def _key(self) -> list[tuple[str, tuple[int, int]]]:
        """The parts of a dotted key, each with its offsets."""
        parts: list[tuple[str, tuple[int, int]]] = []
        while True:
            self._skip(_SPACE)
            start = self._at
            found = _PART.match(self.text, start)
            if found is None:
                raise Lost(start)
            if len(parts) == DEEPEST:
                raise TooDeep(start)
            self._at = found.end()
            parts.append((_name(found[0], start), (start, self._at)))
            self._skip(_SPACE)
            if not self.text.startswith(".", self._at):
                return parts
            self._at += 1

    def _value(self, path: Path) -> tuple[int, int]:
        start = self._at
        letter = self.text[start : start + 1]
        if letter in ("[", "{"):
            if self._depth == DEEPEST:
                raise TooDeep(start)
            self._depth += 1
            self._at += 1
            if letter == "[":
                self._array(path)
            else:
                self._inline_table(path)
            self._depth -= 1
            return (start, self._at)
        found = (_STRING if letter in ('"', "'") else _PLAIN).match(self.text, start)
        if found is None:
            raise Lost(start)
        self._at = found.end()
        return (start, start + len(found[0].rstrip()))

    def _array(self, path: Path) -> None:
        index = 0
        while True:
            self._skip(_BLANK)
            if self._took("]"):
                return
            place = self._value((*path, index))
            self.places[(*path, index)] = Place(place, place)
            index += 1
            self._skip(_BLANK)
            if not self._took(","):
                self._expect("]")
                return

    def _inline_table(self, path: Path) -> None:
        while True:
            self._skip(_BLANK)
            if self._took("}"):
                return
            self._pair(path)
            self._skip(_BLANK)
            if not self._took(","):
                self._expect("}")
                return

    def _skip(self, what: re.Pattern[str]) -> None:
        found = what.match(self.text, self._at)
        if found is not None:
            self._at = found.end()

    def _took(self, letter: str) -> bool:
        if not self.text.startswith(letter, self._at):
            return False
        self._at += 1
        return True

    def _expect(self, letters: str) -> None:
        self._skip(_SPACE)
        if not self.text.startswith(letters, self._at):
            raise Lost(self._at)
        self._at += len(letters)


def _name(token: str, offset: int) -> str:
    """What a part of a key says."""
    if token[0] not in "\"'":
        return token
    if "\\" not in token:
        return token[1:-1]
    import tomllib  # noqa: PLC0415 - few keys hold an escape

    try:
        said: str = tomllib.loads(f"x={token}")["x"]
    except tomllib.TOMLDecodeError:
        raise Lost(offset) from None
    return said
