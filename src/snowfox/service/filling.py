"""`${NAME}`: found in a text, and filled in.

A text is filled once and what was filled in is never looked at again, so no value can bring another `${NAME}` or
split a word. `$${` is a plain `${`. A `$` before anything else means nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

_FOUND: Final = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Use(NamedTuple):
    """A `${…}` of a text: as it is written, the name in it, and why it is none (or "")."""

    written: str
    name: str
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
    """The text with every name filled in by `value`, whose LookupError passes through."""
    if "${" not in text:
        return text
    return _FOUND.sub(lambda found: "${" if found[0] == "$${" else value(found[1]), text)


def plain(text: str) -> str:
    """A text that, filled in, is `text` as it stands here."""
    return text.replace("${", "$${")


def _use(found: re.Match[str]) -> Use:
    written, inside = found[0], found[1]
    if not found[2]:
        return Use(written, "", '"${" is not closed', 'a plain "${" is written "$${"')
    name, colon, _ = inside.partition(":")
    if colon and is_variable(name):
        return Use(written, name, f'a default, as in "{written}", is not supported yet')
    if not is_variable(inside):
        return Use(written, "", f'"{written}" is not a name', 'a plain "${" is written "$${"')
    return Use(written, inside)
