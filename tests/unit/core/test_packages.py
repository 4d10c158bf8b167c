"""Looking through packages."""

import sys

import pytest

from snowfox.core.packages import EntryPoint, entry_points, parts_of
from snowfox.errors import ModuleFailed


def test_parts(tmp_path, monkeypatch):
    """A package and all below it; a module alone is its only part."""
    (tmp_path / "cpack_a" / "deep").mkdir(parents=True)
    for name in ("__init__.py", "one.py", "deep/__init__.py", "deep/two.py"):
        (tmp_path / "cpack_a" / name).write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    names = [part.__name__ for part in parts_of("cpack_a")]
    assert names == ["cpack_a", "cpack_a.deep", "cpack_a.deep.two", "cpack_a.one"]
    assert [part.__name__ for part in parts_of("cpack_a.one")] == ["cpack_a.one"]
    for name in names:
        del sys.modules[name]


def test_nothing_there():
    """What cannot be imported is named."""
    with pytest.raises(ModuleFailed, match="cannot import cpack_nowhere"):
        parts_of("cpack_nowhere")


def test_entry_points(tmp_path, monkeypatch):
    """Lines of the group alone, attributes and extras left away."""
    folder = tmp_path / "d-1.0.dist-info"
    folder.mkdir()
    (folder / "entry_points.txt").write_text("[g]\nb = p.q:x [extra]\na = r\n[other]\nc = s\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert entry_points("g") == [EntryPoint("a", "r", "d"), EntryPoint("b", "p.q", "d")]
