"""The order of a spawner that was started before its daemon: it comes over the session, before anything else.

Nothing is touched until then. What is left on the socket after it is the session.
"""

from __future__ import annotations

from typing import Final

from snowfox.contract.start import ORDER_HEAD, ordered
from snowfox.core.clock import Clock
from snowfox.core.posix.api import Posix
from snowfox.values import Seconds

PATIENCE: Final[Seconds] = 120.0
"""How long a daemon may wait for its own word and open its folders."""

_CLEAR: Final = 16
"""Above every number that is given a meaning."""


def await_order(posix: Posix, clock: Clock, session: int, numbers: tuple[int, ...]) -> list[str] | None:
    """The words, once all descriptors have their numbers; None when no order comes. Raises PosixError.

    Args:
        posix: the kernel.
        clock: for the patience.
        session: the socket.
        numbers: what the descriptors are to become, in the order in which they come.
    """
    until = clock.after(PATIENCE)
    given: list[int] = []

    def take(size: int) -> bytes:
        """So many bytes; fewer when the other end is gone or took too long."""
        content = b""
        while len(content) < size and (left := until - clock.now()) > 0:
            received = posix.sockets.receive(session, size - len(content), most=len(numbers))
            if received is None:
                _wait(posix, session, left)
                continue
            given.extend(received.descriptors)
            if not received.data:
                break
            content += received.data
        return content

    head = take(ORDER_HEAD)
    size = int.from_bytes(head, "big")
    body = take(size)
    if len(head) < ORDER_HEAD or len(body) < size or len(given) != len(numbers):
        return None
    # Two steps: a number may be another's that has not got its own yet.
    for descriptor, number in [
        (_moved(posix, one), number) for one, number in zip(given, numbers, strict=True)
    ]:
        posix.files.duplicate_to(descriptor, number, inherited=False)
        posix.files.close(descriptor)
    return ordered(body)


def _wait(posix: Posix, descriptor: int, seconds: Seconds) -> None:
    poller = posix.poller()
    try:
        poller.add(descriptor)
        poller.wait(seconds)
    finally:
        poller.close()


def _moved(posix: Posix, descriptor: int) -> int:
    moved = posix.files.duplicate(descriptor, least=_CLEAR)
    posix.files.close(descriptor)
    return moved
