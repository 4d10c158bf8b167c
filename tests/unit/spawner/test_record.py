"""The folder of records, on the fake kernel."""

from __future__ import annotations

import errno

import pytest

from snowfox.errors import PosixError
from snowfox.testing.launches import TOKEN, Bench
from snowfox.values import Exit


def test_create_is_exclusive(bench: Bench) -> None:
    """A token that was launched before cannot be launched again."""
    bench.records.create(TOKEN, [])
    with pytest.raises(PosixError) as caught:
        bench.records.create(TOKEN, [])
    assert caught.value.errno == errno.EEXIST


def test_settled_waits_for_the_lock(bench: Bench) -> None:
    """While a child holds the record it is not settled."""
    record = bench.records.create(TOKEN, ["a=b"])
    assert bench.records.settled(TOKEN) is None
    bench.posix.files.close(record)
    found = bench.records.settled(TOKEN)
    assert found is not None
    assert found.sockets == ("a=b",)


def test_full_disk_leaves_no_record(bench: Bench) -> None:
    """A record whose first line cannot be written is not left behind."""
    bench.kernel.fail("files.write", errno.ENOSPC)
    with pytest.raises(PosixError):
        bench.records.create(TOKEN, ["a=b"])
    assert bench.names() == []


def test_gone_is_fine(bench: Bench) -> None:
    """What is gone can be removed and read: it says nothing."""
    bench.records.remove(TOKEN)
    assert bench.records.read(TOKEN).started is None
    assert bench.records.open_output(TOKEN) is None


def test_out_of_descriptors(bench: Bench) -> None:
    """With none left a record is still read and written, in the place of the one that is kept for that."""
    bench.posix.files.close(bench.records.create(TOKEN, ["a=b"]))
    soft, hard = bench.posix.limits.get("NOFILE")
    bench.posix.limits.set("NOFILE", len(bench.posix.process.descriptors), hard)
    for _ in range(2):
        assert bench.records.read(TOKEN).sockets == ("a=b",)
        found = bench.records.settled(TOKEN)
        assert found is not None
    bench.records.write_exit(TOKEN, Exit(3), 7)
    assert bench.records.read(TOKEN).exit == Exit(3)
    bench.posix.limits.set("NOFILE", soft, hard)


def test_half_a_line_is_none(bench: Bench) -> None:
    """Where the disk takes a part of a line, there is no record: the next line would be spoiled."""
    bench.kernel.fail("files.write", errno.ENOSPC)
    with pytest.raises(PosixError):
        bench.records.create(TOKEN, [], "0af9")
    assert bench.names() == []
