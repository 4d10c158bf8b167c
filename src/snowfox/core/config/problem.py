"""One thing that is wrong in a file, as a person sees it.

```text
snowfox.toml:12:1: cannot read service web: unknown key "restrt"
   12 | restrt = { when = "always" }
      | ^^^^^^ did you mean "restart"?
```
"""

from __future__ import annotations

from typing import Final

from snowfox.core.frozen import Frozen

WIDEST: Final = 100
"""Characters of a source line that are shown; of a longer one the part around the mark."""


class Problem(Frozen):
    """What is wrong, where, and what would be right.

    Args:
        text: one line, `cannot DO OBJECT: WHY`.
        hint: what would be right; "" where there is nothing to say.
        file: as the person named it; "" without a place.
        line: from 1; 0 for the file as a whole.
        column: from 1, in characters.
        source: that line of the file, without its end.
        width: characters to mark, from `column` on.
        is_warning: whether the configuration can be used all the same.
    """

    text: str
    hint: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    source: str = ""
    width: int = 1
    is_warning: bool = False

    def show(self) -> str:
        """As it is printed: one to three lines, without the last newline. Safe for a terminal."""
        text = f"warning: {self.text}" if self.is_warning else self.text
        if not self.line:
            lines = [f"{self.file}: {text}" if self.file else text]
            return "\n".join([*lines, f"   {self.hint}"] if self.hint else lines)
        source, before, width = self._excerpt()
        number = f"{self.line:5}"
        mark = f"{' ' * len(number)} | {' ' * before}{'^' * width} {self.hint}".rstrip()
        return f"{self.file}:{self.line}:{self.column}: {text}\n{number} | {source}\n{mark}"

    def _excerpt(self) -> tuple[str, int, int]:
        """(what is shown of the line, cells before the mark, cells of the mark)."""
        start = self.column - 1
        first = 0
        if len(self.source) > WIDEST:
            first = max(0, min(start - WIDEST // 4, len(self.source) - WIDEST))
        shown = printable(self.source[first : first + WIDEST])
        before = shown[: start - first]
        marked = shown[start - first : start - first + self.width]
        cut = ("… " if first else "", " …" if first + WIDEST < len(self.source) else "")
        return cut[0] + shown + cut[1], _cells(cut[0] + before), max(1, _cells(marked))


def printable(text: str) -> str:
    """The text with every character that could move or colour a terminal replaced by one that stands for itself."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else " " if letter == "\t" else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )


def quoted(text: str) -> str:
    """A word from a file in quotes, safe for a terminal and not longer than a line."""
    shown = printable(text)
    return f'"{shown}"' if len(shown) <= WIDEST else f'"{shown[: WIDEST - 1]}…"'


def counted(count: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _cells(text: str) -> int:
    """How many cells of a terminal the text takes (East Asian wide characters take two, combining ones none)."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width  # noqa: PLC0415 - 1 MB of tables, for few files

    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)
