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


def test_default():
    """A default is taken for a name that is not set or empty, as it stands; it may be nothing."""
    values = {"SET": "set", "EMPTY": ""}
    assert fill("${SET:-a} ${EMPTY:-b c} ${NOT:-$x:-y} [${NOT:-}]", values.__getitem__) == "set b c $x:-y []"
    assert fill("$${NOT:-a}", values.__getitem__) == "${NOT:-a}"


def test_uses():
    """Each use with its name, or why it has none."""
    plain_hint = 'a plain "${" is written "$${"'
    assert uses("${A} ${B:-x} ${C:-} ${1} ${") == [
        Use("${A}", "A"),
        Use("${B:-x}", "B", "x"),
        Use("${C:-}", "C", ""),
        Use("${1}", "", fault='"${1}" is not a name', hint=plain_hint),
        Use("${", "", fault='"${" is not closed', hint=plain_hint),
    ]


def test_no_default():
    """A default holds no braces; what looks like another form of a shell is told how it is written here."""
    (nested,) = uses("${A:-${B}")
    assert (nested.fault, nested.written) == ("a default cannot hold braces", "${A:-${B}")
    for text in ("${A-x}", "${A:=x}", "${A:?x}", "${A:x}"):
        (use,) = uses(text)
        assert (use.fault, use.hint) == (f'"{text}" is not a name', 'a default is written "${A:-…}"')


def test_variables():
    """Names as a shell takes them."""
    assert [is_variable(name) for name in ("A_1", "_", "1A", "a-b", "")] == [True, True, False, False, False]
