"""Nodes that are stopped, and looked at, after each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from snowfox.testing.node import Node, alive, let_in, remove_store


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node in a folder of its own; afterwards it is down and nothing of it is left."""
    let_in(tmp_path)
    one = Node(tmp_path / "project")
    one.folder.mkdir()
    yield one
    pids = (
        [service.pid for service in one.running().values()]
        if (one.home / "run" / "manager.sock").exists()
        else []
    )
    if one.processes():
        one.run("down", timeout=60)
    try:
        one.until(lambda: not one.left_behind(), f"nothing left behind, but {one.left_behind()}", 5)
        one.until(lambda: not any(map(alive, pids)), "services are gone", 5)
    finally:
        for pid in [*one.processes().values(), *pids]:
            if alive(pid):
                os.kill(pid, 9)
        remove_store(one.folder)
