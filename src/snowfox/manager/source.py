"""The files of the configuration: opened by the daemon or read by git, read once, kept as they were.

The version in force stays that which this daemon's first manager read: a manager that was restarted takes it from the
store, whatever became of the files meanwhile.
"""

from __future__ import annotations

import json
import os
from typing import Any, Final

from snowfox.contract.control import Daemon, Source
from snowfox.contract.start import GIT
from snowfox.core.config.registry import Sections
from snowfox.core.config.source import File, Gathering, Sources
from snowfox.core.config.sources.folder import Further, further_name, main_of
from snowfox.core.posix.api import Posix
from snowfox.core.tree import Stamp, is_environment_file, refusal, stamp
from snowfox.errors import ConfigurationRefused, SnowFoxError, StoreError
from snowfox.manager.repository import Repository
from snowfox.service.checked import Checked
from snowfox.service.configuration import NAMES, read
from snowfox.service.rereading import Former
from snowfox.service.scale import NONE, Scales

CHANGED: Final = "files changed since: snowfox plan shows what, snowfox apply makes it so"
"""The note of `status`."""


class Reader:
    """Reads the configuration of a node, in whatever form it is.

    Args:
        daemon: opens files.
        posix: reads them.
        folder: that they are in, absolute.
        repository: reads what is in git.
        shown: what stands before the names of files in messages.
        further: asked for more files once the others are read.
    """

    def __init__(
        self,
        daemon: Daemon,
        posix: Posix,
        *,
        folder: str,
        repository: Repository,
        shown: str = "",
        further: Further | None = None,
    ) -> None:
        self._daemon = daemon
        self._posix = posix
        self._folder = folder
        self._repository = repository
        self._shown = shown
        self._further = further
        self._looked: tuple[list[tuple[str, Stamp]], str] | None = None

    async def read(self, name: str) -> Sources:
        """All files, by the name of the main one, or `git:REF`.

        Raises ConfigurationRefused, and what daemon or spawner raise when they cannot do their part.
        """
        if name.startswith(GIT):
            return await self._repository.read(name.removeprefix(GIT), NAMES, self._further)
        files = Gathering(self._shown)
        is_tree = NAMES.tree is not None and name == NAMES.tree.main
        if is_tree:
            await self._tree(files)
        else:
            await self._file(files, name)
        if not files.files or files.files[0].name != name:
            raise refusal(name, "it is gone")
        read = [name, *NAMES.beside.get(name, ())]
        for other in read[1:]:
            await self._file(files, other)
        if self._further is not None:
            asked = [further_name(one) for one in self._further(Sources(self._folder, tuple(files.files)))]
            for other in dict.fromkeys(asked):
                with files.perhaps(other):
                    await self._file(files, other)
            read += [other for other in asked if other not in files.unread]
        if len(files.files) > 1:
            files.look_again(await self._seen(read[1:] if is_tree else read, is_tree=is_tree))
        return Sources(self._folder, tuple(files.files), unread=files.unread)

    async def main(self) -> str:
        """The name of the folder's main file. Raises ConfigurationRefused when there is none, or two forms at once."""
        tree = [NAMES.tree.main] if NAMES.tree is not None else []
        there: set[str] = set()
        for name in (*NAMES.main, *tree):
            try:
                source = await self._daemon.open_source(name)
            except ConfigurationRefused:  # it is told when it is read, where it is the one
                there.add(name)
                continue
            if source is not None:
                source.file.close()
                there.add(name)
        return main_of(NAMES, there.__contains__, self._folder)

    async def differs(self, sources: Sources) -> bool:
        """Whether what is there is no longer what was read; what cannot be read now differs."""
        try:
            if sources.commit:
                return await self._repository.commit(sources.name) != sources.commit
            return await self._version(sources) != sources.version()
        except SnowFoxError:
            return True

    async def _version(self, sources: Sources) -> str:
        """Of what is there now. A tree, which may be large, is read again only when it looks different."""
        name = sources.main.name
        if NAMES.tree is None or name != NAMES.tree.main:
            return (await self.read(name)).version()
        seen = await self._seen(
            [file.name for file in sources.files if is_environment_file(file.name)], is_tree=True
        )
        if self._looked is None or self._looked[0] != seen:
            self._looked = (seen, (await self.read(name)).version())
        return self._looked[1]

    async def _file(self, files: Gathering, name: str) -> bool:
        """Read one; False when it is not there."""
        source = await self._daemon.open_source(name)
        if source is None:
            return False
        _read([source], files, self._posix)
        return True

    async def _tree(self, files: Gathering) -> None:
        after = ""
        while page := await self._daemon.open_tree(after):
            _read(page, files, self._posix)
            after = page[-1].name

    async def _seen(self, read: list[str], *, is_tree: bool) -> list[tuple[str, Stamp]]:
        """The stamps of what is there now."""
        seen: list[tuple[str, Stamp]] = []
        after = ""
        while is_tree and (page := await self._daemon.look_tree(after)):
            seen += [(one.name, Stamp(*one[1:])) for one in page]
            after = page[-1].name
        for name in read:
            source = await self._daemon.open_source(name)
            if source is not None:
                try:
                    seen.append((name, stamp(self._posix.files.stat(source.file.number))))
                finally:
                    source.file.close()
        return seen


def _read(page: list[Source], files: Gathering, posix: Posix) -> None:
    """Read and close what the daemon opened."""
    try:
        for source in page:
            files.read(source.file.number, source.name, posix=posix)
    finally:
        for source in page:
            source.file.close()


def check(
    sources: Sources, sections: Sections, scales: Scales = NONE, former: Former | None = None
) -> Checked:
    """What they say, with tables of these sections, and with as many instances as people asked for.

    What did not change since what was read before, if that is given, is not read again.
    """
    host = sources.host or os.uname().nodename
    return read(sources, host=host, sections=sections, scales=scales, former=former)


def pack(sources: Sources) -> bytes:
    """As it is stored: also under which name of the host."""
    host = sources.host or os.uname().nodename
    files = [[file.name, file.text, file.owner, file.shown] for file in sources.files]
    whole = {"folder": sources.folder, "files": files, "name": sources.name, "commit": sources.commit}
    return json.dumps(whole | {"host": host}).encode()


def unpack(content: bytes) -> Sources:
    """What was stored. Raises StoreError when it is none."""
    try:
        found: Any = json.loads(content)
        files = tuple(
            File(str(name), str(text), int(owner), *shown) for name, text, owner, *shown in found["files"]
        )
        name, commit, host = (str(found.get(key, "")) for key in ("name", "commit", "host"))
        return Sources(str(found["folder"]), files, name, commit, host)
    except (ValueError, KeyError, TypeError) as error:
        msg = f"cannot read the stored configuration: {error}"
        raise StoreError(msg) from error
