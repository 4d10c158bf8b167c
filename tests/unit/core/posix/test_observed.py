"""Calls to the kernel, counted."""

from __future__ import annotations

import pytest

from snowfox.core.metrics import Totals, set_sink
from snowfox.core.posix.observed import Observed
from snowfox.errors import PosixError
from snowfox.testing.kernel import FakeKernel, FakePosix

NAME = "snowfox_posix_calls_total"


@pytest.fixture
def totals():
    """What is counted from now on."""
    made = Totals()
    before = set_sink(made)
    yield made
    set_sink(before)


def test_counted_by_call(totals) -> None:
    """Each call counts once under its name, with no errno where it did what it was asked."""
    posix = Observed(FakePosix(FakeKernel()))
    reader, _ = posix.files.pipe()
    assert posix.files.read(reader, 1) is None
    assert posix.files.read(reader, 1) is None
    posix.poller()
    assert totals.value(NAME, call="files.pipe", errno="") == 1
    assert totals.value(NAME, call="files.read", errno="") == 2
    assert totals.value(NAME, call="poller", errno="") == 1


def test_counted_by_errno(totals) -> None:
    """A refusal counts under its errno's name and reaches the caller as it was."""
    posix = Observed(FakePosix(FakeKernel()))
    with pytest.raises(PosixError, match="EBADF"):
        posix.files.close(77)
    assert totals.value(NAME, call="files.close", errno="EBADF") == 1
    assert totals.value(NAME, call="files.close", errno="") == 0


def test_unheard() -> None:
    """Without a sink calls go through."""
    assert Observed(FakePosix(FakeKernel())).own.pid() > 1
