"""Files of variables."""

from snowfox.core.config.source import File
from snowfox.service.dotenv import Dotenv


def test_lines():
    """Quotes, comments, `export`; a later line replaces an earlier one; each knows its line."""
    found = Dotenv(File("f", '# comment\nexport A=1 # c\nB=\'${x} # y\'\n\nC="a\\nb\\""\nA=2\n', 0))
    assert {name: variable.value for name, variable in found.variables.items()} == {
        "A": "2",
        "B": "${x} # y",
        "C": 'a\nb"',
    }
    assert [found.line(name) for name in "ABC"] == [6, 3, 5]
    assert found.problems == []


def test_mistakes():
    """Each with its place; the rest is read all the same."""
    found = Dotenv(File("f", "x\nA=1\n2=3\nB='\n", 0))
    assert [(problem.line, problem.column) for problem in found.problems] == [(1, 1), (3, 1), (4, 3)]
    assert list(found.variables) == ["A"]
