"""Plain TOML, against tomllib."""

import time
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snowfox.core.config import plain

PLAIN = """
# a comment
[node]
name = "shop-1"   # who we are

[service.web]
command = ["python3", "app.py", 1, true,]
restart = { delay = "0s", limit = 1000, success = [0, 3] }
\tinstances = 2
[ service . "shop.web" ]
command="python3 app.py"
environment = {}
autostart = false
a = []
"""


def test_what_is_plain():
    """All of it is read, and as tomllib reads it, types included."""
    assert repr(plain.read(PLAIN)) == repr(tomllib.loads(PLAIN))
    assert plain.read("") == {}


@pytest.mark.parametrize(
    "text",
    [
        "a = 1.5",
        "a = 0x10",
        "a = 1_000",
        "a = +1",
        "a = 'x'",
        'a = "x\\n"',
        'a = """x"""',
        "a = 1979-05-27",
        "a.b = 1",
        "[a.b.c]",
        "[[a]]",
        "a = [\n1]",
        "a = { b = { c = 1 } }",
        "[a.b]\n[a]",
        "[a]\n[a.b]",
    ],
)
def test_what_is_left_to_tomllib(text):
    """TOML, but not plain."""
    tomllib.loads(text)
    assert plain.read(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "a = 1\na = 2",
        "[a]\n[a]",
        "[a.b]\n[a.b]",
        '[a.b]\n[a."b"]',
        "a = 1\n[a]",
        "a = 1\n[a.b]",
        "a = {}\n[a.b]",
        "a = { b = 1, b = 2 }",
        "a = { b = 1, }",
        "a = [,]",
        "a = [1,,2]",
        "a = 01",
        "a = 1 b = 2",
        'a = "x" "y"',
        "a = yes",
        "[a",
        "a",
        "= 1",
        "# \x00",
        'a = "\x01"',
        "a = 1 \r",
    ],
)
def test_mistakes_are_left_to_tomllib(text):
    """Whatever is no TOML has its message from there."""
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(text)
    assert plain.read(text) is None


PARTS = st.sampled_from(
    [
        *("a", "b", "service", "web", '"c.d"', '"c"', "1", "-2", "0", "00", "-0", "1.5", "true", "truefalse"),
        *(
            "=",
            " = ",
            ".",
            ",",
            ", ",
            "[",
            "]",
            "{",
            "}",
            "[[",
            "#",
            " ",
            "\t",
            "\n",
            "\n",
            "\n[",
            "]\n",
            '"',
        ),
        *(
            "\\",
            "'",
            '"x # y"',
            '"[1, 2]"',
            '"""',
            "\u2028",
            "\x85",
            "\x7f",
            "é",
            "a = 1",
            "\n[a.b]\n",
            "[]",
            "{}",
        ),
        *("b = { c = 1, d = [2] }", '["x", "y"]', '{ x = "a = 1", y = [] }'),
    ]
)


@given(st.lists(PARTS, max_size=14).map("".join))
@settings(max_examples=1500, deadline=None)
def test_it_never_differs_from_tomllib(text):
    """Whatever it reads is TOML, and the same tree."""
    found = plain.read(text)
    if found is not None:
        assert repr(found) == repr(tomllib.loads(text))


@pytest.mark.parametrize(
    "text",
    [
        "a = [" + " " * 200_000 + "x",
        "a = [" + "1," * 100_000 + "x",
        "a = {" + "b = 1," * 100_000 + "x",
        'a = "' + "x" * 500_000,
        "[" + " " * 500_000,
        " " * 500_000 + "=",
        "a = [1" + " " * 200_000 + "]x",
    ],
)
def test_no_text_takes_long(text):
    """Time grows with the length, whatever is written."""
    began = time.process_time()
    assert plain.read(text) is None
    assert time.process_time() - began < 2
