"""Frames: what the bytes of a session are.

A frame is a header of 16 bytes, big endian, and a body:

```text
u32 length of the body, at most 1 MiB
u8  kind
u8  descriptors that come with it (SCM_RIGHTS, with its first byte)
u16 method, the caller's own number of it (CALL, DEFINE)
u32 request, the caller's number of it, from 1; 0 where there is none
u32 milliseconds that are left (CALL; 0: none said); bytes of credit (CREDIT)
```

A fixed header costs a quarter of a MessagePack envelope. Descriptors come with the first byte of their frame: the
kernel ends a read after a message that had descriptors (unix(7)), so they never come late, and what is left over when
no frame is under way belongs to none.
"""

from __future__ import annotations

import struct
from typing import Final

from snowfox.errors import ProtocolError

HEADER: Final = struct.Struct(">IBBHII")
SIZE: Final = HEADER.size
LIMIT: Final = 1 << 20
"""Bytes of the longest body."""

WINDOW: Final = 256 << 10
"""Bytes of a stream's items, headers included, that may be under way or wait for their reader."""

MOST_DESCRIPTORS: Final = 253
"""SCM_MAX_FD: what the kernel passes in one message."""

READ: Final = 64 << 10
"""Bytes that a shell reads at once."""

MOST_READS: Final = 16
"""Reads of a turn, so that one busy peer does not keep a loop from its others."""

HELLO: Final = 0  # both, first: message.Hello
DEFINE: Final = 1  # the caller: number, name and digest of a method that it is about to call
CALL: Final = 2  # arguments
TRACED: Final = 3  # a CALL whose body begins with a trace
ANSWER: Final = 4  # the result
FAILURE: Final = 5  # message.failure instead of a result, or a stream's end by an error
ITEM: Final = 6  # one of a stream
END: Final = 7  # of a stream
CANCEL: Final = 8  # the caller no longer wants it; it is answered by FAILURE all the same
CREDIT: Final = 9  # the caller took so many bytes of a stream's items
PING: Final = 10
PONG: Final = 11
GOODBYE: Final = 12  # the last one: empty, or message.failure
KEYED: Final = 13  # a CALL whose body begins with a trace and an idempotency key
DRAIN: Final = 14  # we take no more requests, and answer those that we have
LAST: Final = DRAIN

Frame = tuple[int, int, int, int, tuple[int, ...], bytes]
"""kind, method, request, number, descriptors, body. A plain tuple: one is made for each message."""


class Frames:
    """Puts frames together from bytes as they come. Holds at most one unfinished frame.

    Args:
        passes: whether descriptors can come; where they cannot, frames are let through without those that they announce:
            the kernel closed them, and what they were for is refused.

    Descriptors in `descriptors` were received and belong to no frame yet; whoever ends the session closes them.
    """

    __slots__ = ("_have", "_need", "_passes", "_pieces", "descriptors")

    def __init__(self, *, passes: bool = True) -> None:
        self._passes = passes
        self.descriptors: list[int] = []
        self._pieces: list[bytes] = []
        self._have = 0
        self._need = 0

    def feed(self, data: bytes, descriptors: tuple[int, ...] = ()) -> list[Frame]:
        """Frames that are complete now.

        Raises ProtocolError for a wrong header and for descriptors that belong to no frame. Frames before the wrong
        one are lost, and their descriptors are in `descriptors`: the session ends anyway.
        """
        if descriptors:
            self.descriptors.extend(descriptors)
        frames: list[Frame] = []
        at = 0
        if self._pieces:
            at = self._need - self._have
            if len(data) < at:
                self._pieces.append(data)
                self._have += len(data)
                self._check_waiting(0)
                return frames
            if self._need > SIZE and not self.descriptors:  # of a long frame no more is joined than itself
                self._pieces.append(data[:at])
                self._cut(b"".join(self._pieces), 0, frames)
            else:
                data, at = b"".join((*self._pieces, data)), 0
            self._pieces.clear()
        at = self._cut(data, at, frames)
        if at < len(data):
            self._pieces.append(data[at:] if at else data)
            self._have = len(data) - at
        elif self.descriptors:
            for one in frames:
                self.descriptors.extend(one[4])
            raise _stray()
        return frames

    def _cut(self, data: bytes, at: int, frames: list[Frame]) -> int:
        size = len(data)
        given = self.descriptors
        taken = 0
        self._need = SIZE
        while size - at >= SIZE:
            length, kind, count, method, request, number = HEADER.unpack_from(data, at)
            if length > LIMIT or kind > LAST or count > MOST_DESCRIPTORS:
                text = f"a frame of kind {kind} with {length} bytes and {count} descriptors"
                raise ProtocolError(text)
            end = at + SIZE + length
            if end > size:
                self._need = SIZE + length
                if given:
                    self._check_waiting(taken, count)
                break
            mine: tuple[int, ...] = ()
            if count and self._passes:
                mine = tuple(given[taken : taken + count])
                taken += count
                if len(mine) < count:
                    text = f"a frame announced {count} descriptors and came with {len(mine)}"
                    raise ProtocolError(text)
            frames.append((kind, method, request, number, mine, data[at + SIZE : end]))
            at = end
        if taken:
            del given[:taken]
        return at

    def _check_waiting(self, taken: int, count: int = MOST_DESCRIPTORS) -> None:
        if len(self.descriptors) - taken > count:
            raise _stray()


def _stray() -> ProtocolError:
    return ProtocolError("descriptors where none belong")
