"""Starting a daemon, detached or in place of this process, and hearing how that goes."""

# pathlib costs 5 ms of import in every command.
# ruff: noqa: PTH100, PTH112, PTH117, PTH118, PTH120

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NoReturn

from snowfox import errors
from snowfox.contract.start import INHERITED, LONGEST_SHARED, SHARED, Early, Node, Said, said, said_line
from snowfox.core.clock import SystemClock
from snowfox.core.posix.api import Posix, Spawn
from snowfox.errors import DeadlineExceeded, HostError, PosixError, SnowFoxError
from snowfox.values import Seconds, is_secret_name

PATIENCE: Final[Seconds] = 60.0
"""How long a start may take until commands are taken."""

_BOOT: Final = os.path.join(os.path.dirname(errors.__file__), "boot.py")
_SESSION: Final = 3
"""The descriptor of its session, in the manager."""


class Pipe:
    """What a daemon says about its start; to be read by whoever started it.

    Args:
        posix: the kernel.
        descriptor: the read end, owned from now on.
    """

    def __init__(self, posix: Posix, descriptor: int) -> None:
        self._posix = posix
        self._descriptor = descriptor
        self._buffer = b""
        self._ended = False

    def next(self, patience: Seconds = PATIENCE) -> Said | None:
        """The next line; None when there will be no more. Raises DeadlineExceeded."""
        until = SystemClock().after(patience)
        poller = self._posix.poller()
        poller.add(self._descriptor)
        try:
            while b"\n" not in self._buffer and not self._ended:
                left = until - SystemClock().now()
                if left <= 0:
                    msg = f"cannot start the node: nothing was heard of its daemon for {patience:g} s"
                    raise DeadlineExceeded(msg, "see .snowfox/node.log")
                if poller.wait(left):
                    chunk = self._posix.files.read(self._descriptor, 4096)
                    self._ended = chunk == b""
                    self._buffer += chunk or b""
        finally:
            poller.close()
        line, newline, self._buffer = self._buffer.partition(b"\n")
        return said(line) if newline else None

    def rest(self) -> Iterator[Said]:
        """All lines to the end."""
        while (line := self.next()) is not None:
            yield line


def described(folder: str, configuration: str, policy: str | None, *, shown: str = "") -> Node:
    """The node of this folder, as a daemon is told.

    Args:
        folder: of the configuration.
        configuration: its main file there.
        policy: a file, or None.
        shown: what stands before the names of its files in messages.
    """
    project = os.path.realpath(folder)
    return Node(
        project=project,
        configuration=configuration,
        shown=shown,
        policy="" if policy is None else os.path.abspath(policy),
        paths=tuple(_third_party()),
    )


class Waiting:
    """A daemon that was started and touches nothing yet.

    Args:
        posix: the kernel.
        pipe: what it says.
        go: where it waits for its word; owned from now on.
    """

    def __init__(self, posix: Posix, pipe: Pipe, go: int) -> None:
        self.pipe = pipe
        self._posix = posix
        self._go = go

    def go(self, node: Node) -> Pipe:
        """Let it begin with this node's configuration. A daemon that ended already is seen by its pipe."""
        with suppress(PosixError):
            self._posix.files.write(self._go, os.fsencode(f"{node.configuration}\0{node.shown}\n"))
        self.give_up()
        return self.pipe

    def give_up(self) -> None:
        """Let it end without a word, unless it was told to begin. A second time is fine."""
        if self._go >= 0:
            self._posix.files.close(self._go)
            self._go = -1


def begin(posix: Posix, node: Node) -> Waiting:
    """Start a daemon in a session of its own, which waits for `go`. Raises PosixError."""
    reader, writer = posix.files.pipe()
    waits, go = posix.files.pipe()
    null = posix.files.open(os.devnull, os.O_RDWR)
    try:
        if posix.processes.fork() == 0:
            _begin(posix, node.replace(ready=writer, go=waits, is_detached=True), null)
    except SnowFoxError:
        posix.files.close(reader)
        posix.files.close(go)
        raise
    finally:
        for descriptor in (writer, waits, null):
            posix.files.close(descriptor)
    return Waiting(posix, Pipe(posix, reader), go)


def _begin(posix: Posix, node: Node, null: int) -> NoReturn:
    """In the fork: become the daemon. Its stderr is ours until it has its own log: what fails before would be lost."""
    try:
        posix.own.new_session()
        for number in (0, 1):
            posix.files.duplicate_to(null, number, inherited=True)
        _become(posix, node)
    except PosixError as error:
        posix.files.write(node.ready, said_line(Said("failed", 0, _unbecome(error))))
    finally:
        posix.own.leave(1)


def become(posix: Posix, node: Node) -> NoReturn:
    """Go on as the daemon, in this process. Raises HostError."""
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        _become(posix, node)
    except PosixError as error:
        raise HostError(_unbecome(error), "") from error


def _unbecome(error: PosixError) -> str:
    return f"cannot become the daemon: {error}"


def _become(posix: Posix, node: Node) -> NoReturn:
    node = node.replace(boot=_BOOT, early=_early(posix, node.replace(boot=_BOOT)))
    kept = [
        node.ready,
        node.go,
        *((node.early.session, node.early.errors) if node.early is not None else ()),
    ]
    for descriptor in kept:
        if descriptor >= 0:
            posix.files.duplicate_to(descriptor, descriptor, inherited=True)
    words = (node.python, "-I", "-S", node.boot, "daemon", *node.words())
    posix.own.execute(node.python, words, {**_environment(), **_shared()})


def _early(posix: Posix, node: Node) -> Early:
    """The manager, started now, because it needs longest; it waits for the daemon's greeting in a session of its own.

    The spawner is the daemon's to start: with two processors it would only keep the manager from one of them.
    """
    null = posix.files.open(os.devnull, os.O_RDWR)
    errors, writer = posix.files.pipe()
    ours, theirs = posix.sockets.pair()
    words = tuple(node.child_words("manager"))
    descriptors = ((null, 0), (null, 1), (writer, 2), (theirs, _SESSION))
    pid = posix.processes.spawn(Spawn(words[0], words, _environment(), descriptors, session=True))
    return Early(pid, ours, errors)


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in INHERITED if name in os.environ}


def _shared() -> dict[str, str]:
    """All else, for services that ask for some of it, under names that mean nothing to anybody."""
    return {
        f"{SHARED}{name}": value
        for name, value in os.environ.items()
        if len(value) <= LONGEST_SHARED and is_secret_name(name)
    }


def _third_party() -> list[str]:
    """Where this program finds other packages: its path without the standard library and the script's folder."""
    library = os.path.dirname(os.__file__)
    known = {library, os.path.join(library, "lib-dynload"), os.path.dirname(os.path.dirname(_BOOT))}
    # Without -P or -I the first entry is the folder of the script, or the current one: nobody's choice.
    entries = sys.path if sys.flags.safe_path else sys.path[1:]
    return [path for path in entries if os.path.isabs(path) and path not in known and os.path.isdir(path)]
