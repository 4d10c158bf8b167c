"""What is printed on: colour where it helps, signs that the terminal knows, columns, times for people."""

from __future__ import annotations

import codecs
import os
import sys
import time
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from typing import Any, Final, TextIO, cast

_COLOURS: Final = {"green": "32", "yellow": "33", "red": "31", "dim": "2", "bold": "1"}
_PREFIXES: Final = ("36", "35", "34", "33", "32", "31", "96", "95", "94", "93", "92", "91")
_SYMBOLS: Final = {"green": ("●", "*"), "yellow": ("◐", "~"), "red": ("✗", "!"), "done": ("✓", "+")}
_UNKNOWN: Final = ("?", "?")
_SIGNS: Final = {"…": "...", "·": "-", "—": "-", "–": "-", "→": "->", "’": "'"}
_HANDLER: Final = "snowfox.signs"
_ALWAYS_SHOWN: Final = frozenset({"SERVICE", "STATE", "MODULE", "VERSION"})


def prepare() -> None:
    """Let standard output and error take any text, also where their encoding has not all of its signs."""
    codecs.register_error(_HANDLER, _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_SIGNS.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


class Paper:
    """A text stream and what it can show.

    Args:
        stream: where to print; colour only on a terminal and without `NO_COLOR` (no-color.org: set and not empty).
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.is_terminal = stream.isatty()
        self.can_move = self.is_terminal and os.environ.get("TERM") != "dumb"
        """Whether a line can be erased again."""
        self._coloured = self.can_move and not os.environ.get("NO_COLOR")
        self._plain = (stream.encoding or "ascii").lower().replace("-", "") != "utf8"

    @property
    def width(self) -> int:
        """Columns of the terminal as it is now; 0 where there is no limit, or none is known."""
        if not self.is_terminal:
            return 0
        try:
            return os.get_terminal_size(self.stream.fileno()).columns
        except OSError:
            return 0

    @property
    def height(self) -> int:
        """Lines of the terminal as it is now; 24 where none is known."""
        try:
            return os.get_terminal_size(self.stream.fileno()).lines or 24
        except OSError:
            return 24

    def colour(self, name: str, text: str) -> str:
        """The text in a colour of our names, or as it is."""
        return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m" if self._coloured else text

    def prefix(self, text: str, index: int) -> str:
        """The text in the index-th of the colours that tell services apart."""
        return f"\x1b[{_PREFIXES[index % len(_PREFIXES)]}m{text}\x1b[0m" if self._coloured else text

    def symbol(self, name: str) -> str:
        """`green yellow red` lights and `done`: the shape says it too, without colour. Of other lights `?`."""
        sign = _SYMBOLS.get(name, _UNKNOWN)[self._plain]
        colour = "green" if name == "done" else name
        return self.colour(colour, sign) if colour in _COLOURS else sign

    def sign(self, sign: str, plain: str) -> str:
        """A sign, or what stands for it where only ASCII is known."""
        return plain if self._plain else sign

    def dot(self) -> str:
        """What separates facts in one line."""
        return self.sign("·", "-")

    def line(self, text: str) -> None:
        """Print a line at once."""
        self.stream.write(text + "\n")
        self.stream.flush()

    def lines(self, texts: Iterable[str]) -> None:
        """Print lines with one write; nothing where there are none."""
        text = "\n".join(texts)
        if text:
            self.line(text)


def out() -> Paper:
    """Standard output."""
    return Paper(sys.stdout)


def json_line(value: object) -> None:
    """Print a value as JSON on one line of standard output, at once. In ASCII, which every terminal and pipe takes."""
    import json  # noqa: PLC0415 - only when asked for

    print(json.dumps(value), flush=True)


def plain(value: Any) -> Any:
    """A message as JSON has it: an object with the names of its fields, also inside of lists and of others."""
    if isinstance(value, list):
        return [plain(one) for one in cast("Iterable[Any]", value)]
    fields = getattr(value, "_fields", None)
    return value if fields is None else {name: plain(getattr(value, name)) for name in fields}


def safe(text: str) -> str:
    """The text without what could move or colour a terminal: it comes from services and files."""
    if text.isprintable():
        return text
    from snowfox.core.config.problem import printable  # noqa: PLC0415 - seldom

    return printable(text)


def columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows below their heads, each column as wide as its widest cell; columns without any content are left out."""
    table = list(zip(heads, *rows, strict=True))
    kept = [column for column in table if not rows or column[0] in _ALWAYS_SHOWN or any(column[1:])]
    padded = [[cell.ljust(width) for cell in column] for column in kept for width in (max(map(len, column)),)]
    return ["  ".join(row).rstrip() for row in zip(*padded, strict=True)]


def wrapped(text: str, width: int, indent: str) -> list[str]:
    """The text in lines of at most `width` columns, where words allow it, each after `indent`."""
    from textwrap import wrap  # noqa: PLC0415 - for narrow terminals only

    return wrap(text, max(width, len(indent) + 20), initial_indent=indent, subsequent_indent=indent)


def age(milliseconds: float) -> str:
    """How long ago, in the two largest units: `12s`, `4m 10s`, `3h 2m`, `3d 4h`."""
    seconds = int(max(0.0, milliseconds) // 1000)
    for size, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= size:
            rest = seconds % size // smaller
            return f"{seconds // size}{unit} {rest}{name}" if rest else f"{seconds // size}{unit}"
    return f"{seconds}s"


def clock(at: float, now: float) -> str:
    """When, on the clock of this host, both in wall clock ms: `10:02:11`, with its date unless that is today's."""
    when = time.localtime(at / 1000)
    is_today = when[:3] == time.localtime(now / 1000)[:3]
    return time.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M:%S", when)


def took(milliseconds: float) -> str:
    """How long something took: `1.9 s`, `2 m 5 s`."""
    tenths = round(milliseconds / 100)
    if tenths < 600:
        return f"{tenths / 10:.1f} s"
    return f"{tenths // 600} m {tenths % 600 // 10} s"


def count(number: int, noun: str) -> str:
    """`1 service`, `2 services`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
