"""What services on demand want of the spawner, of whichever there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from snowfox.core.promise import Promise
from snowfox.manager.connector.errand import Errands


class Knocks:
    """Has sockets watched.

    Args:
        errands: to the spawner.

    Attributes:
        sessions: how many there were with a spawner: a new one knows nothing of what came before.
    """

    def __init__(self, errands: Errands) -> None:
        self._errands = errands
        self._keys: tuple[str, ...] = ()
        self.sessions = 0

    def begin(self) -> None:
        """Another session begins: what is watched is told to it."""
        self.sessions += 1
        if self._keys:
            self._watch()

    def watch_sockets(self, keys: Sequence[str]) -> None:
        """Have the first that comes for these told, and of no others; also by spawners to come."""
        self._keys = tuple(keys)
        self._watch()

    def stirred(self, keys: Sequence[str], hear: Callable[[bool], None]) -> None:
        """Find out whether anything came for these since they were asked for last; True where nobody can know."""

        def heard(promise: Promise[list[str]]) -> None:
            hear(promise.error() is not None or bool(promise.result()))

        self._errands.give(lambda remote: remote.stirred(list(keys)), heard)

    def _watch(self) -> None:
        # What is wanted when it is sent: errands of before may come after this one.
        self._errands.give(lambda remote: remote.watch_sockets(list(self._keys)))
