"""Sortable ids of 128 bits, printed as 26 characters.

48 bits of wall time in milliseconds and 80 random bits, in Crockford's base 32 (the form of a ULID, github.com/ulid).
Ids of one `Ids` always grow, also within a millisecond and when the wall clock jumps back: then the next is the one
before plus a small random step. Ids of several processes are unique by their random bits. Not a secret.

`random` is not imported: it costs 5 ms, which daemon and spawner do not pay.
"""

from __future__ import annotations

import os
from typing import Final, Protocol

from snowfox.core.clock import Clock

LENGTH: Final = 26
"""Characters of an id."""

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_RANDOM: Final = 80
_LATEST: Final = (1 << 48) - 1


class Bits(Protocol):
    """A source of random bits; `random.Random` is one."""

    def getrandbits(self, k: int, /) -> int:
        """`k` random bits as a number."""
        ...


class KernelRandom:
    """Randomness of the kernel, for whoever does without `random`: the part of `random.Random` that we use."""

    def getrandbits(self, k: int, /) -> int:
        """`k` random bits as a number."""
        count = (k + 7) // 8
        return int.from_bytes(os.urandom(count), "big") >> (count * 8 - k)

    def random(self) -> float:
        """Uniform in [0, 1)."""
        return self.getrandbits(53) / (1 << 53)


def is_id(text: str) -> bool:
    """Whether it has the form of an id."""
    return len(text) == LENGTH and text[0] <= "7" and all(letter in _ALPHABET for letter in text)


class Ids:
    """A source of ids that grow.

    Args:
        clock: its wall time is the first part.
        random: `random.Random(seed)` in tests; the kernel by default.
        after: an id that all are to be greater than, such as the last one stored; "" for none.
    """

    __slots__ = ("_clock", "_last", "_prefix", "_random", "_time")

    def __init__(self, clock: Clock, random: Bits | None = None, *, after: str = "") -> None:
        self._clock = clock
        self._random: Bits = random or KernelRandom()
        self._last = _number(after) if after else 0
        self._time = -1
        self._prefix = ""

    def new(self) -> str:
        """The next id."""
        time = self._clock.wall() & _LATEST
        if time <= self._last >> _RANDOM:
            self._last += 1 + self._random.getrandbits(24)
            time = self._last >> _RANDOM
        else:
            self._last = time << _RANDOM | self._random.getrandbits(_RANDOM)
        if time != self._time:
            self._time, self._prefix = time, _text(time, 50)
        return self._prefix + _text(self._last, _RANDOM)

    __call__ = new


def new_id(clock: Clock, random: Bits | None = None) -> str:
    """One id by itself: unique, sortable by time; two of the same millisecond come in any order."""
    return Ids(clock, random).new()


def _text(value: int, bits: int) -> str:
    """The last of its bits, ten for two letters."""
    pairs = _PAIRS
    return "".join([pairs[value >> shift & 1023] for shift in range(bits - 10, -1, -10)])


def _number(text: str) -> int:
    if not is_id(text):
        msg = f'"{text}" is not an id'
        raise ValueError(msg)
    value = 0
    for letter in text:
        value = value << 5 | _ALPHABET.index(letter)
    return value
