"""Readiness by a line of output: looked for in what a launch prints, until it comes.

Who reads the output feeds it, in whichever thread that is. Whole lines are looked at, of a longer one its first bytes
alone: so what is kept is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

LONGEST: Final = 8 << 10
"""Bytes of a line that are looked at."""


class Printed:
    """Waits for a line.

    Args:
        pattern: a regular expression that is to match anywhere in it.
        found: called once, by whoever feeds.
    """

    def __init__(self, pattern: str, found: Callable[[], None]) -> None:
        self._pattern = re.compile(pattern)
        self._found = found
        self._rest = b""
        self._is_over = False

    def feed(self, data: bytes) -> bool:
        """What was printed next; whether the line has come, now or before."""
        if self._is_over:
            return True
        first, *others = data.split(b"\n")
        lines = [self._rest + first[: LONGEST - len(self._rest)], *others]
        self._rest = lines.pop()[:LONGEST]
        self._is_over = any(
            self._pattern.search(line[:LONGEST].decode(errors="replace").rstrip("\r")) for line in lines
        )
        if self._is_over:
            self._found()
        return self._is_over
