"""What the manager loads before it gives up its uid."""

from __future__ import annotations

import ast
import errno
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import snowfox
from snowfox.errors import PosixError
from snowfox.manager import closed

ROOT = Path(snowfox.__file__).parent
LAYERS = ("core", "service", "contract", "manager")
ELSEWHERE = {
    "snowfox.manager.process",  # imported by main itself, before anything else
    "snowfox.core.posix.active",  # imported by process
    "snowfox.core.posix.linux",  # imported by process
    "snowfox.core.rpc.annotation",  # imported by form
    "snowfox.values",
    "snowfox.core.posix.streams",  # for other loops, and for TLS
    "snowfox.core.rpc.here",  # imported by server
    "snowfox.core.rpc.tls",  # the manager serves one unix socket alone
}


def imported_inside_functions(path: Path) -> set[str]:
    """Modules that a file imports inside its functions."""
    found: set[str] = set()
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import):
                    found |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    found.add(node.module)
    return found


def test_every_late_import_is_listed() -> None:
    """What a function of the manager's layers imports is loaded before the uid is given up."""
    late = {
        name
        for layer in LAYERS
        for path in (ROOT / layer).rglob("*.py")
        for name in imported_inside_functions(path)
    }
    assert late - {*closed.LATER, *closed.IF_THERE} - ELSEWHERE == set()


def test_load_imports_all() -> None:
    """After `load` each is there."""
    closed.load_all()
    assert set(closed.LATER) <= sys.modules.keys()


class Modes:
    """A file system where all is open but what is said."""

    def __init__(self, **modes: int) -> None:
        self.modes = modes

    def stat(self, path: str) -> SimpleNamespace:
        """By the last part of a path; 0 is not there."""
        mode = self.modes.get(Path(path).name.partition(".")[0], 0o755)
        if not mode:
            raise PosixError("stat", path, errno.ENOENT)
        return SimpleNamespace(mode=mode)


@pytest.fixture
def late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path, in one named `above`, with the only module that is imported late."""
    folder = tmp_path.resolve() / "above" / "within"
    folder.mkdir(parents=True)
    (folder / "imported_late.py").write_text("")
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    monkeypatch.delitem(sys.modules, "imported_late", raising=False)
    monkeypatch.setattr(closed, "LATER", ("imported_late",))
    monkeypatch.setattr(closed, "IF_THERE", ())
    return folder


@pytest.mark.parametrize(
    ("modes", "is_loaded"),
    [
        ({}, False),
        ({"above": 0o700}, True),
        ({"above": 0o711}, True),
        ({"within": 0o750}, True),
        ({"imported_late": 0o640}, True),
        ({"imported_late": 0o644}, False),
        ({"within": 0}, True),
    ],
)
def test_what_everybody_can_import_later_is_not_loaded(
    late: Path, modes: dict[str, int], is_loaded: bool
) -> None:
    """Each folder above it and the file itself decide; what cannot be found out does not."""
    assert late.is_dir()
    closed.load(Modes(**modes))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert ("imported_late" in sys.modules) is is_loaded


def test_what_is_behind_a_link_is_loaded(late: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders above the link's end may be closed."""
    link = tmp_path / "link"
    link.symlink_to(late)
    monkeypatch.setattr(sys, "path", [str(link), *sys.path])
    closed.load(Modes())  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert "imported_late" in sys.modules


def test_what_is_there_needs_no_look(late: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was imported already may lie anywhere."""
    monkeypatch.setitem(sys.modules, "imported_late", sys)
    assert closed.is_open(Modes(above=0o700))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert late.is_dir()
