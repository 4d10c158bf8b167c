"""What a session tells its shell. Plain tuples by name, because one is made for each message."""

from __future__ import annotations

from typing import Any

from snowfox.core.named import NamedTuple
from snowfox.core.trace import Trace
from snowfox.errors import SnowFoxError


class Called(NamedTuple):
    """The other end asks: answer, refuse, or for a stream send items and end it.

    `method` is `Manager.status`, `key` its idempotency key, "" without one.
    """

    request: int
    method: str
    arguments: tuple[Any, ...]
    trace: Trace | None = None
    key: str = ""


class Answered(NamedTuple):
    """A call of ours succeeded. Descriptors in the value are the receiver's to take or close."""

    request: int
    value: Any


class Failed(NamedTuple):
    """A call or stream of ours failed."""

    request: int
    error: SnowFoxError


class Item(NamedTuple):
    """A stream of ours brought an item of so many bytes; whoever reads it tells `Session.took`."""

    request: int
    value: Any
    size: int


class StreamEnded(NamedTuple):
    """A stream of ours came to its end."""

    request: int


class Withdrawn(NamedTuple):
    """A request is no longer wanted, or its time is over; what is answered now goes nowhere."""

    request: int


class Credited(NamedTuple):
    """The reader of a stream that we serve took enough: it may go on."""

    request: int


class Leaving(NamedTuple):
    """The other end takes no more requests, and answers those that it has."""


class Ended(NamedTuple):
    """The session is over; None when the other end closed it in order and nothing was open."""

    error: SnowFoxError | None


Happening = Called | Answered | Failed | Item | StreamEnded | Withdrawn | Credited | Leaving | Ended
