"""Logs read back, over files and forms."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from snowfox.manager.output.packing import pack
from snowfox.manager.output.reading import LONGEST, Piece, cut


def text_of(pieces: list[Piece]) -> bytes:
    """What was printed."""
    return b"".join(piece.text + (b"" if piece.is_part else b"\n") for piece in pieces)


def test_the_last_lines_over_files_with_their_times(shelf: Any) -> None:
    """Oldest first, each with the time at which it was read."""
    small = shelf.log(size=20, keep=5)
    for number in range(6):
        small.append(b"line %d\n" % number, 1000 * (number + 1))
    assert shelf.tail(4).lines == [(3000, b"line 2"), (4000, b"line 3"), (5000, b"line 4"), (6000, b"line 5")]
    assert shelf.tail(0).lines == []
    assert len(shelf.tail(99).lines) == 6


def test_an_unfinished_line_is_told_apart(shelf: Any) -> None:
    """What follows the last newline is not a line yet, also where nothing else is there."""
    some = shelf.log()
    some.append(b"hal", 6)
    assert shelf.tail(5) == ([], b"hal", 6)
    some.append(b"f\r\nhal", 70)
    assert shelf.tail(5) == ([(6, b"half\r")], b"hal", 70)
    assert shelf.tail(0) == ([], b"hal", 70)


def test_the_end_of_a_large_file_is_exact(shelf: Any) -> None:
    """Reading back in blocks finds exactly the lines asked for."""
    shelf.log(size=10 << 20).append(b"".join(b"%07d\n" % number for number in range(200_000)), 1)
    assert [int(line) for _, line in shelf.tail(30_000).lines] == list(range(170_000, 200_000))


def test_compressed_files_are_read_as_others(shelf: Any) -> None:
    """Their last lines, their times, and what follows them."""
    some = shelf.log(size=1000, keep=9)
    for number in range(300):
        some.append(b"line %03d\n" % number, 1000 + 20 * number)
    for name in list(shelf.files())[:-1]:
        pack(shelf.posix, shelf.folder, "web@1", name)
    assert [name.endswith(".gz") for name in shelf.files()] == [True, True, False]
    tail = shelf.tail(250)
    assert [line for _, line in tail.lines] == [b"line %03d" % number for number in range(50, 300)]
    assert [at for at, _ in tail.lines] == [1000 + 20 * number for number in range(50, 300)]


def test_from_a_time_to_a_time(shelf: Any) -> None:
    """Lines of these times and no others, over files."""
    some = shelf.log(size=40, keep=99)
    for number in range(50):
        some.append(b"line %02d\n" % number, 1000 + 100 * number)
    reading = shelf.logs.reading("web@1", until=4000)
    pieces = list(reading.pieces(reading.since(2500)))
    assert text_of(pieces) == b"".join(b"line %02d\n" % number for number in range(15, 31))
    assert list(reading.pieces(reading.since(99_000))) == []


def test_what_is_written_meanwhile_is_not_told(shelf: Any) -> None:
    """A reading ends where the log ended when it began, also when that file was put aside, compressed or removed."""
    some = shelf.log(keep=2)
    some.append(b"one\ntwo\n", 1)
    readings = [shelf.logs.reading("web@1") for _ in range(4)]
    first = readings[0].first()
    some.append(b"three\n", 2)
    assert text_of(list(readings[0].pieces(first))) == b"one\ntwo\n"
    some.rotate(3)
    some.append(b"four\n", 4)
    assert text_of(list(readings[1].pieces(first))) == b"one\ntwo\n"
    pack(shelf.posix, shelf.folder, "web@1", next(iter(shelf.files())))
    assert text_of(list(readings[2].pieces(first))).startswith(b"one\ntwo\n")
    for at in range(3):
        some.rotate(5 + at)
        some.append(b"later\n", 9)
    assert text_of(list(readings[3].pieces(first))) == b""


def test_a_line_over_a_mebibyte_comes_in_parts(shelf: Any) -> None:
    """Bounded in memory, nothing lost, the next line whole."""
    line = bytes(range(1, 10)) + b"\xff" * (3 << 20)
    some = shelf.log(size=1 << 20, keep=9)
    for begin in range(0, len(line), 65536):
        some.append(line[begin : begin + 65536], 1)
    some.append(b"\nnext\n", 20)
    some.append(b"last\n", 40)
    reading = shelf.logs.reading("web@1")
    pieces = list(reading.pieces(reading.first()))
    assert max(len(piece.text) for piece in pieces) <= LONGEST
    assert text_of(pieces) == line + b"\nnext\nlast\n"
    assert shelf.tail(2).lines == [(20, b"next"), (40, b"last")]
    assert shelf.tail(3).lines[0][1] == line


def test_pieces_are_cut_between_lines() -> None:
    """Many lines come in pieces of bounded size, none of them cut apart."""
    text = b"\n".join([b"x" * 1000] * 200)
    found = list(cut(1, text))
    assert b"\n".join(piece.text for piece in found) == text
    assert not any(piece.is_part for piece in found)


@settings(max_examples=60, deadline=None)
@given(
    chunks=st.lists(
        st.binary(min_size=1, max_size=40).map(lambda data: data.replace(b"x", b"\n")), max_size=30
    ),
    size=st.integers(1, 60),
    lines=st.integers(0, 12),
    packed=st.booleans(),
)
def test_any_chunks_read_back_as_they_were_written(
    another_shelf: Any, chunks: list[bytes], size: int, lines: int, packed: bool
) -> None:
    """Whatever is cut where: all of it, and the last lines."""
    shelf = another_shelf()
    log = shelf.log(size=size, keep=1000)
    for number, chunk in enumerate(chunks):
        log.append(chunk, 100 * number + 1)
    if packed:
        for name in list(shelf.files() if chunks else ())[:-1]:
            pack(shelf.posix, shelf.folder, "web@1", name)
    whole = b"".join(chunks)
    reading = shelf.logs.reading("web@1")
    assert text_of(list(reading.pieces(reading.first()))) + reading.rest == whole
    *ended, rest = whole.split(b"\n")
    tail = shelf.tail(lines)
    assert [line for _, line in tail.lines] == ended[max(0, len(ended) - lines) :]
    assert tail.rest == rest
    shelf.close()
