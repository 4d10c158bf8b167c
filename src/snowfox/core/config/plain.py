"""TOML of which every line is plain, read a line at a time: what nearly all configurations are made of.

tomllib reads texts letter by letter, 35 ms for 1,000 services, which the first of them waits for in the command and
again in the manager; this takes a quarter of it. It knows `[a]`, `[a.b]`, keys of one word, and as values text without
backslashes, whole numbers, true and false, lists of these, and inline tables of all of these. A text with anything else
in it, above all a mistake, is not read here at all: that is tomllib's.
"""

from __future__ import annotations

import re
from typing import Any, Final

_GAP: Final = r"[ \t]*+"
_KEY: Final = r"[A-Za-z0-9_-]++"
_TEXT: Final = r'"[^"\\\x00-\x1f\x7f]*+"'
_ONE: Final = rf"(?:{_TEXT}|0|-?[1-9][0-9]{{0,17}}+|true|false)"
_MANY: Final = rf"\[{_GAP}(?:{_ONE}{_GAP}(?:,{_GAP}|(?=\])))*\]"
_PAIR: Final = rf"({_KEY}){_GAP}={_GAP}({_ONE}|{_MANY})"
_TABLE: Final = rf"\{{{_GAP}(?:{_PAIR}{_GAP}(?:,{_GAP}(?!\}})|(?=\}})))*\}}"
_END: Final = rf"{_GAP}(?:#[^\x00-\x1f\x7f]*+)?"

_LINE: Final = re.compile(
    rf"{_GAP}(?:"
    rf"(?P<key>{_KEY}){_GAP}={_GAP}(?P<value>{_ONE}|{_MANY}|{_TABLE})"
    rf"|\[{_GAP}(?P<name>{_KEY})(?:{_GAP}\.{_GAP}(?P<inner>{_KEY}|{_TEXT}))?{_GAP}\]"
    rf")?{_END}"
)
_ITEM: Final = re.compile(_ONE)
_ENTRY: Final = re.compile(_PAIR)


def read(text: str) -> dict[str, Any] | None:
    """The tree that `tomllib.loads` makes of the text, whose lines end without a carriage return; else None."""
    tree: dict[str, Any] = {}
    table = tree
    holders: set[str] = set()
    for line in filter(None, text.split("\n")):
        found = _LINE.fullmatch(line)
        if found is None:
            return None
        key, value, name, inner = found.group("key", "value", "name", "inner")
        if key is not None:
            made = _value(value)
            if key in table or made is None:
                return None
            table[key] = made
        elif name is not None:
            holder = tree
            if inner is not None:
                if name not in tree:
                    tree[name] = {}
                    holders.add(name)
                elif name not in holders:
                    return None
                holder = tree[name]
                name = inner.strip('"')
            if name in holder:
                return None
            table = holder[name] = {}
    return tree


def _value(text: str) -> Any:
    """A value; None for a table with a key twice."""
    match text[0]:
        case '"':
            return text[1:-1]
        case "[":
            return [item[1:-1] if item[0] == '"' else _value(item) for item in _ITEM.findall(text)]
        case "{":
            entries = _ENTRY.findall(text)
            made = {key: _value(value) for key, value in entries}
            return made if len(made) == len(entries) else None
        case "t" | "f":
            return text == "true"
        case _:
            return int(text)
