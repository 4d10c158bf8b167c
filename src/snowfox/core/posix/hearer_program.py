"""The program of a process that gets signals in another's place: it writes the number of each, a byte, to its output.

Executed as a file, `hearer_program.py NUMBER...`, by `spawner.hearer`; a zero byte comes when it hears, and it ends with its
input. It loads nothing of ours.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType


def main(numbers: Sequence[str]) -> None:
    """Hear until the input ends. The output is non-blocking: what there is no room for is left out."""
    for number in numbers:
        signal.signal(int(number), _hear)
    signal.set_wakeup_fd(1, warn_on_full_buffer=False)
    os.write(1, b"\0")
    while os.read(0, 1):
        pass


def _hear(_number: int, _frame: FrameType | None) -> None:
    """The number is written as the signal comes (signal.set_wakeup_fd)."""


if __name__ == "__main__":
    main(sys.argv[1:])
