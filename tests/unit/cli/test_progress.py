"""The progress of an operation."""

from __future__ import annotations

import io
import json
import signal
from collections.abc import Iterator

import pytest

from snowfox.cli import paper, progress
from snowfox.cli.paper import Paper
from snowfox.contract.manager import Progress
from snowfox.core.clock import using
from snowfox.testing.clock import VirtualClock

pytestmark = pytest.mark.timeout(120, method="thread")  # its other method needs the timer that we test

END = Progress("", "done", "2 instances ready", 1900, last=True)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """It is."""
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """What we print on is a terminal without colour."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(paper, "out", lambda: Paper(terminal))
    return terminal


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    """Time is the test's."""
    clock = VirtualClock()
    with using(clock):
        yield clock


def test_settled_instances_have_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each that settled, none for those under way; the end is given back, not printed."""
    items = [
        Progress("cache", "starting", "", 600),
        Progress("cache", "ready", "", 100),
        Progress("shop.web@1", "failed", "exit 1 after 0.2 s", 1900),
        END,
        Progress("late", "ready", "", 2000),
    ]
    assert progress.follow(items, as_json=False) is END
    assert capsys.readouterr().out == (
        "✓ cache          ready      0.1 s\n✗ shop.web@1     failed     1.9 s  exit 1 after 0.2 s\n"
    )


def test_what_waits_has_a_line_once_that_is_how_it_stays(capsys: pytest.CaptureFixture[str]) -> None:
    """For its schedule, or for a connection; not what only waits for others."""
    steps = [
        Progress("web", "waiting", "waits for cache", 600),
        Progress("report", "waiting", "next run in 4 m, at 10:15", 600, is_settled=True),
    ]
    progress.follow(steps, as_json=False)
    assert [line.split()[1:] for line in capsys.readouterr().out.splitlines()] == [
        ["report", "waiting", "0.6", "s", "next", "run", "in", "4", "m,", "at", "10:15"]
    ]


def test_at_once_is_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    """What was ready at once is said to be ready, not to be so after 0.0 s."""
    progress.follow([Progress("web", "ready", "", 49), Progress("api", "ready", "", 51)], as_json=False)
    assert capsys.readouterr().out == "✓ web            ready\n✓ api            ready      0.1 s\n"


def test_who_will_not_get_there_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """An instance that waits for what has failed, one that runs against its stop: not under way, and not well."""
    items = [
        Progress("web", "waiting", "waits for cache, which has failed", 100, is_well=False),
        Progress("api", "ready", "", 100, is_well=False),
    ]
    progress.follow(items, as_json=False)
    assert capsys.readouterr().out == (
        "✗ web            waiting    0.1 s  waits for cache, which has failed\n"
        "✗ api            ready      0.1 s\n"
    )


def test_quiet_shows_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing of those that went well."""
    items = [Progress("a", "stopped", "", 0), Progress("b", "stuck", "KILL did not end it", 0)]
    assert progress.follow(items, as_json=False, quiet=True) is None
    assert capsys.readouterr().out == "✗ b              stuck             KILL did not end it\n"


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Each item is an object with the fields of the contract, the end too."""
    item = Progress("a", "starting", "x", 5)
    assert progress.follow([item, END, item], as_json=True) is END
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [item._asdict(), END._asdict()]
    assert progress.follow([item], as_json=True) is None


def test_the_end_goes_where_it_belongs(capsys: pytest.CaptureFixture[str]) -> None:
    """Well: standard output. Not well: standard error, details first, and the code is the node's. JSON has it already."""
    assert progress.finish(END, as_json=False) == 0
    assert capsys.readouterr() == ("2 instances ready\n", "")
    bad = END._replace(state="refused", message="1 error", code=3, details=["a.toml:1:1: bad\n   | ^"])
    assert progress.finish(bad, as_json=False) == 3
    assert capsys.readouterr() == ("", "a.toml:1:1: bad\n   | ^\n1 error\n")
    assert progress.finish(bad, as_json=True) == 3
    assert capsys.readouterr() == ("", "")


def test_the_last_line_in_a_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal; the lines before it are as they are."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    bad = END._replace(state="refused", message="another runs", code=3, details=["a: bad"])
    assert progress.finish(bad, as_json=False, colour="yellow") == 3
    assert terminal.getvalue() == "a: bad\n\x1b[33manother runs\x1b[0m\n"


def test_without_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    """The session ended before the operation did: that is a failure."""
    assert progress.finish(None, as_json=False) == 1
    assert capsys.readouterr().err == (
        "cannot follow the operation: the node ended the session\n   see: snowfox status\n"
    )


def test_a_moving_line(terminal: Terminal, clock: VirtualClock) -> None:
    """On the timer's signal it says what is under way and since when; it is erased before a line that stays."""

    def items() -> Iterator[Progress]:
        for name in "abcde":
            yield Progress(name, "starting", "", 600)
        clock.advance("1500ms")
        signal.raise_signal(signal.SIGALRM)
        yield Progress("a", "ready", "", 1500)
        yield END

    progress.follow(items(), as_json=False)
    assert terminal.getvalue() == (
        "\r\x1b[Ka starting, b starting, c starting and 2 more … 1.5 s"
        "\r\x1b[K✓ a              ready      1.5 s\n"
    )


def test_the_timer_is_real_and_ends(terminal: Terminal) -> None:
    """The kernel's timer is set for half a second while something is under way, and gone after, with its handler."""
    before = signal.getsignal(signal.SIGALRM)
    with progress.waiting("asking"):
        assert signal.getitimer(signal.ITIMER_REAL)[1] == progress.SHOWN_AFTER
        assert signal.getsignal(signal.SIGALRM) != before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == before
    assert terminal.getvalue() == ""


def test_it_is_erased_whatever_happens(terminal: Terminal, clock: VirtualClock) -> None:
    """An error's line does not stand behind it."""
    with pytest.raises(KeyboardInterrupt):
        with progress.waiting("asking the node"):
            signal.raise_signal(signal.SIGALRM)
            raise KeyboardInterrupt
    assert terminal.getvalue() == "\r\x1b[Kasking the node … 0.0 s\r\x1b[K"


def test_it_fits_the_terminal(
    terminal: Terminal, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that wraps could not be erased: it is cut, also where hardly anything fits."""
    for width, text in ((20, "waiting f … 0.0 s"), (5, " … 0.0 s")):
        monkeypatch.setattr(Paper, "width", width)
        with progress.waiting("waiting for a long name"):
            signal.raise_signal(signal.SIGALRM)
        assert terminal.getvalue().split("\x1b[K")[-2] == f"{text}\r"


def test_not_into_files(capsys: pytest.CaptureFixture[str]) -> None:
    """What is no terminal gets no moving line, and no timer is set."""
    with progress.waiting("asking"):
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert capsys.readouterr() == ("", "")
