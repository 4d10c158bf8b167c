"""What is done with files that were put aside."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from snowfox.errors import HostError
from snowfox.manager.output import logs


def settled(shelf: Any) -> None:
    """Wait for the thread that looks after files."""
    shelf.logs._after.submit(int).result(10)


def test_files_that_were_put_aside_are_compressed(shelf: Any) -> None:
    """As zcat reads them; the current one stays as it is, and `keep` counts both forms."""
    some = shelf.log(size=100, keep=2, compress=True)
    for number in range(50):
        some.append(b"line %02d\n" % number, number)
        settled(shelf)
    names = list(shelf.files())
    assert [name[-3:] for name in names] == [".gz", ".gz", "ent"]
    text = b"".join(gzip.decompress(shelf.files()[name]) for name in names[:2]) + shelf.files()["current"]
    assert text.splitlines() == [b"line %02d" % number for number in range(50 - len(text) // 8, 50)]


def test_a_service_stays_within_its_total(shelf: Any) -> None:
    """All instances and streams together; the oldest files go, whoever wrote them, and no other service's."""
    stranger = shelf.log("webs", size=100, keep=99)
    for number in range(40):
        stranger.append(b"%08d\n" % number, number)
    writers = [shelf.log(f"web@{number}", size=100, keep=99, total=2000) for number in (1, 2)]
    writers.append(shelf.log("web@1/errors", size=100, keep=99, total=2000))
    for number in range(300):
        writers[number % 3].append(b"%08d\n" % number, 10_000 + number)
        settled(shelf)
    used = sum(path.stat().st_size for path in shelf.path.glob("web@*/**/*") if path.is_file())
    assert 1000 < used <= 2100
    assert len(list(shelf.path.glob("webs/*"))) >= 6
    assert shelf.tail(1, "web@1/errors").lines[0][1] == b"%08d" % 299


def test_a_disk_that_does_not_answer_is_told(shelf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads a log that hangs waits only so long."""
    monkeypatch.setattr(logs, "_LOCK_WITHIN", 0.01)
    with shelf.log().lock, pytest.raises(HostError, match="did not answer"):
        shelf.logs.reading("web@1")
