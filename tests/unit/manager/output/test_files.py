"""Log files of an instance: rotation and reading back."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from snowfox.core.posix.linux import LinuxPosix
from snowfox.manager.output.files import InstanceLog
from snowfox.service.spec import Log


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    """An open folder for logs."""
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def log(folder: int, *, size: int = 1 << 20, keep: int = 5) -> InstanceLog:
    """A log of web@1."""
    return InstanceLog(LinuxPosix(), folder, "web@1", Log(size=size, keep=keep))


def test_nothing_is_made_before_the_first_chunk(folder: int, tmp_path: Path) -> None:
    """A service that prints nothing has no folder, no file, no descriptor; its tail is empty."""
    quiet = log(folder)
    tail = quiet.tail(10)
    assert (tail.lines, tail.rest) == ([], b"")
    assert not quiet.is_open
    assert list(tmp_path.iterdir()) == []


def test_rotation_cuts_at_the_end_of_a_line(folder: int, tmp_path: Path) -> None:
    """Each file ends with a whole line, and the files beyond `keep` are gone."""
    small = log(folder, size=10, keep=2)
    for number in range(8):
        small.append(b"line %d\n" % number, number)
    files = {path.name: path.read_bytes() for path in (tmp_path / "web@1").iterdir()}
    contents = {name: text for name, text in files.items() if not name.endswith(".index")}
    assert set(contents) <= {"current", "current.1", "current.2"}
    assert all(text.endswith(b"\n") for text in contents.values())
    assert contents["current.1"] + contents.get("current", b"") == b"line 4\nline 5\nline 6\nline 7\n"


def test_a_chunk_larger_than_a_file_is_spread_over_several(folder: int, tmp_path: Path) -> None:
    """Nothing of a large chunk is lost by rotation."""
    small = log(folder, size=100, keep=50)
    chunk = b"".join(b"%04d\n" % number for number in range(500))
    small.append(chunk, 1)
    tail = small.tail(1000)
    assert b"".join(line + b"\n" for _, line in tail.lines) == chunk
    assert max(path.stat().st_size for path in (tmp_path / "web@1").glob("current*[0-9]")) <= 105


def test_output_without_newlines_is_rotated_all_the_same(folder: int, tmp_path: Path) -> None:
    """A file never outgrows its size by more than a block."""
    small = log(folder, size=1000, keep=3)
    for _ in range(100):
        small.append(b"x" * 50_000, 1)
    sizes = [path.stat().st_size for path in (tmp_path / "web@1").iterdir()]
    assert max(sizes) <= 1000 + (64 << 10)


def test_keep_zero_starts_over(folder: int, tmp_path: Path) -> None:
    """With `keep = 0` only the current file is there."""
    small = log(folder, size=5, keep=0)
    for number in range(5):
        small.append(b"line%d\n" % number, 1)
    names = {path.name for path in (tmp_path / "web@1").iterdir()}
    assert names <= {"current", "current.index"}


def test_tail_reads_over_rotated_files_with_times(folder: int) -> None:
    """The last lines come oldest first with the times at which they were read, over all files."""
    small = log(folder, size=20, keep=5)
    for number in range(6):
        small.append(b"line %d\n" % number, 1000 * (number + 1))
    assert small.tail(4).lines == [
        (3000, b"line 2"),
        (4000, b"line 3"),
        (5000, b"line 4"),
        (6000, b"line 5"),
    ]


def test_tail_tells_an_unfinished_line_apart(folder: int) -> None:
    """What follows the last newline is not a line yet."""
    some = log(folder)
    some.append(b"whole\r\nhal", 7)
    tail = some.tail(5)
    assert tail.lines == [(7, b"whole\r")]
    assert (tail.rest, tail.rest_at) == (b"hal", 7)


def test_tail_of_a_large_file_is_exact(folder: int) -> None:
    """Reading back in growing blocks finds exactly the lines asked for."""
    large = log(folder, size=10 << 20)
    large.append(b"".join(b"%07d\n" % number for number in range(200_000)), 1)
    assert [int(line) for _, line in large.tail(30_000).lines] == list(range(170_000, 200_000))


def test_append_goes_on_where_a_former_manager_ended(folder: int) -> None:
    """A log closed and opened again keeps its size, so that rotation counts what was there."""
    first = log(folder, size=16, keep=3)
    first.append(b"one\ntwo\n", 1)
    first.close()
    second = log(folder, size=16, keep=3)
    second.append(b"three\nfour\n", 2)
    assert [line for _, line in second.tail(9).lines] == [b"one", b"two", b"three", b"four"]


def test_files_are_not_for_everybody(folder: int, tmp_path: Path) -> None:
    """Mode 0640 of files, 0750 of the folder."""
    some = log(folder)
    some.append(b"secret\n", 1)
    some.close()
    assert (tmp_path / "web@1").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "web@1" / "current").stat().st_mode & 0o137 == 0
