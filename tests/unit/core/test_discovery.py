"""Discovery of modules in packages and by entry points."""

import importlib.metadata
import sys

import pytest

from snowfox.core.discovery import discover
from snowfox.core.module import Modules
from snowfox.core.packages import ENTRY_POINTS, entry_points
from snowfox.errors import ModuleFailed

LEVELS = """
from snowfox.core.module import ModuleLevel, module
class Level(ModuleLevel):
    STORE = 20
"""
MODULE = """
from {levels} import Level
from snowfox.core.module import module
log = []
@module(Level.STORE, after={after!r})
async def {name}(setup):
    log.append("+")
    setup.add({name!r})
    yield
    log.append("-")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder on the path; what was imported from it is forgotten."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder, files):
    """Write files below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def program(folder, name):
    """A package with a module deep inside."""
    write(
        folder,
        {
            f"{name}/__init__.py": "",
            f"{name}/levels.py": LEVELS,
            f"{name}/deep/__init__.py": f"from {name}.deep.one import one",
            f"{name}/deep/one.py": MODULE.format(levels=f"{name}.levels", name="one", after=()),
        },
    )


def plugin(folder, name, text, line, group=ENTRY_POINTS):
    """An installed distribution with an entry point."""
    write(
        folder,
        {
            f"{name}.py": text,
            f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{name}-1.0.dist-info/entry_points.txt": f"# plugin\n[console_scripts]\nx = y:z\n\n[{group}]\n{line}\n",
        },
    )


def test_found_in_sub_packages_once(folder):
    """A module is found where it is defined, also deep inside, and not again where it is imported."""
    program(folder, "cprog_a")
    assert [(one.name, one.package) for one in discover(["cprog_a"])] == [("one", "cprog_a.deep.one")]


@pytest.mark.goal
async def test_package_outside_the_tree_by_entry_point(folder):
    """A package outside the tree is found by its entry point, ordered after ours, set up and torn down."""
    program(folder, "cprog_b")
    plugin(
        folder,
        "cplug_b",
        MODULE.format(levels="cprog_b.levels", name="a_plugin", after="one"),
        "plug = cplug_b",
    )
    assert [one.name for one in discover(["cprog_b"])] == ["one"]
    modules = Modules(discover(["cprog_b"], ENTRY_POINTS))
    assert modules.names == ("one", "a_plugin")
    await modules.setup()
    assert modules.added(str) == ["one", "a_plugin"]
    await modules.teardown()
    assert sys.modules["cplug_b"].log == ["+", "-"]


async def test_broken_plugin_fails_alone(folder):
    """A plugin that cannot be imported is a failed module, named; the rest is set up."""
    program(folder, "cprog_c")
    plugin(folder, "cplug_c", "import nowhere_at_all", "plug = cplug_c")
    modules = Modules(discover(["cprog_c"], ENTRY_POINTS))
    await modules.setup()
    assert {row.name: row.state for row in modules.states()} == {"one": "up", "plug": "failed"}
    message = modules.states()[1].message
    assert "plug" in message
    assert "cannot import cplug_c: ModuleNotFoundError: No module named 'nowhere_at_all'" in message
    await modules.teardown()


@pytest.mark.parametrize("where", ["deep/broken.py", "deep/__init__.py"])
def test_broken_package_of_ours_is_named(folder, where):
    """What cannot be imported of a named package raises, with the module and the reason."""
    program(folder, "cprog_d")
    write(folder, {f"cprog_d/{where}": "1 / 0"})
    with pytest.raises(ModuleFailed, match=r"cannot import cprog_d\.deep.*: ZeroDivisionError"):
        discover(["cprog_d"])


def test_unknown_package():
    """A package that there is not is named."""
    with pytest.raises(ModuleFailed, match="cannot import nowhere_at_all: ModuleNotFoundError"):
        discover(["nowhere_at_all"])


def test_entry_points_equal_the_standard_librarys(folder):
    """What we read from entry_points.txt equals what importlib.metadata reads."""
    plugin(
        folder,
        "cplug_e",
        "",
        "b = cplug_e.x:y [extra]\n a=cplug_e\n\n# c = d\n[other]\nq = r",
        group="c.group",
    )
    plugin(folder, "cplug_f", "", "a = cplug_f", group="c.group")
    ours = [(point.name, point.value, point.distribution) for point in entry_points("c.group")]
    theirs = [
        (point.name, point.module, point.dist.name)
        for point in importlib.metadata.entry_points(group="c.group")
    ]
    assert ours == sorted(theirs)
    assert len(ours) == 3
