"""The real kernel."""

from __future__ import annotations

from snowfox.core.posix.api import Poller, Posix
from snowfox.core.posix.linux_files import LinuxFiles, LinuxFolders
from snowfox.core.posix.linux_own import LinuxLimits, LinuxOwn, LinuxUsers
from snowfox.core.posix.linux_processes import LinuxProcesses
from snowfox.core.posix.linux_sockets import LinuxSockets
from snowfox.core.posix.linux_waiting import LinuxPoller, LinuxSignals


class LinuxPosix(Posix):
    """All groups on Linux 5.10 or later; without state of its own."""

    def __init__(self) -> None:
        self.files = LinuxFiles()
        self.folders = LinuxFolders()
        self.processes = LinuxProcesses()
        self.own = LinuxOwn()
        self.sockets = LinuxSockets()
        self.users = LinuxUsers()
        self.signals = LinuxSignals()
        self.limits = LinuxLimits()

    def poller(self) -> Poller:
        """A new epoll instance."""
        return LinuxPoller()
