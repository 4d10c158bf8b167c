"""Reading a configuration from a git repository for a command: git runs as a child, as the repository's owner."""

# pathlib costs 5 ms of import in every command.
# ruff: noqa: PTH116, PTH123

from __future__ import annotations

import os
import pwd
import select
import signal
import subprocess
import time

from snowfox.core.config.source import Names, Sources
from snowfox.core.config.sources.folder import Further
from snowfox.core.config.sources.git import (
    DEADLINE,
    MOST_OUTPUT,
    Command,
    Git,
    Ran,
    reading,
    too_much,
    too_slow,
)
from snowfox.core.named import NamedTuple
from snowfox.core.tree import refusal
from snowfox.errors import errno_text


def read(path: str, ref: str, *, names: Names, shown: str, further: Further | None = None) -> Sources:
    """The configuration at a point of a repository's history.

    Args:
        path: the repository's folder, absolute.
        ref: branch, tag or commit.
        names: what its top may hold.
        shown: as the person wrote it.
        further: asked for more files once the others are read.

    Raises ConfigurationRefused.
    """
    try:
        found = os.stat(path)
    except OSError as error:
        raise refusal(shown, errno_text(error.errno or 0)) from error
    us = os.geteuid()
    if us not in {0, found.st_uid}:
        why = f"the repository belongs to uid {found.st_uid}, whose settings git would follow"
        raise refusal(shown, why, "read it as that user, or as root")
    git = Git(os.path.realpath(path), ref, found.st_uid, shown)
    user = _user(found.st_uid, found.st_gid) if us == 0 and found.st_uid != 0 else _Child(None, None, None)
    asked = reading(git, names=names, further=further)
    try:
        command = next(asked)
        while True:
            command = asked.send(_run(command, user, shown))
    except StopIteration as end:
        sources: Sources = end.value
        return sources


class _Child(NamedTuple):
    """Whom a child becomes; None: it stays who we are."""

    user: int | None
    group: int | None
    groups: list[int] | None


def _user(uid: int, gid: int) -> _Child:
    """With the groups that it has, or none but the folder's."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return _Child(uid, gid, [])
    return _Child(uid, entry.pw_gid, os.getgrouplist(entry.pw_name, entry.pw_gid))


def _run(command: Command, user: _Child, shown: str) -> Ran:
    """Run it to its end, within the bounds; what is left of it then is killed. Raises ConfigurationRefused."""
    until = time.monotonic() + DEADLINE
    try:
        child = subprocess.Popen(
            command.arguments,
            env=command.environment,
            cwd=command.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user.user,
            group=user.group,
            extra_groups=user.groups,
        )
    except OSError as error:
        raise refusal(shown, errno_text(error.errno or 0)) from error
    try:
        output = _output(child, until, shown)
        return Ran(child.wait(max(0.0, until - time.monotonic())), output)
    except subprocess.TimeoutExpired as error:
        raise too_slow(shown) from error
    finally:
        if child.returncode is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _output(child: subprocess.Popen[bytes], until: float, shown: str) -> bytes:
    """All that it prints."""
    chunks: list[bytes] = []
    total = 0
    with child.stdout or open(os.devnull, "rb") as pipe:
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        while poll.poll(max(0.0, until - time.monotonic()) * 1000):
            chunk = os.read(pipe.fileno(), 1 << 16)
            if not chunk:
                return b"".join(chunks)
            total += len(chunk)
            if total > MOST_OUTPUT:
                raise too_much(shown)
            chunks.append(chunk)
    raise too_slow(shown)
