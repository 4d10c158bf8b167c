"""A folder for a daemon, tidied afterwards."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from snowfox.testing.daemon import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A folder."""
    project = tmp_path / "project"
    project.mkdir()
    store = Path(f"/var/lib/snowfox/projects/test-{os.getpid()}-{tmp_path.name}")
    one = World(project, store, Path(__file__).with_name("stub.py"))
    yield one
    one.tidy()
    shutil.rmtree(one.store, ignore_errors=True)
