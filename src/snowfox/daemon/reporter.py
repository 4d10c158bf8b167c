"""How whoever started the daemon learns how that went: lines on a pipe, as `contract.start` says."""

from __future__ import annotations

from snowfox.contract.start import Said, said_line
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError


class Reporter:
    """Writes to the pipe, if there is one.

    Args:
        posix: the kernel.
        pipe: its write end; -1: nobody listens.
    """

    def __init__(self, posix: Posix, pipe: int) -> None:
        self._posix = posix
        self._pipe = pipe

    @property
    def is_heard(self) -> bool:
        """Whether somebody may still listen."""
        return self._pipe >= 0

    def listening(self, pid: int) -> None:
        """The node can be connected to."""
        self._write(Said("listening", pid))

    def busy(self, holder: int) -> None:
        """Another daemon runs here."""
        self._write(Said("busy", holder))
        self.close()

    def report(self, word: str, text: str = "", hint: str = "") -> None:
        """The end of the start: `up`, or `failed` with what to show."""
        self._write(Said(word, 0, text, hint))
        self.close()

    def close(self) -> None:
        """Nothing more will be said."""
        if self._pipe >= 0:
            self._posix.files.close(self._pipe)
            self._pipe = -1

    def _write(self, said: Said) -> None:
        if self._pipe < 0:
            return
        try:
            self._posix.files.write(self._pipe, said_line(said))
        except PosixError:  # whoever started us is gone, and the node does not depend on that
            self.close()
