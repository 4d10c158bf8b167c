"""The files of the configuration: opened by the daemon, read once, kept as they were.

The version in force stays that which this daemon's first manager read: a manager that was restarted takes it from the
store, whatever became of the files meanwhile.
"""

from __future__ import annotations

import json
import os
from typing import Any, Final

from snowfox.contract.control import Daemon
from snowfox.core.config.source import File, Sources, take
from snowfox.core.posix.api import Posix
from snowfox.errors import ConfigurationRefused, SnowFoxError, StoreError
from snowfox.service.checked import Checked
from snowfox.service.configuration import NAMES, read

CHANGED: Final = "files changed since: snowfox down, then snowfox up"
"""The note of `status`."""


async def fetch(daemon: Daemon, posix: Posix, *, folder: str, name: str, shown: str = "") -> Sources:
    """Read the files of a configuration through the daemon.

    Args:
        daemon: opens them.
        posix: reads them.
        folder: that they are in, absolute.
        name: of the main one.
        shown: what stands before their names in messages.

    Raises ConfigurationRefused, and what the daemon raises when it cannot open one.
    """
    main = await _fetch(daemon, posix, name, shown)
    if main is None:
        msg = f"cannot read {name}: it is gone"
        raise ConfigurationRefused(msg, "", [])
    beside = [await _fetch(daemon, posix, other, shown) for other in NAMES.beside.get(name, ())]
    return Sources(folder, (main, *(file for file in beside if file is not None)))


async def _fetch(daemon: Daemon, posix: Posix, name: str, shown: str) -> File | None:
    source = await daemon.open_source(name)
    if source is None:
        return None
    try:
        return take(source.file.number, name, posix=posix, shown=f"{shown}{name}" if shown else "")
    finally:
        source.file.close()


def check(sources: Sources) -> Checked:
    """What they say."""
    return read(sources, host=os.uname().nodename)


def pack(sources: Sources) -> bytes:
    """As it is stored."""
    files = [[file.name, file.text, file.owner] for file in sources.files]
    return json.dumps({"folder": sources.folder, "files": files}).encode()


def unpack(content: bytes) -> Sources:
    """What was stored. Raises StoreError when it is none."""
    try:
        found: Any = json.loads(content)
        files = tuple(File(str(name), str(text), int(owner)) for name, text, owner in found["files"])
        return Sources(str(found["folder"]), files)
    except (ValueError, KeyError, TypeError) as error:
        msg = f"cannot read the stored configuration: {error}"
        raise StoreError(msg) from error


async def differs(daemon: Daemon, posix: Posix, sources: Sources) -> bool:
    """Whether the files are no longer those that were read; files that cannot be read now differ."""
    try:
        now = await fetch(daemon, posix, folder=sources.folder, name=sources.main.name)
    except SnowFoxError:
        return True
    return now.version() != sources.version()
