"""All logs of a node: few of them open at once, files put aside compressed and held within a service's total."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from typing import Final

from snowfox.core.log import get
from snowfox.core.posix.api import Posix
from snowfox.errors import HostError, PosixError
from snowfox.manager.output import shelf
from snowfox.manager.output.files import InstanceLog, Place, Takes
from snowfox.manager.output.packing import pack
from snowfox.manager.output.reading import Reading
from snowfox.service.spec import Log
from snowfox.values import Seconds

MOST_OPEN: Final = 64
"""Logs that are open at once, two descriptors each."""
MOST_KNOWN: Final = 20_000
"""Logs that are known; more than a node has, of which those of before stay for a while."""
_LOCK_WITHIN: Final[Seconds] = 5.0

_log: Final = get("manager.output")


class Logs:
    """The logs by name, in any thread.

    Args:
        posix: the kernel.
        folder: descriptor of the folder of all logs; stays the caller's.
    """

    def __init__(self, posix: Posix, folder: int) -> None:
        self._posix = posix
        self._folder = folder
        self._lock = Lock()
        self._known: dict[str, InstanceLog] = {}
        self._open: dict[str, InstanceLog] = {}
        self._after = ThreadPoolExecutor(1, "log-keeper")

    def get(self, name: str) -> InstanceLog:
        """A log, whether there is anything in it or not."""
        with self._lock:
            log = self._known.get(name)
            if log is None:
                log = self._known[name] = InstanceLog(self._posix, self._folder, name, Log(), hears=self)
                if len(self._known) > MOST_KNOWN:
                    self._forget_one()
            return log

    def follow(self, name: str, follower: Takes) -> None:
        """A follower gets what comes of a log from now on."""
        log = self.get(name)
        with self._lock:
            log.followers = (*log.followers, follower)

    def unfollow(self, follower: Takes, name: str | None = None) -> None:
        """A follower gets nothing more, of this log or of any."""
        with self._lock:
            for log in self._known.values() if name is None else filter(None, (self._known.get(name),)):
                if follower in log.followers:
                    log.followers = tuple(one for one in log.followers if one is not follower)

    def reading(self, name: str, *, until: int = 0, follower: Takes | None = None) -> Reading:
        """What a log holds now; a follower gets exactly what comes after it.

        Raises PosixError, HostError when the disk does not answer.
        """
        log = self.get(name)
        return Reading(self._posix, self._folder, name, end=self._place(log, follower), until=until)

    def rotate(self, name: str, at: int) -> bool:
        """Put a file aside now; False when there is nothing in it. Raises PosixError, HostError."""
        log = self.get(name)
        self._take(log)
        try:
            return log.rotate(at)
        finally:
            log.lock.release()

    def close(self) -> None:
        """Give all descriptors back. Nothing is written any more."""
        self._after.shutdown(cancel_futures=True)
        for log in self._known.values():
            log.close()

    # As those hear it who write files

    def opened(self, log: InstanceLog) -> None:
        """The one that was not used for longest is closed where there are too many."""
        with self._lock:
            self._open[log.name] = log
            if len(self._open) <= MOST_OPEN:
                return
            oldest = min((one for one in self._open.values() if one is not log), key=lambda one: one.used)
            if not oldest.lock.acquire(blocking=False):
                return  # it is written just now; the next that opens tries again
            del self._open[oldest.name]
        try:
            oldest.close()
        finally:
            oldest.lock.release()

    def put_aside(self, log: InstanceLog, name: str) -> None:
        """Compress it, and hold the service's total, in a thread for that."""
        limits = log.limits
        if limits.compress or limits.total:
            with suppress(RuntimeError):  # all is being closed
                self._after.submit(self._look_after, log.name, name, limits)

    def _look_after(self, log: str, name: str, limits: Log) -> None:
        try:
            if limits.compress:
                pack(self._posix, self._folder, log, name)
            if limits.total:
                shelf.fit(self._posix, self._folder, log.partition("/")[0].partition("@")[0], limits.total)
        except PosixError as error:
            _log.warning("cannot look after a log", log=log, file=name, error=str(error))

    def _place(self, log: InstanceLog, follower: Takes | None) -> Place:
        self._take(log)
        try:
            place = log.place()
            if follower is not None:
                self.follow(log.name, follower)
            return place
        finally:
            log.lock.release()

    def _take(self, log: InstanceLog) -> None:
        if not log.lock.acquire(timeout=_LOCK_WITHIN):
            msg = f"cannot read the log of {log.name}: the disk did not answer for {_LOCK_WITHIN:g} s"
            raise HostError(msg)

    def _forget_one(self) -> None:
        for name, log in self._known.items():
            if name not in self._open and not log.followers:
                del self._known[name]
                return
