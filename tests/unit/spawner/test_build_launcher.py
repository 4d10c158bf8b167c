"""Building the launcher is best effort."""

from __future__ import annotations

from pathlib import Path

import pytest

from snowfox.spawner import build_launcher
from snowfox.spawner.fork import Forker
from snowfox.spawner.launch import Launcher, choose
from snowfox.testing.kernel import FakeKernel, FakePosix


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No compiler, or one that fails: nothing is built, one line says so."""
    monkeypatch.setenv("CC", "/no/such/compiler")
    assert build_launcher.build(str(tmp_path)).startswith("no launcher, the spawner will fork: ")
    monkeypatch.setenv("CC", "false")
    assert build_launcher.build(str(tmp_path)).startswith("no launcher, the spawner will fork: ")
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", "")
    assert build_launcher.build(str(tmp_path)) == "no C compiler: the spawner will fork"
    assert list(tmp_path.iterdir()) == []


def test_fork_where_it_is_missing() -> None:
    """The spawner takes the launcher where it is there, else it forks."""
    kernel = FakeKernel()
    posix = FakePosix(kernel)
    assert isinstance(choose(posix, program="/usr/lib/launcher"), Forker)
    kernel.install("/usr/lib/launcher")
    assert isinstance(choose(posix, program="/usr/lib/launcher"), Launcher)
