"""A TOML text with positions, and its syntax errors in plain words."""

import pytest

from snowfox.core.config.document import Document, parse
from snowfox.core.config.problem import Problem


def test_positions():
    """A problem lands on the key, the value, a part of the value, or on what holds a path that is not written."""
    document = parse("f", '[a.b]\nkey = "one ${X} two"\n')
    assert isinstance(document, Document)
    assert document.tree == {"a": {"b": {"key": "one ${X} two"}}}

    def where(*way, **place):
        problem = document.problem(way, Problem("x"), **place)
        return problem.line, problem.column, problem.width

    assert where("a", "b", "key", part="key") == (2, 1, 3)
    assert where("a", "b", "key") == (2, 7, 14)
    assert where("a", "b", "key", within="${X}") == (2, 12, 4)
    assert where("a", "b", "key", within="nowhere") == (2, 7, 14)
    assert where("a", "b", "missing") == (1, 2, 3)
    assert where("other") == (1, 1, 1)


def test_line_ends_of_other_systems():
    """Columns do not count a carriage return."""
    document = parse("f", "a = 1\r\nb = 2\r\n")
    assert isinstance(document, Document)
    problem = document.problem(("b",), Problem("x"))
    assert (problem.line, problem.column, problem.source) == (2, 5, "b = 2")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a = 1\nb 2\n", 'f:2:3: cannot read f: expected "=" after the key\n    2 | b 2\n      |   ^'),
        (
            "a = yes\n",
            'f:1:5: cannot read f: this is no value\n    1 | a = yes\n      |     ^ text is written in quotes: "…"',
        ),
        (
            'a = "x\n',
            'f:1:7: cannot read f: a quote is not closed\n    1 | a = "x\n      |       ^',
        ),
        ('a = "x', 'f:1:7: cannot read f: a quote is not closed\n    1 | a = "x\n      |       ^'),
        ("[a]\n[a]\n", "f:2:3: cannot read f: this table is written twice\n    2 | [a]\n      |   ^"),
        ("a = 1\na = 2\n", "f:2:6: cannot read f: this is written twice\n    2 | a = 2\n      |      ^"),
        (
            "a = [1\nb = 2\n",
            'f:2:1: cannot read f: a list is not closed: expected "," or "]"\n    2 | b = 2\n      | ^',
        ),
        (
            "a = 1 b = 2\n",
            "f:1:7: cannot read f: expected the end of the line\n    1 | a = 1 b = 2\n      |       ^ one key = value per line",
        ),
        (
            "[a\n",
            'f:1:3: cannot read f: expected "]" at the end of the table\'s name\n    1 | [a\n      |   ^',
        ),
        (
            'a = "\\d"\n',
            "f:1:6: cannot read f: a backslash means nothing here\n    1 | a = \"\\d\"\n      |      ^ write it twice, or use 'single quotes'",
        ),
    ],
)
def test_syntax_errors(text, shown):
    """The first thing that makes it no TOML, where it is, in words for a person."""
    problem = parse("f", text)
    assert isinstance(problem, Problem)
    assert problem.show() == shown


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("x = 1\ny = " + "[" * 100_000, (2, 69)),
        ("a = 1\n" + "a." * 100_000 + "b = 1", (2, 129)),
        ("x = " + "{a=" * 5000, (1, 197)),
    ],
    ids=["lists", "keys", "tables"],
)
def test_depth_is_bounded(text, place):
    """Text that nests without end is refused where it goes too deep, and at once."""
    problem = parse("f", text)
    assert isinstance(problem, Problem)
    assert problem.text == "cannot read f: this is nested more than 64 levels deep"
    assert (problem.line, problem.column) == place


def test_endless_number():
    """A number that int() does not take is a problem of the file, not of ours."""
    problem = parse("f", "a = 1\nb = " + "9" * 5000)
    assert isinstance(problem, Problem)
    assert (problem.text, problem.line, problem.column) == ("cannot read f: this number is too long", 2, 5)
