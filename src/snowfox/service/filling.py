"""`${NAME}` and `${NAME:-default}`: found in a text, and filled in.

A text is filled once and what was filled in is never looked at again, so no value can bring another `${NAME}` or
split a word. `$${` is a plain `${`. A `$` before anything else means nothing here. As in a shell (POSIX, 2.6.2), a
default is taken when the name is not set or empty; it is taken as it stands, and no `${` or `}` can be in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from snowfox.core.named import NamedTuple

_FOUND: Final = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

LONGEST: Final = 128 << 10
"""Characters that are filled into one text: as long as the kernel takes an argument or a variable (execve(2))."""


class TooLong(ValueError):
    """More than `LONGEST` is filled in: variables that double one another make gigabytes of a few lines."""


class Use(NamedTuple):
    """A `${…}` of a text.

    Args:
        written: as it is.
        name: in it.
        default: after `:-`; None without one.
        fault: why it is none, or "".
        hint: what would be right.
    """

    written: str
    name: str
    default: str | None = None
    fault: str = ""
    hint: str = ""


def is_variable(name: str) -> bool:
    """Whether it can name a variable of an environment: `[A-Za-z_][A-Za-z0-9_]*`."""
    return _NAME.match(name) is not None


def uses(text: str) -> list[Use]:
    """What the text asks for, in order."""
    if "${" not in text:
        return []
    return [_use(found) for found in _FOUND.finditer(text) if found[0] != "$${"]


def fill(text: str, value: Callable[[str], str]) -> str:
    """The text with every name filled in by `value`, whose LookupError passes through where there is no default.

    Raises TooLong.
    """
    if "${" not in text:
        return text
    room = LONGEST

    def one(found: re.Match[str]) -> str:
        nonlocal room
        filled = "${" if found[0] == "$${" else _value(found[1], value)
        room -= len(filled)
        if room < 0:
            raise TooLong
        return filled

    return _FOUND.sub(one, text)


def plain(text: str) -> str:
    """A text that, filled in, is `text` as it stands here."""
    return text.replace("${", "$${")


def _value(inside: str, value: Callable[[str], str]) -> str:
    name, has_default, default = inside.partition(":-")
    if not has_default:
        return value(name)
    try:
        return value(name) or default
    except LookupError:
        return default


def _use(found: re.Match[str]) -> Use:
    written, inside = found[0], found[1]
    plain_hint = 'a plain "${" is written "$${"'
    if not found[2]:
        return Use(written, "", fault='"${" is not closed', hint=plain_hint)
    name, has_default, default = inside.partition(":-")
    if has_default and "{" in default:
        return Use(
            written,
            "",
            fault="a default cannot hold braces",
            hint="write it in environment, and its name here",
        )
    if has_default and is_variable(name):
        return Use(written, name, default)
    if not is_variable(inside):
        name = re.split(r"[^A-Za-z0-9_]", inside, maxsplit=1)[0]
        hint = f'a default is written "${{{name}:-…}}"' if is_variable(name) else plain_hint
        return Use(written, "", fault=f'"{written}" is not a name', hint=hint)
    return Use(written, inside)
