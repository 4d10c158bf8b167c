"""A line of output that says "ready"."""

from __future__ import annotations

import pytest

from snowfox.manager.probe.printed import LONGEST, Printed


class World:
    """One who waits, and how often it was told."""

    def __init__(self, pattern: str) -> None:
        self.found = 0
        self.printed = Printed(pattern, self.tell)

    def tell(self) -> None:
        """Counted."""
        self.found += 1


@pytest.mark.parametrize("size", [1, 3, 100])
def test_the_line_is_found_however_it_comes(size: int) -> None:
    """Byte by byte or with others; once, and after that nothing is looked at."""
    world = World("listening on [0-9]+$")
    data = b"starting\nlistening on x\nnow listening on 80\r\nmore\nlistening on 81\n"
    for begin in range(0, len(data), size):
        over = world.printed.feed(data[begin : begin + size])
    assert over
    assert world.found == 1


def test_a_line_counts_when_it_is_whole() -> None:
    """`80$` is not the 8080 that has not been printed to its end."""
    world = World("80$")
    assert not world.printed.feed(b"listening on 80")
    assert not world.printed.feed(b"81\n")
    assert world.found == 0


def test_of_a_long_line_the_beginning_is_looked_at() -> None:
    """It is not kept, whatever its length; the next line is found."""
    world = World("^needle|straw needle$")
    for _ in range(100):
        world.printed.feed(b"straw " * 1000)
    assert len(world.printed._rest) <= LONGEST
    assert not world.printed.feed(b"needle\n")
    assert world.printed.feed(b"needle\n")


def test_any_bytes_can_come() -> None:
    """What is no text is looked at as far as it is."""
    world = World("caf. open")
    assert world.printed.feed(b"\xff\x00caf\xe9 open\n")
