"""The words of a command: `argparse`, with refusals in our words, options anywhere, and a cheap start.

`argparse` gives all positional words before the first option to their arguments at once, so that of
`restart web --json cache` the last word would be too many; here options are read first, wherever they stand.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from itertools import islice
from typing import NoReturn

from snowfox.errors import UsageError


class _Format(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        # Without a width it loads shutil, 3 ms, for each argument that is declared.
        super().__init__(prog, max_help_position=26, width=_width())


class Words(argparse.ArgumentParser):
    """The words that a command takes.

    Args:
        command: its name.
        summary: what it does, a sentence without capital and full stop.
    """

    def __init__(self, command: str, summary: str) -> None:
        super().__init__(
            prog=f"snowfox {command}",
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=_Format,
            allow_abbrev=False,
        )
        self.set_defaults(command=command)

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """What the words say. Raises UsageError; SystemExit after `--help` was printed."""
        options, extra = self.parse_known_args(self._options_first(words))
        if extra:
            raise self._too_much(extra[0])
        return options

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with what argparse found."""
        raise self._refused(message.removeprefix("argument "))

    def _options_first(self, words: Sequence[str]) -> list[str]:
        options: list[str] = []
        others: list[str] = []
        rest = iter(words)
        for word in rest:
            if word == "--":
                others += [word, *rest]
            elif word.startswith("-") and word != "-":
                options.append(word)
                if self._takes_next(word):
                    options += islice(rest, 1)
            else:
                others.append(word)
        return options + others

    def _takes_next(self, word: str) -> bool:
        """Whether the word after this option is its value: `--lines`, `-n`, `-fn`; not `-n5` or `--lines=5`."""
        if word in self._option_string_actions or word.startswith("--"):
            return self._takes_value(word) is True
        return self._takes_value(f"-{word[-1]}") is True and all(
            self._takes_value(f"-{flag}") is False for flag in word[1:-1]
        )

    def _takes_value(self, option: str) -> bool | None:
        action = self._option_string_actions.get(option)
        return None if action is None else action.nargs != 0

    def _too_much(self, word: str) -> UsageError:
        if not word.startswith("-"):
            return self._refused(f'"{word}" is one word too many')
        from snowfox.core.config.nearest import did_you_mean  # noqa: PLC0415 - only for a mistake

        name = word.partition("=")[0]
        return self._refused(f'there is no option "{name}"', did_you_mean(name, self._option_string_actions))

    def _refused(self, why: str, hint: str = "") -> UsageError:
        return UsageError(f"cannot read the command: {why}", hint or f"see: {self.prog} --help")


def _width() -> int:
    try:
        columns = os.get_terminal_size(1).columns
    except OSError:
        columns = 0
    return max(40, (columns or 80) - 2)
