"""Lines and columns of offsets."""

from hypothesis import given
from hypothesis import strategies as st

from snowfox.core.config.lines import Lines
from snowfox.core.config.problem import Problem


@given(st.text("ab\n", min_size=1, max_size=30), st.data())
def test_place_is_where_it_stands(text, data):
    """Line and column lead back to the offset, and the source is that line."""
    offset = data.draw(st.integers(0, len(text) - 1))
    problem = Lines("f", text).place((offset, offset + 1), Problem("x"))
    lines = text.split("\n")
    assert sum(len(line) + 1 for line in lines[: problem.line - 1]) + problem.column - 1 == offset
    assert problem.source == lines[problem.line - 1]


def test_mark_ends_with_the_line():
    """Of a value over several lines its first is marked."""
    problem = Lines("f", 'x = """a\nb"""\n').place((4, 13), Problem("x"))
    assert (problem.line, problem.column, problem.width) == (1, 5, 4)


def test_said():
    """Lines that say something, with the offset of their first letter."""
    assert Lines("f", "a\n  # no\n\n  b  \n").said() == [(0, "a"), (12, "b")]
