"""One process's view of the fake kernel."""

from __future__ import annotations

from snowfox.core.posix.api import Ids, Poller, Posix
from snowfox.core.posix.refusal import refused
from snowfox.testing.kernel.fake_files import FakeFiles, FakeFolders
from snowfox.testing.kernel.fake_own import FakeLimits, FakeOwn, FakeUsers
from snowfox.testing.kernel.fake_poller import FakePoller
from snowfox.testing.kernel.fake_processes import FakeProcesses, FakeSignals
from snowfox.testing.kernel.fake_sockets import FakeSockets
from snowfox.testing.kernel.kernel import FakeKernel
from snowfox.testing.kernel.process import FakeProcess


class FakePosix(Posix):
    """A process on a fake kernel, with 0, 1 and 2 on /dev/null.

    Args:
        kernel: the host.
        uid: its user, whose groups it has; a number that nobody has is alone in a group of that number.
        parent: the pid of its parent; 1 is the init.
        pid: 1 takes init's place, who then reaps no more by itself. Any other: that process, which exists.
        process: a process that exists: what `fork` or `spawn` made.
    """

    def __init__(
        self,
        kernel: FakeKernel,
        *,
        uid: int = 0,
        parent: int = 1,
        pid: int | None = None,
        process: FakeProcess | None = None,
    ) -> None:
        self.kernel = kernel
        if process is None and pid is not None:
            process = kernel.processes[pid]
        if process is None:
            process = kernel.begin(parent=parent, ids=_ids(kernel, uid))
            process.session = process.group = process.pid
        if not process.descriptors:
            kernel.standard(process)
        process.reaps_alone = False
        self.process = process
        self.files = FakeFiles(kernel, process)
        self.folders = FakeFolders(kernel, process)
        self.processes = FakeProcesses(kernel, process)
        self.own = FakeOwn(kernel, process)
        self.sockets = FakeSockets(kernel, process)
        self.users = FakeUsers(kernel)
        self.signals = FakeSignals(kernel, process)
        self.limits = FakeLimits(kernel, process)

    def poller(self) -> Poller:
        """A new poller."""
        try:
            return FakePoller(self.kernel, self.process)
        except OSError as error:
            raise refused("make a poller", "", error) from error


def _ids(kernel: FakeKernel, uid: int) -> Ids:
    for user in kernel.users.values():
        if user.uid == uid:
            return Ids(uid, user.gid, tuple(sorted(kernel.memberships[user.name])))
    return Ids(uid, uid, (uid,))
