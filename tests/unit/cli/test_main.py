"""The program: words to commands, errors to lines and exit codes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from snowfox import errors
from snowfox.cli import main as program
from snowfox.errors import (
    ConfigurationRefused,
    ConnectionLost,
    DeadlineExceeded,
    InternalError,
    NoNode,
    NotFound,
    NotPermitted,
    PosixError,
    SnowFoxError,
    UsageError,
)

ROOT = Path(__file__).parents[3]


def snowfox(*words: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """The real program in a process of its own, in an empty folder where there is no node."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src"), "LANG": "C.UTF-8"}
    environment |= more.pop("env", {})
    return subprocess.run(
        [sys.executable, "-m", "snowfox.cli.main", *words],
        env=environment,
        check=False,
        timeout=60,
        **{"capture_output": True, **more},
    )


def replace_command(monkeypatch: pytest.MonkeyPatch, does: Any) -> None:
    """`snowfox modules` runs this instead."""

    def run(_: object) -> int:
        if isinstance(does, BaseException):
            raise does
        return does()

    module = SimpleNamespace(add=lambda _: None, run=run)
    monkeypatch.setattr(program, "import_module", lambda _: module)


def test_version(played: Any) -> None:
    """It is the one of the distribution, also with a command behind it."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert played.run("--version") == (0, f"snowfox {version}\n", "")
    assert played.run("--version", "status") == (0, f"snowfox {version}\n", "")


@pytest.mark.parametrize("words", [("--help",), ("-h",), ("help",)])
def test_help_lists_all_commands_and_codes(played: Any, words: tuple[str, ...]) -> None:
    """Each command has a line, each exit code a meaning, and no line is wider than a terminal."""
    code, out, err = played.run(*words)
    assert (code, err) == (0, "")
    for name, (_, summary) in program.COMMANDS.items():
        assert f"  {name:<9} {summary}\n" in out
    assert {*program.EXIT_CODES.values(), 0, 1, 5, 8, 130} == set(program.MEANINGS)
    for number, meaning in program.MEANINGS.items():
        assert f"  {number:<9} {meaning}\n" in out
    assert max(map(len, out.splitlines())) <= 88


def test_help_without_words_is_wrong_use(played: Any) -> None:
    """The same text, on standard error, with exit code 2."""
    code, out, err = played.run()
    assert (code, out) == (2, "")
    assert err.startswith("usage: snowfox")


@pytest.mark.parametrize("name", [*program.COMMANDS, *program.ALIASES])
def test_help_of_each_command(played: Any, name: str) -> None:
    """`snowfox help NAME` and `snowfox NAME --help` are the same: usage, what it does, and the common options."""
    code, out, err = played.run("help", name)
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: snowfox {program.ALIASES.get(name, name)} ")
    assert "--node FOLDER" in out
    assert "--debug" in out
    assert played.run(name, "--help") == (code, out, err)
    assert played.asked == []


@pytest.mark.parametrize(
    ("words", "line", "hint"),
    [
        (("statsu",), 'there is no "statsu"', 'did you mean "status"?'),
        (("xyzzy",), 'there is no "xyzzy"', "see: snowfox --help"),
        (("help", "upp"), 'there is no "upp"', 'did you mean "up"?'),
        (("--jsno",), 'there is no option "--jsno"', "see: snowfox --help"),
        (("--node", "x"), "no command given", "see: snowfox --help"),
        (("--node=x",), "no command given", "see: snowfox --help"),
        (("status", "--jsno"), 'there is no option "--jsno"', 'did you mean "--json"?'),
        (("status", "--node"), "--node: expected one argument", "see: snowfox status --help"),
    ],
)
def test_wrong_words(played: Any, words: tuple[str, ...], line: str, hint: str) -> None:
    """Exit code 2, one line that says what, one what to do."""
    assert played.run(*words) == (2, "", f"cannot read the command: {line}\n   {hint}\n")


@pytest.mark.parametrize(
    "words", [("--node", "/srv/a", "modules"), ("modules", "--node", "/srv/a"), ("--node=/srv/a", "modules")]
)
def test_options_before_and_after_the_command(played: Any, words: tuple[str, ...]) -> None:
    """`--node` is understood in both places."""
    played.answers["modules"] = []
    assert played.run(*words)[0] == 0
    assert played.options.node == "/srv/a"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (ConfigurationRefused("x"), 3),
        (NotFound("x"), 4),
        (NoNode("x"), 6),
        (NotPermitted("x"), 7),
        (DeadlineExceeded("x"), 1),
        (ConnectionLost("x"), 1),
        (InternalError("x"), 1),
        (PosixError("open", "x", errno.EACCES), 1),
    ],
)
def test_errors_have_exit_codes(
    monkeypatch: pytest.MonkeyPatch, played: Any, error: SnowFoxError, code: int
) -> None:
    """Each class of the tree has the documented code, and its text is the one line that is shown."""
    replace_command(monkeypatch, error)
    assert played.run("modules") == (code, "", f"{error}\n")


def test_every_error_of_the_tree_has_a_code() -> None:
    """No class is forgotten: a subclass has its nearest parent's code."""
    waiting: list[type[SnowFoxError]] = [SnowFoxError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        assert program.exit_code(kind()) in program.MEANINGS

    class Special(errors.NoNode):
        """One that the table does not name."""

    assert program.exit_code(Special("x")) == 6


def test_problems_text_and_hint_are_shown(monkeypatch: pytest.MonkeyPatch, played: Any) -> None:
    """First all problems, then what they amount to, then what to do, indented, each line of it."""
    error = ConfigurationRefused("2 errors", "do this\nor that", ["a.toml:1:1: bad\n  | ^", "b"])
    replace_command(monkeypatch, error)
    assert played.run("modules")[2] == "a.toml:1:1: bad\n  | ^\nb\n2 errors\n   do this\n   or that\n"


def test_a_message_cannot_move_the_terminal(monkeypatch: pytest.MonkeyPatch, played: Any) -> None:
    """Control characters from elsewhere are replaced."""
    replace_command(monkeypatch, NotFound('no "\x1b[2J"', "try \x07"))
    assert played.run("modules")[2] == 'no "�[2J"\n   try �\n'


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (KeyError(), "KeyError"),
        (ValueError("two\nlines"), "ValueError: two lines"),
        (OSError(errno.ENOSPC, "x"), "no space left on device (ENOSPC)"),
        (OSError(errno.EACCES, "x", "/etc/a"), "/etc/a: permission denied (EACCES)"),
    ],
)
def test_unexpected_errors(monkeypatch: pytest.MonkeyPatch, played: Any, error: Exception, line: str) -> None:
    """One line instead of a stack trace, and exit code 1."""
    replace_command(monkeypatch, error)
    expected = f"snowfox failed inside: {line}\n   add --debug to see where\n"
    assert played.run("modules") == (1, "", expected)


@pytest.mark.parametrize(("error", "code"), [(ValueError("odd"), 1), (NotFound("odd"), 4)])
def test_debug_shows_the_trace(
    monkeypatch: pytest.MonkeyPatch, played: Any, error: Exception, code: int
) -> None:
    """With --debug, before or after the command, the trace comes before the line; the exit code is the same."""
    replace_command(monkeypatch, error)
    for words in (("--debug", "modules"), ("modules", "--debug")):
        found, _, err = played.run(*words)
        assert found == code
        assert "Traceback (most recent call last)" in err
        assert err.splitlines()[-1].endswith("odd")


def test_interrupted(monkeypatch: pytest.MonkeyPatch, played: Any) -> None:
    """Ctrl-C ends with 130 and says nothing."""
    replace_command(monkeypatch, KeyboardInterrupt())
    assert played.run("modules") == (130, "", "")


def test_a_reader_that_has_seen_enough() -> None:
    """A closed pipe is quiet: exit code 0, no complaint, not by the interpreter's end either."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = snowfox("--help", stdout=writer, stderr=subprocess.PIPE, capture_output=False)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_full_disk() -> None:
    """What cannot be printed is a failure, told in one line."""
    with open("/dev/full", "wb") as full:
        done = snowfox("--help", stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert (done.returncode, done.stderr) == (1, b"cannot print: no space left on device (ENOSPC)\n")


def test_closed_standard_streams(tmp_path: Path) -> None:
    """Without standard streams commands end with their codes, and nothing is opened in the streams' place."""
    command = f'exec "{sys.executable}" -m snowfox.cli.main "$@"'
    for closed in ("<&- >&- 2>&-", ">&-", "2>&-"):
        done = subprocess.run(
            ["sh", "-c", f"{command} {closed}", "sh", "status", "--node", str(tmp_path)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")},
            check=False,
            timeout=60,
        )
        assert done.returncode == 6


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_terminals_with_few_signs(encoding: str) -> None:
    """What the encoding has not is replaced; nothing fails."""
    done = snowfox("--help", env={"PYTHONIOENCODING": encoding})
    assert done.returncode == 0
    assert done.stdout.startswith(b"usage: snowfox [--node FOLDER] COMMAND ...\n")


def test_status_loads_little() -> None:
    """The command that scripts call most pays for nothing that it does not use."""
    code = (
        "import sys, snowfox.cli.main as main; code = main.run(['status', '--node', '/nowhere']);"
        "print(code, *sorted(sys.modules))"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"sys = __import__('sys'); sys.path.insert(0, {str(ROOT / 'src')!r}); {code}",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    code, *loaded = done.stdout.split()
    assert code == "6"
    heavy = {"asyncio", "dataclasses", "difflib", "inspect", "json", "logging", "pathlib", "shutil", "socket"}
    heavy |= {"subprocess", "textwrap", "threading", "tomllib", "traceback", "msgspec"}
    assert heavy & set(loaded) == set()
    ours = {name for name in loaded if name.startswith(("snowfox.service", "snowfox.core.config"))}
    assert ours == set()
