"""The pipe to whoever started us, and the manager's stderr."""

from __future__ import annotations

import os
from errno import ENOSPC

from snowfox.contract.start import Said, said
from snowfox.daemon import ear
from snowfox.daemon.reporter import Reporter
from snowfox.testing.kernel import FakeKernel, FakePosix


def test_lines_then_the_end() -> None:
    """Listening, up, and the pipe is closed."""
    posix = FakePosix(FakeKernel())
    reader, writer = posix.files.pipe()
    reporter = Reporter(posix, writer)
    reporter.listening(812)
    assert reporter.is_heard
    reporter.report("up")
    assert not reporter.is_heard
    lines = (posix.files.read(reader, 4096) or b"").splitlines()
    assert [said(line) for line in lines] == [Said("listening", 812), Said("up")]
    assert posix.files.read(reader, 4096) == b""


def test_nobody_listens() -> None:
    """A reader that went away, and none at all, are both fine."""
    posix = FakePosix(FakeKernel())
    reader, writer = posix.files.pipe()
    posix.files.close(reader)
    for pipe in (writer, -1):
        reporter = Reporter(posix, pipe)
        reporter.listening(1)
        assert not reporter.is_heard
        reporter.report("failed", "x")


def test_the_managers_words_reach_the_log_up_to_a_bound(monkeypatch) -> None:
    """What it says is copied; the bound is shared with the managers after it, and comes back with time."""
    monkeypatch.setattr(ear, "MOST", 10)
    kernel = FakeKernel()
    posix = FakePosix(kernel)
    log = posix.files.open("/log", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    reader, writer = posix.files.pipe()
    allowance = ear.Allowance(posix)
    one = ear.Ear(posix, reader, log, allowance)
    for words in (b"12345", b"6789012345", b"more"):
        posix.files.write(writer, words)
        assert one.hear()
    assert posix.files.read_at(log, 100, offset=0) == b"123456789012345"
    after, said_by_next = posix.files.pipe()
    posix.files.write(said_by_next, b"next")
    following = ear.Ear(posix, after, log, allowance)
    assert following.hear()
    assert posix.files.read_at(log, 100, offset=0) == b"123456789012345"
    kernel.clock.advance(10)
    posix.files.write(said_by_next, b"later")
    assert following.hear()
    assert posix.files.read_at(log, 100, offset=15) == b"later"
    assert one.hear()  # nothing there now is not the end
    posix.files.close(writer)
    assert not one.hear()
    one.close()


def test_a_full_disk_does_not_stop_the_daemon() -> None:
    """The manager's words are lost, and nothing else."""
    kernel = FakeKernel()
    posix = FakePosix(kernel)
    log = posix.files.open("/log", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    reader, writer = posix.files.pipe()
    one = ear.Ear(posix, reader, log, ear.Allowance(posix))
    posix.files.write(writer, b"words")
    kernel.fail("files.write", ENOSPC, descriptor=log)
    assert one.hear()
