"""The git repository of a project: git runs as a helper of the spawner, as the owner of the project's folder.

The manager reads nothing of it itself: it may not be able to enter the folder. Where root owns the folder, git runs as a
user of its own that has nothing else, and reads what all may read; that it is root's is then why git trusts it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from snowfox.contract.control import Welcome
from snowfox.contract.record import BESIDE
from snowfox.contract.spawner import Launch
from snowfox.core.config.source import Names, Sources
from snowfox.core.config.sources.folder import Further
from snowfox.core.config.sources.git import (
    DEADLINE,
    MOST_OUTPUT,
    PREFIX,
    Command,
    Git,
    Ran,
    commit_command,
    commit_of,
    reading,
    too_much,
    too_slow,
)
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Posix
from snowfox.core.tree import refusal
from snowfox.errors import LaunchFailed, errno_text
from snowfox.manager.blueprint import helper_uid
from snowfox.manager.connector.capture import Capture
from snowfox.values import Exit

RunHelper = Callable[[Launch, Callable[[int], None]], Awaitable[Exit]]
"""Runs a helper to its end and gives the read end of its output away. Cancelling kills it."""

_KILLED: Final = -1


class Means(NamedTuple):
    """What is needed to run git.

    Args:
        posix: the kernel.
        welcome: whose node it is, and where.
        new_id: makes ids for tokens.
        helper: runs a helper.
    """

    posix: Posix
    welcome: Welcome
    new_id: Callable[[], str]
    helper: RunHelper


class Repository:
    """Reads a configuration at points of the history of the project's repository."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def read(self, ref: str, names: Names, further: Further | None = None) -> Sources:
        """The configuration at a branch, tag or commit. Raises ConfigurationRefused, and what refused the helper."""
        git, user = self._git(ref)
        asked = reading(git, names=names, further=further)
        try:
            command = next(asked)
            while True:
                command = asked.send(await self._run(git, command, user))
        except StopIteration as end:
            sources: Sources = end.value
            return sources

    async def commit(self, ref: str) -> str:
        """The commit that a branch, tag or commit is now. Raises as `read`."""
        git, user = self._git(ref)
        return commit_of(git, await self._run(git, commit_command(git), user))

    def _git(self, ref: str) -> tuple[Git, str]:
        """The repository, and the user that git runs as. Raises ConfigurationRefused."""
        welcome, users = self._means.welcome, self._means.posix.users
        git = Git(welcome.root, ref, welcome.owner, f"{PREFIX}{welcome.root}@{ref}")
        if welcome.uid < 0:
            return git, ""
        if welcome.owner == 0:
            return git.replace(is_trusted=True), str(helper_uid(welcome.root, users, welcome.uid))
        entry = users.by_uid(welcome.owner)
        if entry is None:
            raise refusal(
                git.shown, f"it belongs to uid {welcome.owner}, which is no user that git could run as"
            )
        return git, entry.name

    async def _run(self, git: Git, command: Command, user: str) -> Ran:
        """Run it to its end, within the bounds."""
        launch = Launch(
            f"node{BESIDE}git~{self._means.new_id()}",
            command.arguments[0],
            list(command.arguments),
            command.environment,
            command.folder,
            user,
        )
        loop = asyncio.get_running_loop()
        capture = Capture(self._means.posix, loop, most=MOST_OUTPUT)
        task = asyncio.ensure_future(self._means.helper(launch, capture.attach))
        capture.full = task.cancel
        try:
            async with asyncio.timeout(DEADLINE):
                end = await task
        except TimeoutError:
            raise too_slow(git.shown) from None
        except LaunchFailed as error:
            why = f"git cannot {error.step} {error.object}".rstrip()
            hint = (
                "it runs as a user that has nothing: let all enter and read the folder"
                if git.is_trusted
                else ""
            )
            raise refusal(git.shown, f"{why}: {errno_text(error.errno)}", hint) from error
        except asyncio.CancelledError:
            if capture.is_full:
                raise too_much(git.shown) from None
            raise
        finally:
            output = capture.close()
        return Ran(_KILLED if end.code is None else end.code, output)
