"""What is printed on: colour where it helps, symbols that the terminal knows, columns, times for people."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Final, TextIO

_COLOURS: Final = {"green": "32", "yellow": "33", "red": "31", "dim": "2", "bold": "1"}
_PREFIXES: Final = ("36", "35", "34", "33", "32", "31", "96", "95", "94", "93", "92", "91")
_SYMBOLS: Final = {"green": ("●", "*"), "yellow": ("◐", "~"), "red": ("✗", "!"), "done": ("✓", "+")}


class Paper:
    """A text stream and what it can show.

    Args:
        stream: where to print; colour only on a terminal and without `NO_COLOR`.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.is_terminal = stream.isatty()
        self._coloured = (
            self.is_terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        )
        self._plain = (stream.encoding or "ascii").lower().replace("-", "") != "utf8"

    def colour(self, name: str, text: str) -> str:
        """The text in a colour of our names, or as it is."""
        return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m" if self._coloured else text

    def prefix(self, text: str, index: int) -> str:
        """The text in the index-th of the colours that tell services apart."""
        return f"\x1b[{_PREFIXES[index % len(_PREFIXES)]}m{text}\x1b[0m" if self._coloured else text

    def symbol(self, name: str) -> str:
        """`green yellow red` lights and `done`: the shape says it too, without colour."""
        sign = _SYMBOLS[name][self._plain]
        return self.colour("green" if name == "done" else name, sign)

    def dot(self) -> str:
        """What separates facts in one line."""
        return "-" if self._plain else "·"

    def line(self, text: str) -> None:
        """Print a line at once, with what the stream cannot encode replaced."""
        if self._plain:
            text = text.encode("ascii", "replace").decode()
        self.stream.write(text + "\n")
        self.stream.flush()

    def lines(self, texts: Iterable[str]) -> None:
        """Print lines with one write."""
        text = "\n".join(texts)
        self.line(text)


def out() -> Paper:
    """Standard output."""
    return Paper(sys.stdout)


def columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows below their heads, each column as wide as its widest cell; columns without any content are left out."""
    kept = [
        i
        for i, head in enumerate(heads)
        if not rows or any(row[i] for row in rows) or head in {"SERVICE", "STATE"}
    ]
    widths = [max(len(heads[i]), *(len(row[i]) for row in rows)) if rows else len(heads[i]) for i in kept]
    table = [heads, *rows]
    return [
        "  ".join(row[i].ljust(width) for i, width in zip(kept, widths, strict=True)).rstrip()
        for row in table
    ]


def age(milliseconds: float) -> str:
    """How long ago, in the two largest units: `12s`, `4m 10s`, `3h 2m`, `3d 4h`."""
    seconds = int(max(0.0, milliseconds) // 1000)
    for size, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= size:
            rest = seconds % size // smaller
            return f"{seconds // size}{unit} {rest}{name}" if rest else f"{seconds // size}{unit}"
    return f"{seconds}s"


def took(milliseconds: float) -> str:
    """How long something took: `1.9 s`, `2 m 5 s`."""
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} m {int(seconds % 60)} s"


def count(number: int, noun: str) -> str:
    """`1 service`, `2 services`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
