"""Values as users write them."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snowfox.service.written import address, shell_character, split


@given(st.text("ab '\"\\\t\n|é"))
def test_split_as_a_shell(text):
    """Words are those of the standard library's shell lexer, with and without quotes."""
    try:
        expected = tuple(shlex.split(text))
    except ValueError:
        expected = ()
    if expected:
        assert split(text) == expected
    else:
        with pytest.raises(ValueError, match="the command"):
            split(text)


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("a | b", "|"),
        ("a || b", "||"),
        ("a && b", "&&"),
        ("a > b", ">"),
        ("ls *.py", "*"),
        ("a $(b)", "$("),
        ("curl http://x/?a=1&b=2", ""),
        ("sh -c 'a | b > c'", ""),
        ('sh -c "a && $(b)"', ""),
        (r"a \| b", ""),
        ("a $B ${C}", ""),
    ],
)
def test_shell_characters(command, found):
    """What only a shell understands is seen, unless it is quoted."""
    assert shell_character(command) == found


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("localhost:80", "127.0.0.1:80"),
        ("*:80", "0.0.0.0:80"),
        (":80", "0.0.0.0:80"),
        ("[::1]:80", "[::1]:80"),
        ("udp:127.0.0.1:53", "udp:127.0.0.1:53"),
        ("unix:run/x.sock", "unix:run/x.sock"),
        ("unix:@name", "unix:@name"),
    ],
)
def test_addresses(text, canonical):
    """All forms are taken, names of hosts become numbers."""
    assert str(address(text)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "80",
        "x:80",
        "127.0.0.1",
        "127.0.0.1:65536",
        "256.0.0.1:80",
        "1.2.3:80",
        "[1::2::3]:80",
        "::1:80",
        "unix:",
        "x" * 5000,
        "a:\n1",
        "unix-datagram:x",
        "1.2.3.4:" + "9" * 4000,
    ],
)
def test_no_addresses(text):
    """What is none is refused with a sentence."""
    with pytest.raises(ValueError, match=r"\S+ \S+"):
        address(text)
