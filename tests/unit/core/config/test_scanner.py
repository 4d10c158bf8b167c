"""Positions of a TOML text."""

import datetime as dt
import math
import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from snowfox.core.config.scanner import DEEPEST, Lost, TooDeep, places

BARE = st.text("abz09_-", min_size=1, max_size=3)
NAMES = st.one_of(BARE, st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=4))
SCALARS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats(),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8),
    st.datetimes(min_value=dt.datetime(1000, 1, 1)),  # noqa: DTZ001 - TOML has such
    st.dates(min_value=dt.date(1000, 1, 1)),
    st.times(),
)
TREES = st.dictionaries(
    NAMES,
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
        max_leaves=8,
    ),
    max_size=4,
)


def escaped(text):
    """As it stands in a basic string."""
    return "".join(
        {'"': '\\"', "\\": "\\\\", "\n": "\\n"}.get(letter)
        or (letter if letter.isprintable() and ord(letter) != 127 else f"\\U{ord(letter):08x}")
        for letter in text
    )


class Writer:
    """Writes a tree in one of the many ways that TOML has for it."""

    def __init__(self, draw):
        self.draw = draw
        self.lines = []

    def choose(self, *options):
        """One of the options."""
        return self.draw(st.sampled_from(options))

    def blank(self):
        """Blanks within a line."""
        return self.choose("", " ", "\t")

    def gap(self):
        """Blanks, lines and comments within a list."""
        return self.choose("", " ", "\n", " # ] } , \" ' =\n", "\n\t")

    def key(self, name):
        """A part of a key."""
        forms = ['"' + escaped(name) + '"']
        if name and all(letter in "abz09_-" for letter in name):
            forms.append(name)
        if name.isprintable() and "'" not in name:
            forms.append(f"'{name}'")
        return self.choose(*forms)

    def text(self, value):
        """A string."""
        forms = ['"' + escaped(value) + '"', '"""' + escaped(value) + '"""', '"""\n' + escaped(value) + '"""']
        if value.isprintable():
            if "'" not in value:
                forms += [f"'{value}'", f"'''{value}'''"]
            if "'''" not in value and not value.endswith("'"):
                forms.append(f"'''\n{value}'''")
        return self.choose(*forms)

    def value(self, value, *, inline=False):
        """Any value."""
        match value:
            case bool():
                return "true" if value else "false"
            case str():
                return self.text(value)
            case float():
                return (
                    "nan"
                    if math.isnan(value)
                    else "inf"
                    if value == math.inf
                    else "-inf"
                    if value == -math.inf
                    else repr(value)
                )
            case dt.datetime() | dt.date() | dt.time():
                return value.isoformat()
            case int():
                return str(value)
            case list():
                gap = self.blank if inline else self.gap
                items = [gap() + self.value(item, inline=inline) + gap() for item in value]
                return "[" + ",".join(items) + ("," if items and self.choose(0, 1) else "") + gap() + "]"
            case dict():
                pairs = [self.pair([name], item, inline=True) for name, item in value.items()]
                return "{" + self.blank() + ", ".join(pairs) + self.blank() + "}"

    def pair(self, names, value, *, inline=False):
        """A key and its value; a table of one may become a dotted key."""
        if isinstance(value, dict) and len(value) == 1 and self.choose(0, 1):
            ((name, item),) = value.items()
            return self.pair([*names, name], item, inline=inline)
        key = (self.blank() + "." + self.blank()).join(self.key(name) for name in names)
        return f"{key}{self.blank()}={self.blank()}{self.value(value, inline=inline)}"

    def table(self, names, table):
        """A table, with what can be written as tables of their own below it."""
        later = []
        for name, item in table.items():
            is_tables = isinstance(item, list) and item and all(isinstance(one, dict) for one in item)
            if (isinstance(item, dict) or is_tables) and self.choose(0, 1):
                later.append((name, item))
            else:
                self.lines.append(self.blank() + self.pair([name], item) + self.choose("", " # note"))
        for name, item in later:
            head = ".".join(self.key(part) for part in [*names, name])
            if isinstance(item, dict):
                self.lines.append(f"{self.blank()}[{self.blank()}{head}{self.blank()}]")
                self.table([*names, name], item)
            else:
                for one in item:
                    self.lines.append(f"[[{head}]]{self.choose('', ' # note')}")
                    self.table([*names, name], one)


@st.composite
def documents(draw):
    """Texts of TOML."""
    writer = Writer(draw)
    writer.table([], draw(TREES))
    return draw(st.sampled_from(["\n", "\n\n", "\n# note\n"])).join(writer.lines) + draw(
        st.sampled_from(["", "\n"])
    )


def paths(value, way=()):
    """Every key path of a tree with its value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        yield (*way, step), item
        yield from paths(item, (*way, step))


@given(documents())
@example('a.b = 1\na."c d".e = [1, [2, {x = 1}]]\n[t.u]\n[t]\n[[l]]\nx = 1\n[[l]]\n[l.m]\ny = """a""b"""""\n')
@example("[a.b.c]\nx = 1979-05-27 07:32:00 # c\n[a]\ny = 1\n[[a.l.m]]\n[[a.l.m]]\n")
def test_agrees_with_tomllib(text):
    """Exactly the key paths of tomllib are found, and what stands at each value is that value."""
    tree = tomllib.loads(text)
    found = places(text)
    expected = dict(paths(tree))
    assert found.keys() == expected.keys()
    for path, value in expected.items():
        start, end = found[path].value
        if not isinstance(value, (dict, list)):
            assert repr(tomllib.loads("x = " + text[start:end])["x"]) == repr(value)
        key = text[found[path].key[0] : found[path].key[1]]
        if isinstance(path[-1], str) and not key.startswith("["):
            assert path[-1] in tomllib.loads(f"{key} = 1") or "." in key or "=" in key


@given(st.text(st.sampled_from("ab.=[]{}\"'\\\n #,1"), max_size=40))
def test_any_text_ends(text):
    """Text that is no TOML makes it give up, never fail otherwise; what tomllib takes it takes."""
    try:
        places(text)
    except Lost:
        with pytest.raises(tomllib.TOMLDecodeError):
            tomllib.loads(text)


def test_places_of_key_and_value():
    """Offsets are those of the key's letters and of the value with its quotes."""
    text = 'stop = { grace = "10 apples" }\n'
    place = places(text)["stop", "grace"]
    assert text[slice(*place.key)] == "grace"
    assert text[slice(*place.value)] == '"10 apples"'


@pytest.mark.parametrize(
    "text",
    ["x = " + "[" * (DEEPEST + 1), "x = " + "{a=" * (DEEPEST + 1), ".".join(["a"] * (DEEPEST + 1)) + "=1"],
)
def test_too_deep(text):
    """Nesting beyond the bound is told apart from text that cannot be followed."""
    with pytest.raises(TooDeep):
        places(text)
