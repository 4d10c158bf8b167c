"""Secrets: files that the spawner reads for the process that gets them, and for nobody else.

Whoever may launch programs as a user can read what that user can read. So a file that belongs to the service's user is
given to it wherever it lies (found as that user would find it). Any other file would make the manager able to read it:
those are given only where root's policy names them (`secrets`), and where they lie in the folder `secrets` of the
project and belong to the project's owner. There no link is followed, and a file with a second name (link(2)) is
refused: whoever may write a folder on the way could else lead root to any file. See docs/decisions/0012.

An ordinary user's node reads as that user what that user can read.

The content is in the process's environment or in a sealed file in memory (memfd_create(2)) that it inherits, which
ends with it; it is in no record, argument, log or answer.
"""

from __future__ import annotations

import errno
import os
from posixpath import relpath
from stat import S_IMODE, S_ISLNK, S_ISREG, S_ISVTX
from typing import Final

from snowfox.contract.record import subject_of
from snowfox.contract.spawner import Launch, Secret
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Posix, Stat
from snowfox.errors import LaunchFailed, PosixError, SnowFoxError, UserError
from snowfox.spawner.in_force import InForce
from snowfox.spawner.launch import FIRST
from snowfox.spawner.policy import Account
from snowfox.spawner.reach import Blocked, Judge, walk

LARGEST: Final = 64 << 10
"""Bytes that a secret may have: an argument or variable of execve(2) may have twice as many."""

ENVIRONMENT: Final = "environment"
FILE: Final = "file"
DESCRIPTOR: Final = "descriptor"

FORMS: Final = (ENVIRONMENT, FILE, DESCRIPTOR)
"""How a process gets one."""

_WAY: Final = os.O_PATH | os.O_DIRECTORY
_EVERYBODY: Final = 0o007
_LINKS: Final = (errno.ENOTDIR, errno.ELOOP)


class Given(NamedTuple):
    """What a process gets: variables, and descriptors in their order behind its sockets."""

    environment: dict[str, str]
    descriptors: tuple[int, ...]


class Secrets:
    """Reads files of secrets.

    Args:
        posix: the kernel.
        rules: what is allowed.
    """

    def __init__(self, posix: Posix, rules: InForce) -> None:
        self._posix = posix
        self._rules = rules
        self._own = posix.own.ids()

    def refusals(self, launch: Launch, account: Account) -> list[SnowFoxError]:
        """Why secrets of a launch cannot be given: NotPermitted, UserError, LaunchFailed."""
        refusals: list[SnowFoxError] = []
        for secret in launch.secrets:
            try:
                self._read(launch, secret, account)
            except SnowFoxError as error:
                refusals.append(error)
        return refusals

    def give(self, launch: Launch, account: Account) -> Given:
        """Read all of a launch. The caller closes the descriptors. Raises NotPermitted, UserError, LaunchFailed, PosixError."""
        environment: dict[str, str] = {}
        descriptors: list[int] = []
        try:
            for secret in launch.secrets:
                content = self._read(launch, secret, account)
                if secret.form == ENVIRONMENT:
                    environment[secret.name] = content.decode()
                    continue
                number = FIRST + len(launch.sockets) + len(descriptors)
                made = self._posix.files.sealed(secret.name, content)
                descriptors.append(made)
                if account.ids.uid != self._own.uid:
                    self._posix.folders.own(made, account.ids.uid, account.ids.gid)
                is_path = secret.form == FILE
                environment[secret.name] = f"/proc/self/fd/{number}" if is_path else str(number)
        except SnowFoxError:
            for descriptor in descriptors:
                self._posix.files.close(descriptor)
            raise
        return Given(environment, tuple(descriptors))

    def _read(self, launch: Launch, secret: Secret, account: Account) -> bytes:
        action = f"cannot launch {subject_of(launch.token)}: secret {secret.name}"
        try:
            content = self._content(secret, account, action)
        except PosixError as error:
            step = f"read secret {secret.name} from"
            advice = "no link is followed on the way to it" if error.errno in _LINKS else None
            raise LaunchFailed(subject_of(launch.token), step, secret.file, error.errno, advice) from error
        if len(content) > LARGEST:
            raise UserError(f"{action}: {secret.file} is larger than {LARGEST >> 10}K", "")
        if secret.form != ENVIRONMENT:
            return content
        content = content.removesuffix(b"\n")
        if not _is_text(content):
            hint = f'write as = "file" (or "descriptor") in place of "{ENVIRONMENT}"'
            raise UserError(f"{action}: {secret.file} is not text, which a variable must be", hint)
        return content

    def _content(self, secret: Secret, account: Account, action: str) -> bytes:
        """First opened as a mere name, then judged, then opened for reading by that name: so it is the one that was judged."""
        files = self._posix.files
        named = self._named(secret.file, account, action)
        opened = -1
        try:
            found = files.stat(named)
            if not S_ISREG(found.mode):
                why = "is a link: name the file itself" if S_ISLNK(found.mode) else "is not a file"
                raise UserError(f"{action}: {secret.file} {why}", "")
            if self._own.uid == 0:
                self._judge(secret.file, found, account, action)
            opened = files.open(f"/proc/self/fd/{named}", os.O_RDONLY | os.O_NONBLOCK)
            chunks: list[bytes] = []
            while (chunk := files.read(opened, LARGEST + 1)) and sum(map(len, chunks)) <= LARGEST:
                chunks.append(chunk)
            return b"".join(chunks)
        finally:
            for descriptor in (opened, named):
                if descriptor >= 0:
                    files.close(descriptor)

    def _named(self, file: str, account: Account, action: str) -> int:
        """The file, opened as a mere name. Raises NotPermitted, UserError, PosixError."""
        policy = self._rules.policy
        kept = policy.secrets_folder
        is_kept = file.startswith(f"{kept}/")
        is_named = policy.names_secret(file)
        if policy.own != 0:
            if policy.secrets is not None and not is_named and not is_kept:
                raise policy.secret_refused(file, action)
            return self._posix.files.open(file, os.O_PATH | os.O_NOFOLLOW)
        if is_named:
            return self._way("/", file, action)
        blocked, named = self._as_user(file, account)
        if named >= 0:
            return named
        if is_kept:
            return self._way(policy.home, file, action, owners={0, self._owner()})
        if blocked:
            raise UserError(f"{action}: user {account.name} cannot reach {file}: {blocked}", "")
        raise policy.secret_refused(file, action)

    def _as_user(self, file: str, account: Account) -> tuple[str, int]:
        """The file as this user finds it, if it is its own; else -1, and why the user cannot get to it, if so."""
        try:
            found = walk(self._posix, file, Judge(account.ids))
        except Blocked as blocked:
            return blocked.why, -1
        if found.uid != account.ids.uid:
            return "", -1
        named = self._posix.files.open(file, os.O_PATH | os.O_NOFOLLOW)
        if self._posix.files.stat(named).uid == account.ids.uid:
            return "", named
        self._posix.files.close(named)
        return "", -1

    def _way(self, base: str, file: str, action: str, *, owners: set[int] | None = None) -> int:
        """Along the path without following a link; below the project only through folders that nobody else may write."""
        files = self._posix.files
        here = files.open(base, _WAY)
        *folders, name = relpath(file, base).split("/")
        try:
            for part in folders:
                following = files.open(part, _WAY, folder=here)
                files.close(here)
                here = following
                found = files.stat(here)
                if owners is not None and (found.uid not in owners or _is_open(found)):
                    raise UserError(
                        f"{action}: others may put files into {part}, on the way to {file}",
                        "it must belong to the project's owner, and not be writable by others",
                    )
            return files.open(name, os.O_PATH, folder=here)
        finally:
            files.close(here)

    def _judge(self, file: str, found: Stat, account: Account, action: str) -> None:
        """In root's node. Raises UserError with what to do about it."""
        if found.mode & _EVERYBODY:
            mode = f"{S_IMODE(found.mode):04o}"
            raise UserError(f"{action}: everybody may use {file} (mode {mode})", f"chmod o= {file}")
        if found.uid == account.ids.uid:
            return
        policy = self._rules.policy
        is_roots = found.uid == 0 and policy.names_secret(file)
        if not is_roots and found.uid != self._owner():
            raise UserError(
                f"{action}: {file} belongs to uid {found.uid}",
                f"it must belong to user {account.name} or to the project's owner",
            )
        if found.links > 1:
            raise UserError(f"{action}: {file} has a second name elsewhere (a hard link)", "copy it")

    def _owner(self) -> int:
        """The owner of the project."""
        return self._posix.files.stat(self._rules.policy.home, follow=True).uid


def _is_open(found: Stat) -> bool:
    """Whether others may put files into a folder; of root's, its group too (a user often has a group of its own)."""
    return bool(found.mode & (0o022 if found.uid == 0 else 0o002)) and not found.mode & S_ISVTX


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False
