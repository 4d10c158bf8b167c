"""A folder for a daemon, tidied afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from snowfox.testing.daemon import World
from snowfox.testing.node import remove_store


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A folder."""
    project = tmp_path / "project"
    project.mkdir()
    one = World(project, Path(__file__).with_name("stub.py"))
    yield one
    one.tidy()
    remove_store(project)
