"""How one thing that is wrong is shown."""

from snowfox.core.config.problem import WIDEST, Problem, counted, printable, quoted


def test_shown_as_documented():
    """Place, text, the line, a mark below what is meant, the hint."""
    problem = Problem(
        'cannot read service web: unknown key "restrt"',
        'did you mean "restart"?',
        "snowfox.toml",
        12,
        1,
        'restrt = { when = "always" }',
        6,
    )
    assert problem.show() == (
        'snowfox.toml:12:1: cannot read service web: unknown key "restrt"\n'
        '   12 | restrt = { when = "always" }\n'
        '      | ^^^^^^ did you mean "restart"?'
    )


def test_without_place():
    """Of a file as a whole only file, text and hint are shown."""
    assert (
        Problem("it is empty", "write something", "a.toml").show()
        == "a.toml: it is empty\n   write something"
    )
    assert Problem("it is empty").show() == "it is empty"


def test_warning_says_so():
    """A warning is told apart by its text."""
    assert (
        Problem("odd", "", "a.toml", 1, 1, "x", is_warning=True)
        .show()
        .startswith("a.toml:1:1: warning: odd\n")
    )


def test_mark_stands_below_wide_letters_and_tabs():
    """Letters of two cells move the mark by two, a tab is one cell."""
    lines = Problem("no", "", "f", 1, 5, '\t漢字 "x"', 3).show().splitlines()
    assert lines[1:] == ['    1 |  漢字 "x"', "      |       ^^^"]


def test_long_line_is_cut_around_the_mark():
    """What is meant stays in sight, with signs where the line goes on."""
    source = "a" * 500 + "HERE" + "b" * 500
    lines = Problem("no", "", "f", 1, 501, source, 4).show().splitlines()
    shown = lines[1].removeprefix("    1 | ")
    assert len(shown) == WIDEST + 4
    assert shown.startswith("… a")
    assert shown.endswith("b …")
    start = lines[2].index("^")
    assert lines[1][start : start + 4] == "HERE"


def test_nothing_moves_the_terminal():
    """Escape sequences of a hostile file are not passed on."""
    assert "\x1b" not in Problem("no", "", "f", 1, 1, "\x1b[2Jx", 5).show()
    assert quoted("a\x1b[31m\nb") == '"a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}b"'
    assert printable("a\tb") == "a b"


def test_quoted_is_short():
    """A word of any length fits on a line."""
    assert len(quoted("x" * 5000)) == WIDEST + 2


def test_counted():
    """One has no plural."""
    assert (counted(1, "error"), counted(2, "error")) == ("1 error", "2 errors")
