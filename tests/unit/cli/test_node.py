"""Finding a node."""

from __future__ import annotations

import argparse
import os
import socket
from pathlib import Path
from threading import Thread

import pytest

from snowfox.cli import node
from snowfox.errors import ConnectionLost, NoNode, NotPermitted


def options(folder: str | None = None) -> argparse.Namespace:
    """What the command line gives."""
    return argparse.Namespace(node=folder)


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No node named by the environment; a folder of its own."""
    monkeypatch.delenv(node.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)


def test_upwards_to_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a folder deep inside, the nearest node counts."""
    inner = tmp_path / "shop" / "app" / "src"
    inner.mkdir(parents=True)
    (tmp_path / ".snowfox").mkdir()
    monkeypatch.chdir(inner)
    assert node.find(options()).folder == str(tmp_path)
    (tmp_path / "shop" / ".snowfox").mkdir()
    assert node.find(options()).folder == str(tmp_path / "shop")


def test_told_by_option_or_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--node` goes before SNOWFOX_NODE, which goes before the current folder; the node's own folder is taken too."""
    (tmp_path / ".snowfox").mkdir()
    monkeypatch.setenv(node.VARIABLE, "/srv/a")
    assert node.find(options()).folder == "/srv/a"
    assert node.find(options("/srv/b/.snowfox/")).folder == "/srv/b"
    assert node.find(options("c")).folder == str(tmp_path / "c")


def test_nowhere(tmp_path: Path) -> None:
    """The error says how to start one."""
    with pytest.raises(NoNode, match="there is none in") as caught:
        node.find(options())
    assert "snowfox up -d" in caught.value.hint


def test_the_current_folder_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clear line instead of a stack trace."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(NoNode, match="the current folder is gone"):
        node.find(options())


def test_a_node_that_does_not_run(tmp_path: Path) -> None:
    """Neither a folder without a socket nor a socket without a listener is a node."""
    (tmp_path / ".snowfox" / "run").mkdir(parents=True)
    for _ in range(2):
        with pytest.raises(NoNode, match="none runs there"):
            with node.session(options()):
                pass
        with socket.socket(socket.AF_UNIX) as dead:
            os.chdir(tmp_path / ".snowfox" / "run")
            if not Path("manager.sock").exists():
                dead.bind("manager.sock")
            os.chdir(tmp_path)


def test_a_node_that_goes_away(tmp_path: Path) -> None:
    """A session that ends before its answer came is told in words of the user, with where to look."""
    (tmp_path / ".snowfox" / "run").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(tmp_path / ".snowfox" / "run")
        listener.bind("manager.sock")
        listener.listen(2)
        os.chdir(tmp_path)
        thread = Thread(target=lambda: [listener.accept()[0].close()])
        thread.start()
        with pytest.raises(ConnectionLost, match="ended the session") as caught:
            with node.session(options()):
                pass
        thread.join()
    assert "snowfox status" in caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
def test_a_node_of_another_user(tmp_path: Path) -> None:
    """A folder that may not be entered is told apart from a node that is not there."""
    home = tmp_path / ".snowfox"
    home.mkdir()
    home.chmod(0)
    with pytest.raises(NotPermitted, match="another user runs it"):
        with node.session(options()):
            pass
    home.chmod(0o700)
