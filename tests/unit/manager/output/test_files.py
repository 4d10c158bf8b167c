"""Log files: what is written, when it is put aside."""

from __future__ import annotations

from typing import Any

import pytest

from snowfox.errors import PosixError
from snowfox.manager.output.logs import Logs


def test_nothing_is_made_before_the_first_chunk(shelf: Any) -> None:
    """A service that prints nothing has no folder, no file, no descriptor; its tail is empty."""
    quiet = shelf.log()
    assert (shelf.tail(10).lines, shelf.tail(10).rest) == ([], b"")
    assert not quiet.is_open
    assert not quiet.rotate(1)
    assert list(shelf.path.iterdir()) == []


def test_rotation_cuts_at_the_end_of_a_line(shelf: Any) -> None:
    """Each file ends with a whole line, and the files beyond `keep` are gone."""
    small = shelf.log(size=10, keep=2)
    for number in range(8):
        small.append(b"line %d\n" % number, number)
    files = list(shelf.files().values())
    assert files == [b"line 2\nline 3\n", b"line 4\nline 5\n", b"line 6\nline 7\n"]


def test_files_keep_their_names(shelf: Any) -> None:
    """A file that was put aside has its number and its time for ever, also for the manager that comes next."""
    small = shelf.log(size=7, keep=9)
    for number in range(3):
        small.append(b"line %d\n" % number, 1_764_064_931_000 + number)
    names = ["00000001-20251125T100211Z", "00000002-20251125T100211Z", "current"]
    assert list(shelf.files()) == names
    small.close()
    after = Logs(shelf.posix, shelf.folder).get("web@1")
    after.limits = small.limits
    after.append(b"line 3\n", 1_764_064_999_000)
    assert list(shelf.files()) == [*names[:2], "00000003-20251125T100319Z", "current"]
    after.close()


def test_a_chunk_larger_than_a_file_is_spread_over_several(shelf: Any) -> None:
    """Nothing of a large chunk is lost by rotation."""
    chunk = b"".join(b"%04d\n" % number for number in range(500))
    shelf.log(size=100, keep=50).append(chunk, 1)
    assert b"".join(shelf.files().values()) == chunk
    assert max(map(len, shelf.files().values())) <= 105
    assert b"".join(line + b"\n" for _, line in shelf.tail(1000).lines) == chunk


def test_output_without_newlines_is_rotated_all_the_same(shelf: Any) -> None:
    """A file never outgrows its size by more than a block."""
    small = shelf.log(size=1000, keep=3)
    for _ in range(100):
        small.append(b"x" * 50_000, 1)
    assert max(map(len, shelf.files().values())) <= 1000 + (64 << 10)


def test_keep_zero_starts_over(shelf: Any) -> None:
    """With `keep = 0` only the current file is there."""
    small = shelf.log(size=5, keep=0)
    for number in range(5):
        small.append(b"line%d\n" % number, 1)
    assert set(shelf.files()) <= {"current"}


def test_a_file_of_some_age_is_put_aside_by_the_next_line(shelf: Any) -> None:
    """The first line counts, also when the manager is another one than that which wrote it."""
    daily = shelf.log(age=10.0)
    daily.append(b"one\n", 1000)
    daily.append(b"two\n", 10_999)
    daily.close()
    after = Logs(shelf.posix, shelf.folder).get("web@1")
    after.limits = daily.limits
    after.append(b"three\n", 11_000)
    assert list(shelf.files().values()) == [b"one\ntwo\n", b"three\n"]
    after.close()


def test_on_demand(shelf: Any) -> None:
    """What is there is put aside, open or not; what is empty is not."""
    some = shelf.log()
    some.append(b"one\n", 1)
    assert some.rotate(2)
    assert not some.rotate(3)
    some.append(b"two\n", 4)
    some.close()
    assert some.rotate(5)
    some.append(b"three\n", 6)
    assert list(shelf.files().values()) == [b"one\n", b"two\n", b"three\n"]


def test_append_goes_on_where_a_former_manager_ended(shelf: Any) -> None:
    """A log opened again keeps its size, so that rotation counts what was there."""
    first = shelf.log(size=16, keep=3)
    first.append(b"one\ntwo\n", 1)
    first.close()
    second = Logs(shelf.posix, shelf.folder).get("web@1")
    second.limits = first.limits
    second.append(b"three\nfour\n", 2)
    assert list(shelf.files().values()) == [b"one\ntwo\nthree\n", b"four\n"]
    second.close()


def test_files_are_not_for_everybody(shelf: Any) -> None:
    """Mode 0640 of files, 0750 of the folder."""
    shelf.log().append(b"secret\n", 1)
    assert (shelf.path / "web@1").stat().st_mode & 0o777 == 0o750
    assert (shelf.path / "web@1" / "current").stat().st_mode & 0o137 == 0


def test_a_disk_that_refuses_costs_that_chunk_only(shelf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes once it takes things again is written."""
    some = shelf.log()
    some.append(b"one\n", 1)
    real = shelf.posix.files.write

    def write(descriptor: int, data: bytes) -> int | None:
        if data == b"lost\n":
            raise PosixError("write", "current", 28)
        return real(descriptor, data)

    monkeypatch.setattr(shelf.posix.files, "write", write)
    with pytest.raises(PosixError):
        some.append(b"lost\n", 2)
    some.append(b"two\n", 3)
    assert shelf.files()["current"] == b"one\ntwo\n"
