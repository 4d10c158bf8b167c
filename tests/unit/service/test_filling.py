"""`${NAME}` in texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snowfox.service.filling import Use, fill, is_variable, plain, uses


def test_fill():
    """Names are filled in once; what was filled in is not looked at again."""
    values = {"A": "${B} c", "B": "b"}
    assert fill("x ${A}-${B} $B $$ $(B)", values.__getitem__) == "x ${B} c-b $B $$ $(B)"


def test_escape():
    """`$${` is a plain `${`."""
    assert fill("$${A} ${A}", lambda _: "a") == "${A} a"
    assert uses("$${A}") == []


@given(st.text("${}A:$"))
def test_plain(text):
    """Any text can be written so that it comes out as it is."""
    assert fill(plain(text), lambda name: pytest.fail(f"{name} was asked for")) == text
    assert uses(plain(text)) == []


def test_missing_name():
    """What the values say of a missing name passes through."""
    with pytest.raises(KeyError):
        fill("${A}", {}.__getitem__)


def test_uses():
    """Each use with its name, or why it has none."""
    assert uses("${A} ${B:-x} ${1} ${") == [
        Use("${A}", "A"),
        Use("${B:-x}", "B", 'a default, as in "${B:-x}", is not supported yet'),
        Use("${1}", "", '"${1}" is not a name', 'a plain "${" is written "$${"'),
        Use("${", "", '"${" is not closed', 'a plain "${" is written "$${"'),
    ]


def test_variables():
    """Names as a shell takes them."""
    assert [is_variable(name) for name in ("A_1", "_", "1A", "a-b", "")] == [True, True, False, False, False]
