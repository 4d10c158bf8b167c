"""`snowfox`: finds the command, reads its words, turns errors into one line and an exit code.

Only the module of the command that was asked for is imported, so that `snowfox status` answers quickly. A command's
module has `add(parser)`, which declares its words, and `run(options)`, which returns the exit code.
"""

# pathlib costs 5 ms of import in every command.
# ruff: noqa: PTH123

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, Final, NoReturn

from snowfox.cli import paper
from snowfox.errors import (
    ConfigurationRefused,
    NoNode,
    NotFound,
    NotNow,
    NotPermitted,
    SnowFoxError,
    UsageError,
    errno_text,
)

VERSION: Final = "0.1.0"

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "init": ("init", "write a commented snowfox.toml"),
    "check": ("check", "read and check a configuration; no node needed"),
    "schema": ("schema", "print the JSON Schema of a configuration, for editors"),
    "up": ("up", "start the node and everything in it"),
    "down": ("down", "stop everything, then the node"),
    "plan": ("plan", "what another configuration would change, and what that costs"),
    "apply": ("apply", "make another configuration the one in force"),
    "confirm": ("confirm", "let an apply --confirm stay"),
    "rollback": ("rollback", "go back to a version of before"),
    "versions": ("versions", "the versions that are kept"),
    "status": ("status", "what runs, and whether all is as wanted"),
    "show": ("show", "all about a service, and where each key comes from"),
    "top": ("top", "what services take: processor, memory, descriptors; live"),
    "why": ("why", "why a service is as it is: what happened, who asked for it"),
    "env": ("env", "the environment of a service"),
    "start": ("control", "start services"),
    "stop": ("control", "stop services, until they are started again"),
    "restart": ("control", "stop and start services"),
    "scale": ("scale", "have more or fewer instances of services"),
    "reload": ("control", "have services read anew, or replace them"),
    "run": ("run", "run a command as a service would be run"),
    "signal": ("signal", "send a signal to the main processes of services"),
    "logs": ("logs", "what services printed"),
    "events": ("events", "what happened"),
    "wait": ("wait", "wait until services are ready, for scripts"),
    "modules": ("modules", "the parts of the node's manager"),
    "links": ("links", "whom the node's manager talks to, and how quickly they answer"),
    "promises": ("promises", "what the node's manager waits for"),
}
"""Name to (module in `snowfox.cli.commands`, what it does)."""

ALIASES: Final = {"ps": "status", "list": "status"}

EXIT_CODES: Final[dict[type[SnowFoxError], int]] = {
    UsageError: 2,
    ConfigurationRefused: 3,
    NotNow: 3,
    NotFound: 4,
    NoNode: 6,
    NotPermitted: 7,
}
"""Of errors; of what is not here, and not below what is here: 1."""

MEANINGS: Final = {
    0: "done; status: all is as wanted",
    1: "failed, or something did not get there",
    2: "wrong use",
    3: "status: not all is as wanted; check, plan, apply, up: refused, nothing moved",
    4: "no such service or instance; apply, rollback: rolled back",
    5: "apply, rollback: degraded",
    6: "no node there",
    7: "not allowed",
    8: "wait, --wait: timed out; plan --exit-code: there are changes",
    130: "interrupted",
}
"""All exit codes of all commands."""

FAILED: Final = 1
WRONG_USE: Final = 2
INTERRUPTED: Final = 130

_GARBAGE: Final = 20_000
"""New objects between two collections of the youngest."""
_COMMON: Final = frozenset({"--node", "--debug", "--help", "-h", "--version"})


def main(words: Sequence[str] | None = None) -> NoReturn:
    """The console script. Never returns: exits with the codes of the documentation."""
    # What is imported stays: to look through it for garbage takes longer than a short command has.
    gc.set_threshold(_GARBAGE)
    try:
        _open_missing()
        code = _flushed(run(sys.argv[1:] if words is None else words))
    except KeyboardInterrupt:
        code = INTERRUPTED
    raise SystemExit(code)


def run(words: Sequence[str]) -> int:
    """Run one command and return its exit code; what goes wrong is told in a line."""
    paper.prepare()
    is_debugged = "--debug" in words
    try:
        return _dispatch(list(words))
    except SystemExit as end:  # argparse has printed its help
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has seen enough
        _drop_output()
        return 0
    except SnowFoxError as error:
        show(error, with_trace=is_debugged)
        return exit_code(error)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a user sees no stack trace
        hint = "" if is_debugged else "   add --debug to see where"
        _complain([inside(error), hint], with_trace=is_debugged)
        return FAILED


def exit_code(error: SnowFoxError) -> int:
    """The exit code of an error: that of its nearest class with one, else 1."""
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), FAILED)


def show(error: SnowFoxError, *, with_trace: bool = False) -> None:
    """An error on standard error: its problems where it has some, one line, then what to do."""
    # A peer may have left the problems out.
    problems = (error.problems or []) if isinstance(error, ConfigurationRefused) else []
    lines = [line for text in (*problems, str(error)) for line in text.splitlines()]
    lines += ["   " + line for line in error.hint.splitlines()]
    _complain(lines, with_trace=with_trace)


def inside(error: Exception) -> str:
    """The line for an error that nobody thought of."""
    if isinstance(error, OSError) and error.errno is not None:
        what = f"{error.filename}: " if error.filename else ""
        return f"snowfox failed inside: {what}{errno_text(error.errno)}"
    return f"snowfox failed inside: {type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")


def overview() -> str:
    """What `snowfox --help` prints."""
    rows = "\n".join(f"  {name:<9} {summary}" for name, (_, summary) in COMMANDS.items())
    codes = "\n".join(f"  {code:<9} {meaning}" for code, meaning in MEANINGS.items())
    return (
        "usage: snowfox [--node FOLDER] COMMAND …\n\n"
        "Runs and watches the services of a host.\n\n"
        f"commands:\n{rows}\n\n"
        f"exit codes:\n{codes}\n\n"
        "snowfox COMMAND --help tells more of one; snowfox --version prints the version."
    )


def _dispatch(words: list[str]) -> int:
    given, name, rest = _split(words)
    if "--version" in given:
        print(f"snowfox {VERSION}")
        return 0
    if name == "help":
        given, name, rest = ["--help"], next(iter(rest), None), []
    if name is None:
        return _without_command(given)
    name = ALIASES.get(name, name)
    if name not in COMMANDS:
        raise _unknown(name)
    return _command(name, [*given, *rest])


def _command(name: str, words: list[str]) -> int:
    module = import_module(f"snowfox.cli.commands.{COMMANDS[name][0]}")
    code: int = module.run(_simple(module, name, words) or _read(module, name, words))
    return code


def _simple(module: ModuleType, name: str, words: list[str]) -> Any:
    """What the words of a command say that is asked often, without argparse; None where that is needed."""
    flags = getattr(module, "FLAGS", None)
    if flags is None:
        return None
    from snowfox.cli import simple  # noqa: PLC0415 - few commands have it

    short = getattr(module, "SHORT", simple.NOTHING)
    return simple.read(name, words, flags, getattr(module, "VALUES", None), short=short)


def _read(module: ModuleType, name: str, words: list[str]) -> Any:
    from snowfox.cli.words import Words  # noqa: PLC0415 - not every command needs argparse

    parser = Words(name, COMMANDS[name][1])
    module.add(parser)
    parser.add_argument("--node", metavar="FOLDER", help="the node's folder; default: found from here")
    parser.add_argument("--debug", action="store_true", help="show the stack trace of an error")
    return parser.read(words)


def _without_command(given: list[str]) -> int:
    unknown = next((word for word in given if word.startswith("-") and word not in _COMMON), None)
    if unknown is not None and not unknown.startswith("--node="):
        msg = f'cannot read the command: there is no option "{unknown}"'
        raise UsageError(msg, "see: snowfox --help")
    if "--help" in given or "-h" in given:
        print(overview())
        return 0
    if given:
        msg = "cannot read the command: no command given"
        raise UsageError(msg, "see: snowfox --help")
    print(overview(), file=sys.stderr)
    return WRONG_USE


def _split(words: list[str]) -> tuple[list[str], str | None, list[str]]:
    """(options before the command, the command, what follows)."""
    index = 0
    while index < len(words) and words[index].startswith("-"):
        index += 2 if words[index] == "--node" else 1
    if index >= len(words):
        return words, None, []
    return words[:index], words[index], words[index + 1 :]


def _unknown(name: str) -> UsageError:
    from snowfox.core.config.nearest import did_you_mean  # noqa: PLC0415 - only for a mistake

    hint = did_you_mean(name, [*COMMANDS, *ALIASES, "help"]) or "see: snowfox --help"
    return UsageError(f'cannot read the command: there is no "{name}"', hint)


def _complain(lines: Iterable[str], *, with_trace: bool) -> None:
    try:
        if with_trace:
            import traceback  # noqa: PLC0415 - only when asked for

            traceback.print_exc()
        print("\n".join(paper.safe(line) for line in lines if line), file=sys.stderr, flush=True)
    except OSError:
        pass  # nobody can be told; the exit code says it


def _flushed(code: int) -> int:
    """The exit code once all that was printed has gone."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
    except OSError as error:
        _drop_output()
        _complain([f"cannot print: {errno_text(error.errno)}"], with_trace=False)
        return code or FAILED
    return code


def _drop_output() -> None:
    """What is still to be printed goes nowhere: the interpreter prints it at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def _open_missing() -> None:
    """Standard streams that the caller closed: what is opened next must not become one of them."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - open as long as we live


if __name__ == "__main__":
    main()
