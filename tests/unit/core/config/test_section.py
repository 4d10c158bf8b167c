"""Tables declared as classes."""

from typing import Annotated, ClassVar, Literal

import pytest

from snowfox.core.config.document import Document, parse
from snowfox.core.config.kind import Items, Number, Text, Whole
from snowfox.core.config.report import Report
from snowfox.core.config.section import INTERNAL, Reader, Section, build, label, merge


class Inner(Section):
    EXAMPLE: ClassVar[str] = "{ on = true }"

    on: bool = False


class Table(Section):
    LATER: ClassVar[frozenset[str]] = frozenset({"later"})

    name: str
    max_count: Annotated[int, Whole(1, 10)] = 3
    mode: Literal["fast", "slow"] = "fast"
    items: Annotated[tuple[str, ...], Items(Text())] = ()
    maybe: str | None = None
    inner: Inner = Inner()
    part: Annotated[float, Number(0, 1)] = 0.5
    hidden: Annotated[float, INTERNAL] = 1.0


def read(text):
    """The table of a text, and its problems as they are shown."""
    document = parse("f", text)
    assert isinstance(document, Document)
    report = Report(document)
    return Reader(report, ("t",), "table t").read(Table), [problem.show() for problem in report.listed()]


def test_numbers():
    """Whole ones and others are floats; text, flags, what is out of bounds and what is no number are refused."""
    table, problems = read('[t]\nname = "x"\npart = 1\n')
    assert table is not None
    assert (table.part, problems) == (1.0, [])
    for text, why in (
        ("2", "0 to 1, not 2"),
        ("nan", "0 to 1, not this number"),
        ('"1"', "a number, not text"),
        ("true", "not true"),
    ):
        assert why in read(f'[t]\nname = "x"\npart = {text}\n')[1][0]


def test_values():
    """Keys in kebab-case become fields; what is not written has its default."""
    table, problems = read(
        '[t]\nname = "x"\nmax-count = 5\nitems = ["a"]\ninner = { on = true }\nmaybe = "m"\n'
    )
    assert problems == []
    assert table == Table(name="x", max_count=5, items=("a",), inner=Inner(on=True), maybe="m")


def test_all_errors_at_once():
    """Every mistake of a table is reported, each at its place; good keys are still read."""
    table, problems = read(
        '[t]\nmax-count = 11\nmode = "fats"\nitems = ["a", 1]\ninner = { onn = 1, on = 2 }\nmaybe = 1979-05-27\nlater = 1\nmax_count = 1\nhidden = 1.0\n'
    )
    assert table == Table(name=None)
    assert problems == [
        ('f:1:2: cannot read table t: name is missing\n    1 | [t]\n      |  ^ for example name = "…"'),
        (
            "f:2:13: cannot read table t: max-count must be 1 to 10, not 11\n"
            "    2 | max-count = 11\n"
            "      |             ^^"
        ),
        (
            'f:3:8: cannot read table t: mode must be one of "fast", "slow", not "fats"\n'
            '    3 | mode = "fats"\n'
            '      |        ^^^^^^ did you mean "fast"?'
        ),
        (
            "f:4:15: cannot read table t: item 2 of items must be text, not a number\n"
            '    4 | items = ["a", 1]\n'
            '      |               ^ write it in quotes: "1"'
        ),
        (
            'f:5:11: cannot read table t: unknown key "inner.onn"\n'
            "    5 | inner = { onn = 1, on = 2 }\n"
            '      |           ^^^ did you mean "on"?'
        ),
        (
            "f:5:25: cannot read table t: inner.on must be true or false, not a number\n"
            "    5 | inner = { onn = 1, on = 2 }\n"
            "      |                         ^"
        ),
        (
            "f:6:9: cannot read table t: maybe must be text, not a date\n"
            "    6 | maybe = 1979-05-27\n"
            '      |         ^^^^^^^^^^ for example "…"'
        ),
        ('f:7:1: cannot read table t: "later" is not supported yet\n    7 | later = 1\n      | ^^^^^'),
        (
            'f:8:1: cannot read table t: unknown key "max_count"\n'
            "    8 | max_count = 1\n"
            '      | ^^^^^^^^^ did you mean "max-count"?'
        ),
        (
            'f:9:1: cannot read table t: unknown key "hidden"\n'
            "    9 | hidden = 1.0\n"
            "      | ^^^^^^ known here: name, max-count, mode, items, maybe, inner, part"
        ),
    ]


def test_no_table():
    """A value where a table belongs is one problem."""
    table, problems = read("t = 3\n")
    assert table is None
    assert problems == ["f:1:1: cannot read table t: it must be a table\n    1 | t = 3\n      | ^"]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ('inner = "x"', "inner must be a table, not text"),
        ("max-count = true", "max-count must be a whole number, not true"),
        ("max-count = 1.5", "max-count must be a whole number, not a number"),
        ('items = "a"', "items must be a list, not text"),
        ("mode = []", 'mode must be one of "fast", "slow", not a list'),
        ("maybe = {}", "maybe must be text, not a table"),
        ('maybe = "a\\u0000"', "maybe contains a NUL character"),
        ("items = [" + '"",' * 1001 + "]", "items has 1001 items, more than 1000"),
    ],
)
def test_wrong_values(value, why):
    """A wrong type is named in plain words."""
    _, problems = read(f'[t]\nname = "x"\n{value}\n')
    assert len(problems) == 1
    assert problems[0].split("\n")[0].partition("table t: ")[2] == why


def test_label():
    """Paths as a person says them."""
    assert label(("restart", "max-delay")) == "restart.max-delay"
    assert label(("sockets", 0)) == "item 1 of sockets"
    assert label(("requires", 1, "service")) == "service in item 2 of requires"


def test_type_without_kind():
    """A declaration that cannot be read is a mistake of ours, told at its first use."""

    class Wrong(Section):
        number: complex = 0

    with pytest.raises(TypeError, match="no kind for"):
        Wrong.keys()


class Choices(Section):
    WHOLE: ClassVar[bool] = True

    one: bool = False
    other: bool = False


class Layered(Section):
    mode: str = "m"
    as_: str = "a"
    inner: Inner = Inner()
    more: Table = Table(name="t")
    choices: Choices = Choices()


def test_layers():
    """Tables add up key by key, those whose keys exclude one another and lists do not; neither layer is changed."""
    lower = {
        "mode": "low",
        "as_": "low",
        "more": {"name": "x", "items": ("a", "b")},
        "choices": {"one": True},
    }
    upper = {
        "mode": "up",
        "inner": {"on": True},
        "more": {"max_count": 2, "items": ("c",)},
        "choices": {"other": True},
    }
    before = repr((lower, upper))
    whole = build(Layered, merge(Layered, upper, lower))
    assert whole == Layered(
        mode="up",
        as_="low",
        inner=Inner(on=True),
        more=Table(name="x", max_count=2, items=("c",)),
        choices=Choices(other=True),
    )
    assert repr((lower, upper)) == before


def test_key_that_is_a_word_of_python():
    """A field that ends in `_` is a key without it."""
    assert list(Layered.keys()) == ["mode", "as", "inner", "more", "choices"]
