"""Finding a node and talking to it: from here upwards to the first `.snowfox`, as git does, or where one is told."""

# pathlib costs 5 ms of import in every command.
# ruff: noqa: PTH100, PTH109, PTH112, PTH116, PTH118, PTH119, PTH120

from __future__ import annotations

import errno
import os
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from snowfox.contract.start import HOME, MANAGER_SOCKET, NODE_LOG, RUN
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Posix
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.rpc.blocking import Session, connect
from snowfox.errors import ConnectionLost, NoNode, NotPermitted, PosixError
from snowfox.values import Seconds

if TYPE_CHECKING:
    import argparse

VARIABLE = "SNOWFOX_NODE"
"""The environment variable that names a node's folder."""

_HINT = "start one: snowfox up -d  (snowfox init writes a first configuration)"


class Place(NamedTuple):
    """Where a node is: the folder of its configuration."""

    folder: str

    @property
    def home(self) -> str:
        """Its own folder."""
        return os.path.join(self.folder, HOME)


@contextmanager
def session(options: argparse.Namespace, *, timeout: Seconds = 10.0) -> Generator[Session]:
    """A session with the node that the options name, or with the one around here.

    Args:
        options: `node` is a folder or None.
        timeout: seconds until the node must have answered the greeting.

    Raises NoNode, NotPermitted.
    """
    with open_session(find(options), timeout=timeout) as opened:
        yield opened


def find(options: argparse.Namespace) -> Place:
    """The node that the options name, or the environment, or the one around here. Raises NoNode."""
    told = options.node or os.environ.get(VARIABLE)
    if told:
        return Place(project_of(os.path.abspath(told)))
    try:
        here = os.getcwd()
    except FileNotFoundError as error:
        msg = "cannot find a node: the current folder is gone"
        raise NoNode(msg, "change to another folder") from error
    folder = here
    while not os.path.isdir(os.path.join(folder, HOME)):
        above = os.path.dirname(folder)
        if above == folder:
            msg = f"cannot find a node: there is none in {here} or above it"
            raise NoNode(msg, _HINT)
        folder = above
    return Place(folder)


def project_of(path: str) -> str:
    """The folder of a configuration: `path`, or its parent when `path` is the node's own folder."""
    trimmed = path.rstrip("/") or "/"
    return os.path.dirname(trimmed) if os.path.basename(trimmed) == HOME else trimmed


@contextmanager
def open_session(place: Place, *, timeout: Seconds = 10.0) -> Generator[Session]:
    """A session with the node of this place; see `session`. Raises ConnectionLost when it ends within the block."""
    posix = LinuxPosix()
    folder = _run_folder(posix, place)
    try:
        with _connected(posix, place, folder, timeout) as opened:
            yield opened
    except ConnectionLost as error:
        msg = f"cannot go on: the node in {place.folder} ended the session"
        raise ConnectionLost(msg, f"see: snowfox status; why, says {place.home}/{NODE_LOG}") from error
    finally:
        posix.files.close(folder)


def _run_folder(posix: Posix, place: Place) -> int:
    path = os.path.join(place.home, RUN)
    try:
        return posix.files.open(path, os.O_PATH | os.O_DIRECTORY)
    except PosixError as error:
        raise _refused(place, error) from error


@contextmanager
def _connected(posix: Posix, place: Place, folder: int, timeout: Seconds) -> Generator[Session]:
    with ExitStack() as stack:
        address = f"unix:{MANAGER_SOCKET}"
        try:
            opened = stack.enter_context(connect(address, folder=folder, timeout=timeout, posix=posix))
        except PosixError as error:
            raise _refused(place, error) from error
        yield opened


def _refused(place: Place, error: PosixError) -> NoNode | NotPermitted | PosixError:
    if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ECONNREFUSED}:
        return NoNode(f"cannot reach a node in {place.folder}: none runs there", _HINT)
    if error.errno in {errno.EACCES, errno.EPERM}:
        return NotPermitted(f"cannot reach the node in {place.folder}: another user runs it", _who(place))
    return error


def _who(place: Place) -> str:
    try:
        uid = os.stat(place.home, follow_symlinks=False).st_uid
    except OSError:  # below a folder that may not be entered
        return "use it as the user who started it, or as root"
    return f"use it as uid {uid}, who started it" + ("" if uid == 0 else ", or as root")
