"""Real programs for tests: where they are, folders and users for them, and clients that come all the time."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
from pathlib import Path
from typing import Final, NoReturn
from unittest import SkipTest

from snowfox.testing.node import Node

POSTGRES: Final = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
"""PostgreSQL's servers, the newest last."""

_ALL: Final = "SNOWFOX_TEST_ALL"


def missing(program: str) -> NoReturn:
    """Skip a test whose program is not there; fail it where all have to be."""
    if os.environ.get(_ALL):
        msg = f"{program} is not installed"
        raise AssertionError(msg)
    raise SkipTest(f"{program} is not installed")


def need(program: str) -> str:
    """The program's path, or a skip with the reason."""
    found = shutil.which(program, path="/usr/sbin:/usr/bin:/usr/local/bin")
    if found is None:
        missing(program)
    return found or ""


def packages(folder: Path, *names: str) -> Path:
    """A folder with copies of Python packages, for services that cannot reach ours; or a skip."""
    for name in names:
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            missing(name)
        elif found.submodule_search_locations:
            shutil.copytree(Path(found.origin).parent, folder / name)
        else:
            shutil.copy(found.origin, folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def folder_of(node: Node, name: str, user: str | None = None) -> Path:
    """A folder that the service can write."""
    folder = node.folder / name
    folder.mkdir()
    if os.getuid() == 0 and user is not None:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    return folder


def user_line(user: str) -> str:
    """`user = …`, where the node may choose one."""
    return f'user = "{user}"\n' if os.getuid() == 0 else ""
