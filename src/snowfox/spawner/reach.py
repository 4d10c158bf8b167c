"""Whether a user can get to a file, judged by the permission bits on the way: which folder stops it, by name.

Only used to explain before anything starts (`verify`): the launch itself becomes the user first and lets the kernel
decide. So access control lists and security modules are not looked at; where one of them lets a user in that the bits do
not, add the bit.
"""

from __future__ import annotations

import os
from posixpath import dirname, join
from stat import S_ISDIR, S_ISLNK, S_ISREG
from typing import Final

from snowfox.core.posix.api import Ids, Posix, Stat
from snowfox.errors import PosixError, errno_text

_READ, _EXECUTE = 4, 1
_MOST_LINKS: Final = 40
_MOST_PARTS: Final = 1000  # folders of a PATH that are looked at
_ENOENT, _EACCES, _ENOTDIR, _ELOOP = 2, 13, 20, 40


class Blocked(Exception):
    """The way ends: `why` is half a sentence, which names the place unless it is the way's end; `errno` the kernel's."""

    def __init__(self, why: str, errno: int) -> None:
        super().__init__(why)
        self.why = why
        self.errno = errno


def may(found: Stat, ids: Ids, wanted: int) -> bool:
    """Whether permission bits give `wanted` (4 read, 2 write, 1 execute) to these ids (path_resolution(7))."""
    if ids.uid == 0:
        return wanted != _EXECUTE or S_ISDIR(found.mode) or found.mode & 0o111 != 0
    if found.uid == ids.uid:
        return found.mode >> 6 & wanted == wanted
    if found.gid == ids.gid or found.gid in ids.groups:
        return found.mode >> 3 & wanted == wanted
    return found.mode & wanted == wanted


class Judge:
    """What one user may; all that `walk` and the problems below want to know about the user is asked here.

    Args:
        ids: the user's.
    """

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._asked: list[tuple[Stat, int, bool]] = []

    def may(self, found: Stat, wanted: int) -> bool:
        """See `may`."""
        answer = may(found, self._ids, wanted)
        self._asked.append((found, wanted, answer))
        return answer

    def holds_for(self, ids: Ids) -> bool:
        """Whether this user would get all the answers that were given here: then what was found out is true for it, too."""
        return all(may(found, ids, wanted) is answer for found, wanted, answer in self._asked)


def walk(posix: Posix, path: str, judge: Judge) -> Stat:
    """Follow an absolute path as the user would, links too. Returns what is at its end. Raises Blocked."""
    left = [part for part in reversed(path.split("/")) if part not in {"", "."}]
    end = f"/{'/'.join(reversed(left))}"
    here, links = "/", 0
    found = _stat(posix, "/", end)
    while left:
        if not S_ISDIR(found.mode):
            raise Blocked(f"{here} is not a folder", _ENOTDIR)
        if not judge.may(found, _EXECUTE):
            raise Blocked(f"{here} does not let it in", _EACCES)
        part = left.pop()
        following = dirname(here) if part == ".." else join(here, part)
        found = _stat(posix, following, end)
        if not S_ISLNK(found.mode):
            here = following
            continue
        links += 1
        if links > _MOST_LINKS:
            raise Blocked(errno_text(_ELOOP), _ELOOP)
        target = posix.files.link_target(following)
        left.extend(word for word in reversed(target.split("/")) if word not in {"", "."})
        if target.startswith("/"):
            here = "/"
        found = _stat(posix, here, end)
    return found


def folder_problem(posix: Posix, folder: str, judge: Judge, user: str) -> str | None:
    """Why this user cannot have this as its folder: half a sentence, or None."""
    try:
        found = walk(posix, folder, judge)
    except Blocked as blocked:
        return f"user {user} cannot reach folder {folder}: {blocked.why}"
    if not S_ISDIR(found.mode):
        return f"user {user} cannot reach folder {folder}: it is not a folder"
    if not judge.may(found, _EXECUTE):
        return f"user {user} cannot reach folder {folder}: its mode is {found.mode & 0o7777:04o}"
    return None


def program_problem(
    posix: Posix, program: str, judge: Judge, *, user: str, path: str, folder: str
) -> str | None:
    """Why this user cannot execute this program, looked for in `path` (PATH) when it has no `/`: half a sentence, or None.

    `folder` is what relative paths start from.
    """
    if "/" in program:
        return _file_problem(posix, join(folder, program.removeprefix("./")), judge, user)
    problem = None
    for part in path.split(":", _MOST_PARTS)[:_MOST_PARTS] if path else ():
        candidate = join(folder, part, program)
        try:
            posix.files.stat(candidate, follow=True)
        except PosixError:
            continue
        problem = _file_problem(posix, candidate, judge, user)
        if problem is None:
            return None
    if problem is not None:
        return problem
    return f"no program {program} in PATH ({path or 'empty'})"


def _file_problem(posix: Posix, program: str, judge: Judge, user: str) -> str | None:
    try:
        found = walk(posix, program, judge)
    except Blocked as blocked:
        if blocked.errno == _ENOENT:
            return f"no program {program}: {blocked.why}"
        return f"user {user} cannot reach {program}: {blocked.why}"
    if not S_ISREG(found.mode):
        return f"{program} is not a file"
    if not judge.may(found, _EXECUTE):
        return f"user {user} cannot execute {program}: its mode is {found.mode & 0o7777:04o}"
    return _interpreter_problem(posix, program, judge, user=user, found=found)


def _interpreter_problem(posix: Posix, program: str, judge: Judge, *, user: str, found: Stat) -> str | None:
    """A script names the program that runs it (execve(2)); the kernel's own error names only the script."""
    first = _first_bytes(posix, program, found)
    if not first.startswith(b"#!"):
        return None
    words = first[2:].split(b"\n", 1)[0].split(None, 1)
    if not words or not words[0].startswith(b"/"):
        return None
    interpreter = os.fsdecode(words[0])
    try:
        found = walk(posix, interpreter, judge)
    except Blocked as blocked:
        return f"user {user} cannot reach {interpreter}, which runs {program}: {blocked.why}"
    if not judge.may(found, _EXECUTE):
        return f"user {user} cannot execute {interpreter}, which runs {program}: its mode is {found.mode & 0o7777:04o}"
    return None


def _first_bytes(posix: Posix, program: str, found: Stat) -> bytes:
    """What it begins with; b"" where it cannot be read, when the kernel will judge.

    Whoever owns a folder on the way may have put a device there since it was looked at, and to open one may act: so
    it is opened as a mere name first, which must be that of the file that was found.
    """
    try:
        named = posix.files.open(program, os.O_PATH)
    except PosixError:
        return b""
    opened = -1
    try:
        now = posix.files.stat(named)
        if (now.inode, now.device) != (found.inode, found.device):
            return b""
        opened = posix.files.open(f"/proc/self/fd/{named}", os.O_RDONLY | os.O_NONBLOCK)
        return posix.files.read_at(opened, 256, offset=0)
    except PosixError:
        return b""
    finally:
        for descriptor in (opened, named):
            if descriptor >= 0:
                posix.files.close(descriptor)


def _stat(posix: Posix, path: str, end: str) -> Stat:
    try:
        return posix.files.stat(path)
    except PosixError as error:
        if error.errno == _ENOENT:
            where = "" if path == end else f": {path}"
            raise Blocked(f"no such file or directory{where}", _ENOENT) from error
        where = "" if path == end else f"{path}: "
        raise Blocked(f"{where}{errno_text(error.errno)}", error.errno) from error
