"""What services left behind, on the fake kernel."""

from __future__ import annotations

from snowfox.daemon.strays import end_strays
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.values import Exit


def test_children_are_killed_and_reaped() -> None:
    """All that the kernel names; who is gone already is passed over."""
    kernel = FakeKernel()
    posix = FakePosix(kernel)
    pid = posix.own.pid()
    left = [kernel.begin(parent=pid, ids=posix.own.ids()) for _ in range(2)]
    stranger = kernel.begin(parent=1, ids=posix.own.ids())
    named = " ".join(str(each) for each in (*(one.pid for one in left), 99999))
    kernel.write(f"/proc/self/task/{pid}/children", named.encode())
    end_strays(posix, kernel.clock)
    assert [one.exit for one in left] == [Exit(None, 9)] * 2
    assert all(one.pid not in kernel.processes for one in left)
    assert stranger.exit is None


def test_where_nobody_is_named() -> None:
    """A kernel without that file: nothing is done."""
    kernel = FakeKernel()
    posix = FakePosix(kernel)
    child = kernel.begin(parent=posix.own.pid(), ids=posix.own.ids())
    end_strays(posix, kernel.clock)
    assert child.exit is None
