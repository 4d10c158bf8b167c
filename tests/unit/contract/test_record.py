"""The format of records."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from snowfox.contract.record import (
    Failed,
    Main,
    Record,
    Started,
    exit_line,
    failed_line,
    instance_of,
    is_note,
    is_token,
    launched_line,
    main_line,
    note_line,
    parse,
    parse_failed,
    sockets_line,
)
from snowfox.values import UNKNOWN_EXIT, Exit

ID = "01JD0000000000000000000000"
STARTED = Started(17, 123456789, "0b8c", 4026531836)


def test_whole_life() -> None:
    """All lines of a launch are read back."""
    content = (
        sockets_line(["front=127.0.0.1:80", "b=unix:/x y"]) + launched_line(STARTED) + exit_line(Exit(3), 99)
    )
    assert parse(content) == Record(STARTED, None, Exit(3), 99, ("front=127.0.0.1:80", "b=unix:/x y"))


def test_note() -> None:
    """A note is read back beside the rest; a record of before there were notes has none, and what is no note is none."""
    content = sockets_line(["a=b"]) + note_line("0af9") + launched_line(STARTED)
    assert parse(content) == Record(STARTED, sockets=("a=b",), note="0af9")
    assert parse(launched_line(STARTED)).note == ""
    assert parse(b"note xyz\n" + launched_line(STARTED)) == Record(STARTED)
    assert [is_note(text) for text in ("", "f" * 64, "f" * 65, "F", "0\n")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_another_main_process() -> None:
    """The last that is named is the main process; an exit above it was of the one before, and what was launched stays."""
    content = launched_line(STARTED) + exit_line(Exit(0), 5) + main_line(Main(18, 6))
    assert parse(content) == Record(STARTED, followed=Main(18, 6))
    assert parse(content).main == Main(18, 6)
    again = parse(content + main_line(Main(19, 7)) + exit_line(Exit(3), 8))
    assert (again.main, again.exit, again.exit_at) == (Main(19, 7), Exit(3), 8)
    assert parse(launched_line(STARTED)).main == Main(STARTED.pid, STARTED.at)
    assert parse(b"main x 1\nmain 1\n").main is None


def test_empty_is_never_launched() -> None:
    """An empty record, or one with only its sockets, says that nothing was launched."""
    assert parse(b"") == Record()
    assert parse(sockets_line(["a=b"])).started is None


def test_first_exit_counts() -> None:
    """A second reaper changes nothing."""
    content = launched_line(STARTED) + exit_line(Exit(None, 9), 5) + exit_line(UNKNOWN_EXIT, 6)
    assert (parse(content).exit, parse(content).exit_at) == (Exit(None, 9), 5)


def test_unknown_exit() -> None:
    """An exit that nobody saw is neither code nor signal."""
    assert parse(launched_line(STARTED) + exit_line(UNKNOWN_EXIT, 6)).exit == UNKNOWN_EXIT


def test_failed_after_launched() -> None:
    """An execution that failed comes after the line of the process and wins."""
    record = parse(launched_line(STARTED) + failed_line(Failed("execute", "/bin/x", 2)))
    assert record.failed == Failed("execute", "/bin/x", 2)


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8")))
def test_any_folder_in_a_failure(name: str) -> None:
    """Any name comes back whole, tabs and newlines too."""
    failed = Failed("change to folder", name, 13)
    assert parse(failed_line(failed)).failed == failed
    assert parse_failed(failed_line(failed).decode()) == failed


@given(st.binary(max_size=200))
def test_anything_can_be_read(content: bytes) -> None:
    """Whatever is in the file, reading it does not fail."""
    parse(content)


def test_cut_anywhere() -> None:
    """A record cut at any byte says what its whole lines say."""
    lines = [sockets_line(["a=b"]), launched_line(STARTED), exit_line(Exit(1), 7)]
    content = b"".join(lines)
    for end in range(len(content)):
        whole = content[:end].count(b"\n")
        assert parse(content[:end]) == parse(b"".join(lines[:whole]))


def test_tokens() -> None:
    """Only INSTANCE~ID is a token: nothing that leaves the folder or hides in it."""
    assert is_token(f"shop.web@1~{ID}")
    assert is_token(f"web~{ID}")
    for bad in (
        "",
        ".",
        "..",
        "web",
        f"~{ID}",
        f"../web~{ID}",
        f"a/b~{ID}",
        f".web~{ID}",
        f"web~{ID}.out",
        f"web~{ID}\n",
    ):
        assert not is_token(bad), bad
    assert not is_token(f"{'a' * 200}~{ID}")


def test_instance() -> None:
    """The instance is what stands before the id."""
    assert instance_of(f"shop.web@1~{ID}") == "shop.web@1"
