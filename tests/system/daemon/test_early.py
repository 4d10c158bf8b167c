"""A daemon with a manager that was started before it, both real, and what becomes of them without a node."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from snowfox.cli import daemon
from snowfox.core.posix.linux import LinuxPosix
from snowfox.testing.daemon import alive, until


def processes(project: Path) -> dict[str, int]:
    """Pids of what was started for this folder."""
    found: dict[str, int] = {}
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        role = next((name for name in ("daemon", "spawner", "manager") if name in words), None)
        if role and any(word.startswith(str(project)) for word in words) and alive(int(entry.name)):
            found[role] = int(entry.name)
    return found


def begun(project: Path) -> tuple[daemon.Waiting, dict[str, int]]:
    """A daemon that waits, and both once they run."""
    waiting = daemon.begin(LinuxPosix(), daemon.described(str(project), "", None))
    until(lambda: len(processes(project)) == 2, "both run")
    return waiting, processes(project)


def test_without_its_word_both_are_gone(tmp_path: Path) -> None:
    """The command line gave up: neither is left, and nothing was made."""
    waiting, pids = begun(tmp_path)
    assert len({os.getsid(pid) for pid in pids.values()}) == 2
    waiting.give_up()
    os.waitpid(pids["daemon"], 0)
    assert not any(map(alive, pids.values()))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
def test_a_killed_daemon_takes_it_along(tmp_path: Path, stopped: bool) -> None:
    """Its session ends, and it with that; nothing was made."""
    waiting, pids = begun(tmp_path)
    if stopped:
        os.kill(pids["daemon"], signal.SIGSTOP)
    os.kill(pids["daemon"], signal.SIGKILL)
    os.waitpid(pids["daemon"], 0)
    until(lambda: not any(map(alive, pids.values())), "both are gone")
    waiting.give_up()
    assert list(tmp_path.iterdir()) == []


def test_a_busy_folder_needs_none(tmp_path: Path) -> None:
    """Whoever comes second is told of the first, and leaves no child."""
    first, _ = begun(tmp_path)
    (tmp_path / "snowfox.toml").write_text("")
    pipe = first.go(daemon.described(str(tmp_path), "snowfox.toml", None))
    heard = pipe.next()
    assert heard is not None
    assert heard.word == "listening"
    assert [line.word for line in pipe.rest()] == ["up"]
    second = daemon.begin(LinuxPosix(), daemon.described(str(tmp_path), "", None))
    said = second.go(daemon.described(str(tmp_path), "snowfox.toml", None)).next()
    assert said is not None
    assert (said.word, said.pid) == ("busy", heard.pid)
    assert os.waitpid(-1, 0)[0] != heard.pid
    assert len(processes(tmp_path)) == 3
    os.kill(heard.pid, signal.SIGTERM)
    os.waitpid(heard.pid, 0)
    assert processes(tmp_path) == {}
