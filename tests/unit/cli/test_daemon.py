"""What a daemon is started with."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from snowfox.cli import daemon
from snowfox.contract.start import Said, said_line
from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import DeadlineExceeded


def test_the_project_is_its_real_folder(tmp_path: Path) -> None:
    """Through a link or not, a project is one node."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    straight = daemon.described(str(tmp_path / "real"), "Procfile", None)
    crooked = daemon.described(str(tmp_path / "link"), "Procfile", None)
    assert straight == crooked
    assert straight.project == str(tmp_path / "real")


def test_the_policy_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon does not live in the current folder."""
    monkeypatch.chdir(tmp_path)
    assert daemon.described(".", "snowfox.toml", "p.toml").policy == str(tmp_path / "p.toml")


def test_the_manager_finds_what_we_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Third-party folders are passed on; the script's folder, the library and what is not there are not."""
    library = os.path.dirname(os.__file__)
    packages = tmp_path / "packages"
    packages.mkdir()
    entries = [
        str(tmp_path),
        str(packages),
        library,
        f"{library}/lib-dynload",
        "/nowhere",
        "",
        str(tmp_path / "x.zip"),
    ]
    monkeypatch.setattr(sys, "path", entries)
    node = daemon.described("/srv", "snowfox.toml", None)
    assert node.paths == (str(packages),)


def test_lines_of_the_pipe() -> None:
    """Whole lines, as they come, then None."""
    posix = LinuxPosix()
    reader, writer = posix.files.pipe()
    pipe = daemon.Pipe(posix, reader)
    whole = said_line(Said("listening", 7)) + said_line(Said("failed", 0, "cannot", "do"))
    posix.files.write(writer, whole[:20])
    assert pipe.next() == Said("listening", 7)
    posix.files.write(writer, whole[20:])
    posix.files.close(writer)
    assert list(pipe.rest()) == [Said("failed", 0, "cannot", "do")]
    assert pipe.next() is None


def test_a_daemon_that_says_nothing() -> None:
    """The wait has an end."""
    posix = LinuxPosix()
    reader, writer = posix.files.pipe()
    with pytest.raises(DeadlineExceeded, match="nothing was heard"):
        daemon.Pipe(posix, reader).next(0.01)
    posix.files.close(writer)


def test_a_daemon_that_cannot_begin_says_why() -> None:
    """Its fork is nobody's to look at: what the kernel refuses there comes over the pipe."""
    posix = LinuxPosix()
    node = daemon.described("/", "", None).replace(python="/nowhere/python")
    waiting = daemon.begin(posix, node)
    (said,) = waiting.pipe.rest()
    waiting.give_up()
    os.wait()
    assert said.word == "failed"
    assert (
        said.text
        == "cannot become the daemon: cannot start /nowhere/python: no such file or directory (ENOENT)"
    )
