"""`snowfox`: finds the command, reads its words, turns errors into one line and an exit code.

Only the module of the command that was asked for is imported, so that `snowfox status` answers quickly. A command's
module has `add(parser)`, which declares its words, and `run(options)`, which returns the exit code.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final, NoReturn

from snowfox.errors import (
    ConfigurationRefused,
    NoNode,
    NotFound,
    NotPermitted,
    SnowFoxError,
    UsageError,
)

VERSION: Final = "0.1.0"

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "init": ("init", "write a commented snowfox.toml"),
    "check": ("check", "read and check a configuration; no node needed"),
    "up": ("up", "start the node and everything in it"),
    "down": ("down", "stop everything, then the node"),
    "status": ("status", "what runs, and whether all is as wanted"),
    "start": ("control", "start services"),
    "stop": ("control", "stop services, until they are started again"),
    "restart": ("control", "stop and start services"),
    "signal": ("signal", "send a signal to the main processes of services"),
    "logs": ("logs", "what services printed"),
    "events": ("events", "what happened"),
    "wait": ("wait", "wait until services are ready, for scripts"),
    "modules": ("modules", "the parts of the node's manager"),
}
"""Name to (module in `snowfox.cli.commands`, what it does)."""

ALIASES: Final = {"ps": "status", "list": "status"}

EXIT_CODES: Final[dict[type[SnowFoxError], int]] = {
    UsageError: 2,
    ConfigurationRefused: 3,
    NotFound: 4,
    NoNode: 6,
    NotPermitted: 7,
}
INTERRUPTED: Final = 130


class _Parser(argparse.ArgumentParser):
    """An argument parser whose refusal is one line in our words."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"cannot read the command: {message}", f"see: {self.prog} --help")


def main(words: Sequence[str] | None = None) -> NoReturn:
    """The console script. Never returns: exits with the codes of the documentation."""
    code = run(sys.argv[1:] if words is None else words)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(code)


def run(words: Sequence[str]) -> int:
    """Run one command and return its exit code; errors of the tree are printed."""
    debug = "--debug" in words
    try:
        return _dispatch(list(words))
    except SnowFoxError as error:
        if debug:
            raise
        show(error)
        return exit_code(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def exit_code(error: SnowFoxError) -> int:
    """The exit code of an error: that of its nearest class with one, else 1."""
    return next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), 1)


def show(error: SnowFoxError) -> None:
    """An error on standard error: its problems where it has some, one line, then what to do."""
    lines = [*error.problems, str(error)] if isinstance(error, ConfigurationRefused) else [str(error)]
    if error.hint:
        lines += ["   " + line for line in error.hint.splitlines()]
    print("\n".join(lines), file=sys.stderr)


def _dispatch(words: list[str]) -> int:
    given, name, rest = _split(words)
    if name is None:
        if "--version" in given:
            print(f"snowfox {VERSION}")
            return 0
        if set(given) <= {"--help", "-h"}:
            print(overview())
            return 0 if given else 2
        msg = "cannot read the command: no command given"
        raise UsageError(msg, "see: snowfox --help")
    name = ALIASES.get(name, name)
    if name not in COMMANDS:
        raise _unknown(name)
    module_name, summary = COMMANDS[name]
    module = import_module(f"snowfox.cli.commands.{module_name}")
    parser = _Parser(
        prog=f"snowfox {name}", description=summary[0].upper() + summary[1:] + ".", allow_abbrev=False
    )
    parser.set_defaults(command=name)
    module.add(parser)
    parser.add_argument(
        "--node", metavar="FOLDER", default=None, help="the node's folder; default: found from here"
    )
    parser.add_argument("--debug", action="store_true", help="show the stack trace of an error")
    code: int = module.run(parser.parse_args([*given, *rest]))
    return code


def _split(words: list[str]) -> tuple[list[str], str | None, list[str]]:
    """(options before the command, the command, what follows)."""
    index = 0
    while index < len(words) and words[index].startswith("-"):
        index += 2 if words[index] == "--node" else 1
    if index >= len(words):
        return words, None, []
    return words[:index], words[index], words[index + 1 :]


def _unknown(name: str) -> UsageError:
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    near = get_close_matches(name, [*COMMANDS, *ALIASES], n=1)
    hint = f'did you mean "{near[0]}"?' if near else "see: snowfox --help"
    return UsageError(f'cannot read the command: there is no "{name}"', hint)


def overview() -> str:
    """What `snowfox --help` prints."""
    rows = "\n".join(f"  {name:<9} {summary}" for name, (_, summary) in COMMANDS.items())
    return (
        "usage: snowfox [--node FOLDER] COMMAND …\n\n"
        f"Runs and watches the services of a host.\n\n{rows}\n\n"
        "snowfox COMMAND --help tells more of one; snowfox --version prints the version."
    )


if __name__ == "__main__":
    main()
