"""`snowfox down`."""

# pathlib costs 5 ms of import in every command.
# ruff: noqa: PTH118, PTH123

from __future__ import annotations

import argparse
import os
from typing import Final

from snowfox.cli import node, progress
from snowfox.contract.manager import Manager, Progress
from snowfox.contract.start import LOCK
from snowfox.core.clock import SystemClock
from snowfox.core.posix.api import Posix
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.rpc.blocking import Session
from snowfox.errors import ConnectionLost, DeadlineExceeded, PosixError
from snowfox.values import Seconds

LAST_STEPS: Final[Seconds] = 60.0
"""How long the node may take for its own end once all services are stopped."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("--leave", action="store_true", help="let the services run on, for the next up")
    parser.add_argument("--json", action="store_true", help="print a JSON object a line, as things happen")


def run(options: argparse.Namespace) -> int:
    """0: all is stopped, or left as it was asked for; 1: something could not be stopped in order."""
    place = node.find(options)
    posix = LinuxPosix()
    with node.open_session(place) as session:
        pidfd = daemon_of(posix, place)
        last = _stopping(session, leave=options.leave, as_json=options.json)
    if pidfd >= 0:
        await_end(posix, pidfd)
    if last is None:
        last = Progress("", "done", "the node is down", 0, last=True)
    return progress.finish(last, as_json=options.json)


def _stopping(session: Session, *, leave: bool, as_json: bool) -> Progress | None:
    """How it goes; None when the session ended before its end was told."""
    try:
        return progress.follow(session.stream(Manager.down, leave), as_json=as_json)
    except ConnectionLost:
        return None


def daemon_of(posix: Posix, place: node.Place) -> int:
    """A pidfd of the daemon that holds the lock; -1 when it cannot be seen from here. Raises PosixError."""
    try:
        with open(os.path.join(place.home, LOCK), encoding="ascii", errors="replace") as file:
            text = file.read(32).strip()
        return posix.processes.open(int(text)) if text.isdigit() else -1
    except (FileNotFoundError, PosixError):
        return -1


def await_end(posix: Posix, pidfd: int) -> None:
    """Wait until a daemon is gone, and with it its lock; closes the pidfd. Raises DeadlineExceeded."""
    poller = posix.poller()
    until = SystemClock().after(LAST_STEPS)
    try:
        poller.add(pidfd)
        while not poller.wait(max(0.0, until - SystemClock().now())):
            if SystemClock().now() >= until:
                msg = f"cannot see the node end: its daemon still runs after {LAST_STEPS:g} s"
                raise DeadlineExceeded(msg, "see .snowfox/node.log")
    finally:
        poller.close()
        posix.files.close(pidfd)
