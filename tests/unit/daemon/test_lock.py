"""One daemon per folder."""

from __future__ import annotations

import os
from errno import ENOENT
from signal import SIGKILL

from snowfox.daemon import lock
from snowfox.testing.kernel import FakeKernel, FakePosix


def home(posix: FakePosix) -> int:
    """The node's folder, opened by this process."""
    return posix.files.open("/srv/.snowfox", os.O_RDONLY | os.O_DIRECTORY)


def host() -> FakeKernel:
    """A host with a node's folder."""
    kernel = FakeKernel()
    kernel.folder("/srv/.snowfox", mode=0o700)
    return kernel


def test_the_second_learns_who_has_it() -> None:
    """A refusal names the holder's pid and what to do."""
    kernel = host()
    first, second = FakePosix(kernel), FakePosix(kernel)
    assert lock.take(first, home(first), kernel.clock).descriptor >= 0
    taken = lock.take(second, home(second), kernel.clock)
    assert taken == (-1, first.own.pid(), False)
    text = str(lock.refusal("/srv", taken.holder))
    assert text == f"cannot start a node in /srv: it runs already (daemon pid {first.own.pid()})"


def test_a_killed_holder_leaves_it_free() -> None:
    """The lock goes with the process; what it had written is no obstacle."""
    kernel = host()
    first, second = FakePosix(kernel), FakePosix(kernel)
    lock.take(first, home(first), kernel.clock)
    second.processes.signal(second.processes.open(first.own.pid()), SIGKILL)
    assert lock.take(second, home(second), kernel.clock).descriptor >= 0


def test_a_freed_lock_can_be_taken_and_names_nobody() -> None:
    """After an orderly end the file is empty and free."""
    kernel = host()
    first, second = FakePosix(kernel), FakePosix(kernel)
    lock.free(first, lock.take(first, home(first), kernel.clock))
    assert second.files.stat("/srv/.snowfox/lock").size == 0
    assert lock.take(second, home(second), kernel.clock).descriptor >= 0


def test_a_short_look_at_the_lock_does_not_refuse() -> None:
    """Whoever holds it for a moment without being a daemon delays, and no more."""
    kernel = host()
    looker, daemon = FakePosix(kernel), FakePosix(kernel)
    descriptor = looker.files.open("/srv/.snowfox/lock", os.O_RDWR | os.O_CREAT)
    assert looker.files.lock(descriptor, wait=False)
    kernel.after(0.2, lambda: looker.files.close(descriptor))
    assert lock.take(daemon, home(daemon), kernel.clock).descriptor >= 0


def test_a_holder_that_says_nothing_is_refused_after_a_second() -> None:
    """The wait has an end."""
    kernel = host()
    looker, daemon = FakePosix(kernel), FakePosix(kernel)
    descriptor = looker.files.open("/srv/.snowfox/lock", os.O_RDWR | os.O_CREAT)
    looker.files.lock(descriptor, wait=False)
    before = kernel.clock.now()
    assert lock.take(daemon, home(daemon), kernel.clock) == (-1, 0, False)
    assert 0.9 < kernel.clock.now() - before < 1.1
    assert "did not say its pid" in str(lock.refusal("/srv", 0))


def test_a_lock_that_was_removed_meanwhile_is_none() -> None:
    """Its holder was refused and took file and folder along: whoever waited must begin anew."""
    kernel = host()
    first, second, third = (FakePosix(kernel) for _ in range(3))
    held = lock.take(first, home(first), kernel.clock)
    waits, late = home(second), home(third)

    def remove() -> None:
        first.folders.remove("/srv/.snowfox/lock")
        first.files.close(held.descriptor)

    first.files.truncate(held.descriptor, 0)
    kernel.after(0.2, remove)
    assert lock.take(second, waits, kernel.clock) == (-1, 0, True)
    kernel.fail("files.open", ENOENT)  # as in a folder that was removed
    assert lock.take(third, late, kernel.clock) == (-1, 0, True)
