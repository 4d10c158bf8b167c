"""Sections that modules bring."""

import sys

import pytest

from snowfox.core.config.registry import Sections
from snowfox.core.config.resource import ResourceKey
from snowfox.core.config.source import File, Sources
from snowfox.errors import ModuleFailed
from snowfox.service.configuration import read

HTTP = '''\
"""The HTTP API of a shop."""

from collections.abc import Iterable
from typing import Annotated

from snowfox.core.config.kind import Items, Text, Whole
from snowfox.core.config.registry import section
from snowfox.core.config.resource import Resource, ResourceKey
from snowfox.core.config.section import Section
from snowfox.core.frozen import Frozen


class Listener(Frozen):
    address: str


class Inner(Section):
    on: bool = False


@section("TABLE")
class Http(Section):
    """An API.

    Args:
        listen: where it listens.
        keep: connections that are kept.
    """

    listen: str
    keep: Annotated[int, Whole(1, 100)] = 5
    names: Annotated[tuple[str, ...], Items(Text())] = ()
    inner: Inner = Inner()

    def resources(self) -> Iterable[Resource]:
        yield Resource(ResourceKey("listener", "http"), Listener(self.listen))
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder on the way of imports, whose modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def package(folder, name, text, *, is_installed=False):
    """A package with one module deep in it; installed ones have an entry point."""
    deep = folder / name / "deep"
    deep.mkdir(parents=True)
    (folder / name / "__init__.py").write_text("")
    (deep / "__init__.py").write_text("")
    (deep / "http.py").write_text(text)
    if is_installed:
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "entry_points.txt").write_text(f"[snowfox.modules]\n{name} = {name}\n")


def checked(text, sections=None):
    """What a check finds."""
    return read(Sources("/srv", (File("snowfox.toml", text, 0),)), host="box", sections=sections)


@pytest.mark.goal
def test_section_outside_the_tree(folder):
    """A package outside the tree brings a table: checked, and with resources, from its type alone."""
    package(folder, "outside_a", HTTP.replace("TABLE", "shop-http"), is_installed=True)
    text = '[service.a]\ncommand = "a"\n[shop-http]\nlisten = "127.0.0.1:80"\ninner.on = true\n'
    found = checked(text).require().sections["shop-http"]
    assert (found.listen, found.keep, found.inner.on) == ("127.0.0.1:80", 5, True)
    (resource,) = found.resources()
    assert resource.key == ResourceKey("listener", "http")
    assert len(resource.digest) == 64
    wrong = checked(text.replace("inner.on", "keep = 101\nkep").replace("listen =", "liste ="))
    assert [(problem.line, problem.column, problem.text) for problem in wrong.problems] == [
        (3, 2, "cannot read shop-http: listen is missing"),
        (4, 1, 'cannot read shop-http: unknown key "liste"'),
        (5, 8, "cannot read shop-http: keep must be 1 to 100, not 101"),
        (6, 1, 'cannot read shop-http: unknown key "kep"'),
    ]


def test_packages(folder):
    """Packages that a program names are looked through too; nothing is imported before it is asked for."""
    package(folder, "outside_b", HTTP.replace("TABLE", "api"))
    sections = Sections(["outside_b"])
    assert checked('[service.a]\ncommand = "a"\n', sections).configuration is not None
    assert "outside_b" not in sys.modules
    assert (
        checked('[service.a]\ncommand = "a"\n[api]\nlisten = "x"\n', sections)
        .require()
        .sections["api"]
        .listen
        == "x"
    )
    assert list(sections.all()) == ["api"]
    assert sections.get("other") is None


def test_unknown_tables_stay_errors(folder):
    """A table that nobody brings is an error; a package that cannot be imported is told as the likely reason."""
    package(folder, "outside_c", HTTP.replace("TABLE", "api"), is_installed=True)
    package(folder, "outside_d", "import nowhere_at_all\n", is_installed=True)
    problems = {
        problem.text: problem.hint
        for problem in checked("[apj]\n[metrics]\n[zzz]\n[service.a]\ncommand='a'\n").problems
    }
    assert problems == {
        'cannot read snowfox.toml: unknown table "apj"': 'did you mean "api"?',
        'cannot read snowfox.toml: "metrics" is not supported yet': "",
        'cannot read snowfox.toml: unknown table "zzz"': (
            "cannot import outside_d.deep.http: ModuleNotFoundError: No module named 'nowhere_at_all'"
        ),
    }


def test_two_of_one_name(folder):
    """Two sections of one table are a mistake of whoever wrote them."""
    package(folder, "outside_e", HTTP.replace("TABLE", "api"))
    package(folder, "outside_f", HTTP.replace("TABLE", "api"))
    with pytest.raises(ModuleFailed, match=r"\[api\] is also a table of outside_e.deep.http"):
        Sections(["outside_e", "outside_f"]).all()


def test_broken_package():
    """A package of the program that is not there raises."""
    with pytest.raises(ModuleFailed, match="cannot import nowhere_at_all"):
        Sections(["nowhere_at_all"]).all()
