"""What a value in a configuration may be: checked, converted, described.

A kind is data: it says in words what it takes and gives an example, so that messages, `snowfox schema` and the
reference come from one declaration.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol, TypeGuard

from snowfox.core.config.document import Part
from snowfox.core.config.nearest import did_you_mean
from snowfox.core.config.problem import quoted
from snowfox.core.config.scanner import Path


class Findings(Protocol):
    """Where a kind reports what is wrong."""

    @property
    def count(self) -> int:
        """How many problems there are."""
        raise NotImplementedError

    def wrong(self, path: Path, why: str, *, hint: str = "", part: Part = "value") -> None:
        """A problem with the key or value at `path`."""

    def label(self, path: Path) -> str:
        """The path as a person says it: `restart.delay`, `item 2 of sockets`."""
        raise NotImplementedError


class Kind(ABC):
    """What a value may be. `words` complete "must be …", `example` completes "for example …" and may be ""."""

    words: str
    example: str = ""

    @abstractmethod
    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """The converted value. What is wrong goes to `findings`; then the result is not used."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """What it takes as JSON Schema (2020-12); what that cannot say is left to `read`."""

    def over(self, upper: Any, lower: Any) -> Any:  # noqa: ARG002 - for subclasses
        """Of two values that were read, one laid over the other: the upper, unless the kind adds them up."""
        return upper

    def finish(self, value: Any) -> Any:
        """What a value that was read, and laid over others, becomes."""
        return value

    def refuse(self, value: Any, path: Path, findings: Findings) -> None:
        """Report a value of the wrong type."""
        hint = f"for example {self.example}" if self.example else ""
        why = f"{findings.label(path)} must be {self.words}, not {type_words(value)}"
        findings.wrong(path, why, hint=hint)


class Text(Kind):
    """Text without a NUL, which no system call takes."""

    words = "text"
    example = '"…"'

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """The text itself."""
        if not isinstance(value, str):
            hint = (
                f'write it in quotes: "{value}"'
                if type(value) in (int, float)
                else "for example " + self.example
            )
            why = f"{findings.label(path)} must be {self.words}, not {type_words(value)}"
            findings.wrong(path, why, hint=hint)
        elif "\0" in value:
            findings.wrong(path, f"{findings.label(path)} contains a NUL character")
        return value

    def schema(self) -> dict[str, Any]:
        """A string."""
        return {"type": "string"}


class Flag(Kind):
    """true or false."""

    words = "true or false"

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """The flag itself."""
        if not isinstance(value, bool):
            self.refuse(value, path, findings)
        return value

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}


class Whole(Kind):
    """A whole number within bounds, both included."""

    def __init__(self, least: int, most: int) -> None:
        self.least = least
        self.most = most
        self.words = "a whole number"
        self.example = str(max(least, min(2, most)))

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """The number itself."""
        if not isinstance(value, int) or isinstance(value, bool):
            self.refuse(value, path, findings)
        elif not self.least <= value <= self.most:
            shown = str(value) if abs(value) < 10**20 else "this number"
            findings.wrong(path, f"{findings.label(path)} must be {self.least} to {self.most}, not {shown}")
        return value

    def schema(self) -> dict[str, Any]:
        """An integer within its bounds."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class Number(Kind):
    """A number within bounds, both included."""

    def __init__(self, least: float, most: float) -> None:
        self.least = least
        self.most = most
        self.words = "a number"
        self.example = f"{max(least, min(1.5, most)):g}"

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """The number itself, as a float."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.refuse(value, path, findings)
        elif not self.least <= value <= self.most:  # nor is "nan"
            shown = f"{value:g}" if abs(value) < 10**20 else "this number"
            bounds = f"{self.least:g} to {self.most:g}"
            findings.wrong(path, f"{findings.label(path)} must be {bounds}, not {shown}")
        else:
            return float(value)
        return value

    def schema(self) -> dict[str, Any]:
        """A number within its bounds."""
        return {"type": "number", "minimum": self.least, "maximum": self.most}


class Choice(Kind):
    """One of some words."""

    def __init__(self, *options: str) -> None:
        self.options = options
        self.words = "one of " + ", ".join(f'"{option}"' for option in options)

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """The word itself."""
        if not isinstance(value, str):
            self.refuse(value, path, findings)
        elif value not in self.options:
            why = f"{findings.label(path)} must be {self.words}, not {quoted(value)}"
            findings.wrong(path, why, hint=did_you_mean(value, self.options))
        return value

    def schema(self) -> dict[str, Any]:
        """One of the words."""
        return {"enum": [*self.options]}


class Parsed(Kind):
    """Text that a function understands.

    Args:
        words: what it is, `a duration`.
        example: values, in quotes.
        parse: takes the text; raises ValueError with a sentence for a person.
        pattern: a regular expression (ECMA-262) that every such text matches, for the schema; "" is any.
    """

    def __init__(self, words: str, example: str, parse: Callable[[str], Any], pattern: str = "") -> None:
        self.words = words
        self.example = example
        self.parse = parse
        self.pattern = pattern

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """What the function makes of it."""
        if not isinstance(value, str):
            self.refuse(value, path, findings)
            return None
        if "\0" in value:
            findings.wrong(path, f"{findings.label(path)} contains a NUL character")
            return None
        try:
            return self.parse(value)
        except ValueError as error:
            findings.wrong(path, str(error), hint=f"for example {self.example}")
        return None

    def schema(self) -> dict[str, Any]:
        """A string of its pattern."""
        return {"type": "string", **({"pattern": self.pattern} if self.pattern else {})}


class Items(Kind):
    """A list, each item of one kind; becomes a tuple. With `or_one`, text alone is a list of one."""

    def __init__(self, item: Kind, *, or_one: bool = False, most: int = 1000) -> None:
        self.item = item
        self.most = most
        self.or_one = or_one
        self.words = f"{item.words} or a list" if or_one else "a list"
        self.example = f"[{item.example}]" if item.example else ""

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """A tuple."""
        if self.or_one and isinstance(value, str):
            return (self.item.read(value, path, findings),)
        if not is_list(value):
            self.refuse(value, path, findings)
            return ()
        if len(value) > self.most:
            findings.wrong(path, f"{findings.label(path)} has {len(value)} items, more than {self.most}")
            return ()
        return tuple(self.item.read(item, (*path, index), findings) for index, item in enumerate(value))

    def schema(self) -> dict[str, Any]:
        """An array, or one item."""
        item = self.item.schema()
        items = {"type": "array", "items": item, "maxItems": self.most}
        return {"anyOf": [item, items]} if self.or_one else items


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether it is a list of TOML."""
    return isinstance(value, list)


def is_table(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether it is a table of TOML."""
    return isinstance(value, dict)


def type_words(value: Any) -> str:
    """A TOML value's type in plain words."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date"
