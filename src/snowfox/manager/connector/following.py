"""What a service says of its main process (MAINPID), brought to the spawner, which looks whether it is true.

What else it said in the same message waits for that: who is ready is so as the process that it names.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from snowfox.core.promise import Promise
from snowfox.errors import SnowFoxError
from snowfox.manager.connector.errand import Errands
from snowfox.manager.connector.launches import Launches
from snowfox.service.event import Event, Followed


class Following:
    """Asks the spawner to follow processes.

    Args:
        errands: take the requests; they are done in order.
        launches: know the main processes.
        tell: takes events for the engine.
    """

    def __init__(self, errands: Errands, launches: Launches, tell: Callable[[Event], None]) -> None:
        self._errands = errands
        self._launches = launches
        self._tell = tell

    def follow(self, token: str, pid: int, then: Callable[[], None]) -> None:
        """Have this process followed as the main process of a launch; `then` is called once that is done, or refused."""
        if pid == self._launches.main(token):
            then()
            return
        self._errands.give(
            lambda remote: remote.follow(token, pid), partial(self._answered, token, pid, then), urgent=True
        )

    def heard_all(self, token: str) -> None:
        """Nothing more comes of a launch whose main process has ended."""
        self._errands.give(lambda remote: remote.follow(token, 0), urgent=True)

    def _answered(self, token: str, pid: int, then: Callable[[], None], promise: Promise[bool]) -> None:
        match promise.error():
            case None:
                self._launches.follow(token, pid, keeps=promise.result())
                self._tell(Followed(token, pid))
            case SnowFoxError() as error:
                self._tell(Followed(token, pid, str(error)))
            case error:
                raise error
        then()
