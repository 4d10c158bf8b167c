"""What docstrings say about the fields of a class, for the schema and the reference."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Final

_FIELD: Final = re.compile(r"    (\w+): (.*)")


def summary(cls: type) -> str:
    """The first paragraph of the docstring, one line; "" without one."""
    return " ".join(_clean(cls.__doc__).partition("\n\n")[0].split())


def arguments(cls: type) -> dict[str, str]:
    """What `Args:` says of each field, one line each; that of a subclass goes before that of its bases."""
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        found |= _arguments(_clean(vars(each).get("__doc__")))
    return found


def _arguments(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    lines = text.partition("Args:\n")[2].split("\n")
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is not None:
            name = field[1]
            found[name] = field[2]
        elif name and line.startswith("        "):
            found[name] += " " + line.strip()
        else:
            break
    return found


def _clean(text: str | None) -> str:
    """A docstring without its indentation; `inspect.cleandoc` costs 8 ms of import."""
    first, _, rest = (text or "").partition("\n")
    return f"{first.strip()}\n{dedent(rest)}"
