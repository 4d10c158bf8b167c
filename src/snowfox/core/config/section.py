"""A table of a configuration, declared as a typed class.

```python
class Http(Section):
    LATER = frozenset({"tls"})                    # keys that are designed and not there yet
    listen: Annotated[str, ADDRESS]               # no default: it must be written
    keep: Annotated[int, Whole(1, 100)] = 5
    limits: Limits = Limits()                     # a table in the table

report = Report(document)
http = Reader(report, ("http",), "http").read(Http)     # what is wrong is in `report`
```

Each field is a key: `max_delay` is written `max-delay`, `as_` is written `as`. Its kind is what `Annotated` carries,
or follows from a plain type (`str`, `bool`, a `Literal`, another section). A field marked `INTERNAL` is no key.
Everything that is wrong in a table is collected, nothing stops at the first error. Rejected: msgspec's convert (stops
at the first error), pydantic (16.8 MB).

Tables that add up (defaults, a template, what a service says itself) are read one by one into a `Partial`: only what
is written, typed, so that a mistake is found once and where it stands. `merge` lays one over another, `build` makes
the section of the sum.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from snowfox.core.config.document import Part
from snowfox.core.config.kind import Choice, Findings, Flag, Kind, Text, is_table
from snowfox.core.config.nearest import did_you_mean
from snowfox.core.config.problem import quoted
from snowfox.core.config.report import Report
from snowfox.core.config.resource import Resource
from snowfox.core.config.scanner import Path
from snowfox.core.frozen import Frozen
from snowfox.core.named import NamedTuple

INTERNAL: Final = "internal"
"""Marks a field that no one can write: `Annotated[float, INTERNAL]`."""


class Key(NamedTuple):
    """A key of a section: the field behind it, what its value may be, whether it must be written."""

    field: str
    kind: Kind
    is_required: bool


class _Plan(NamedTuple):
    """What is found out once about a section.

    Args:
        parts: keys whose values are made of partial ones.
        required: keys that must be written.
    """

    parts: tuple[Key, ...]
    required: dict[str, Key]


Partial = dict[str, Any]
"""What a table says: typed values by field, the defaults not filled in. That of a table in it is a `Partial` too."""


class Section(Frozen):
    """A table. Subclasses declare its keys as annotated fields.

    `LATER` are keys that are designed and not there yet, `EXAMPLE` shows one, `WHOLE` says that its keys exclude one
    another, so that such a table replaces the one below it and is not added to it. `TABLE` is set by
    `registry.section`.
    """

    TABLE: ClassVar[str] = ""
    LATER: ClassVar[frozenset[str]] = frozenset()
    EXAMPLE: ClassVar[str] = ""
    WHOLE: ClassVar[bool] = False
    _keys: ClassVar[dict[str, Key] | None] = None
    _plan: ClassVar[_Plan | None] = None

    @classmethod
    def keys(cls) -> dict[str, Key]:
        """Keys as they are written, in the order of the declaration. Raises TypeError for a type without a kind."""
        if "_keys" not in cls.__dict__ or cls._keys is None:
            hints = get_type_hints(cls, include_extras=True)
            missing = cls.required()
            cls._keys = {
                field.rstrip("_").replace("_", "-"): Key(field, kind, field in missing)
                for field in cls._names
                if (kind := _kind(hints[field])) is not None
            }
        return cls._keys

    @classmethod
    def plan(cls) -> _Plan:
        """How a value of it is made."""
        if "_plan" not in cls.__dict__ or cls._plan is None:
            keys = cls.keys()
            parts = tuple(key for key in keys.values() if type(key.kind).finish is not Kind.finish)
            required = {name: key for name, key in keys.items() if key.is_required}
            cls._plan = _Plan(parts, required)
        return cls._plan

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """The table as JSON Schema, its keys described by the docstring's `Args`."""
        from snowfox.core.config.describing import arguments, summary  # noqa: PLC0415 - for `snowfox schema` alone

        texts = arguments(cls)
        keys = cls.keys()
        schema: dict[str, Any] = {"type": "object"} | (
            {"description": text} if (text := summary(cls)) else {}
        )
        schema["properties"] = {
            name: key.kind.schema() | ({"description": texts[key.field]} if key.field in texts else {})
            for name, key in keys.items()
        }
        required = [name for name, key in keys.items() if key.is_required]
        return schema | ({"required": required} if required else {}) | {"additionalProperties": False}

    def resources(self) -> Iterable[Resource]:
        """What it makes, from its values alone. It may require what other sections make, and sockets.

        The module brings a `transaction.Realizer` for its kind. Services come when all of it is there.
        """
        return ()

    @classmethod
    def advise(cls, value: Any, path: Path) -> str:  # noqa: ARG003 - for subclasses
        """What an unknown key at `path` most likely was meant to be; "" leaves it to the nearest known one."""
        return ""


S = TypeVar("S", bound=Section)


class Nested(Kind):
    """A table in a table, declared as a section."""

    words = "a table"

    def __init__(self, section: type[Section]) -> None:
        self.section = section
        self.example = section.EXAMPLE

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """What is written of it, a `Partial`."""
        if not is_table(value):
            self.refuse(value, path, findings)
            return None
        fields = partial(self.section, value, path, findings)
        require(self.section, value, path, findings)
        return fields

    def schema(self) -> dict[str, Any]:
        """That of the section."""
        return self.section.schema()

    def over(self, upper: Any, lower: Any) -> Any:
        """Key by key, unless they exclude one another."""
        return upper if self.section.WHOLE else merge(self.section, upper, lower)

    def finish(self, value: Any) -> Any:
        """The section."""
        return build(self.section, value)


class Reader:
    """Reads one table of a document.

    Args:
        report: takes what is wrong with it.
        root: the path of the table.
        subject: what a person calls it: `service web`.
    """

    def __init__(self, report: Report, root: Path, subject: str) -> None:
        self._report = report
        self._root = root
        self._subject = subject

    @property
    def count(self) -> int:
        """How many problems there are."""
        return len(self._report.problems)

    def read(self, section: type[S]) -> S | None:
        """The table at the root, with the defaults of keys that have problems; None when it is no table."""
        fields = self.partial(section)
        if fields is None:
            return None
        table = self.table
        for key in require(section, table, self._root, self):
            fields.setdefault(key.field, None)
        return build(section, fields)

    def partial(self, section: type[Section]) -> Partial | None:
        """What is written in the table at the root, without what has problems; None when it is no table."""
        table = self.table
        if not is_table(table):
            hint = f"for example {section.EXAMPLE}" if section.EXAMPLE else ""
            self.wrong(self._root, "it must be a table", hint=hint, part="key")
            return None
        return partial(section, table, self._root, self)

    @property
    def table(self) -> Any:
        """What stands at the root."""
        table: Any = self._report.document.tree
        for step in self._root:
            table = table[step]
        return table

    def wrong(self, path: Path, why: str, *, hint: str = "", part: Part = "value") -> None:
        """A problem with the key or value at `path`."""
        self._report.wrong(path, f"cannot read {self._subject}: {why}", hint=hint, part=part)

    def label(self, path: Path) -> str:
        """The path below the root as a person says it."""
        return label(path[len(self._root) :])


def label(path: Path) -> str:
    """`restart.delay`, `item 2 of sockets`, `service in item 1 of requires`."""
    for place in reversed(range(len(path))):
        index = path[place]
        if isinstance(index, int):
            item = f"item {index + 1} of {label(path[:place])}"
            return f"{label(path[place + 1 :])} in {item}" if path[place + 1 :] else item
    return ".".join(str(step) for step in path)


def partial(section: type[Section], table: dict[str, Any], path: Path, findings: Findings) -> Partial:
    """The typed values of a table; what has problems is left out."""
    keys = section.keys()
    fields: Partial = {}
    count = findings.count
    for name, value in table.items():
        key = keys.get(name)
        if key is None:
            _refuse_key(section, value, (*path, name), findings)
            count = findings.count
            continue
        read = key.kind.read(value, (*path, name), findings)
        now = findings.count
        if now == count:
            fields[key.field] = read
        count = now
    return fields


def require(section: type[Section], table: dict[str, Any], path: Path, findings: Findings) -> Iterable[Key]:
    """The keys that must be written; those that are not are reported."""
    required = section.plan().required
    for name, key in required.items():
        if name not in table:
            example = f"for example {name} = {key.kind.example}" if key.kind.example else ""
            findings.wrong((*path, name), f"{findings.label((*path, name))} is missing", hint=example)
    return required.values()


def merge(section: type[Section], upper: Partial, lower: Partial) -> Partial:
    """One table laid over another: what both say is decided by the kind of the key."""
    if not lower:
        return upper
    merged = {**lower, **upper}
    shared = upper.keys() & lower.keys()
    for key in section.keys().values() if shared else ():
        if key.field in shared:
            merged[key.field] = key.kind.over(upper[key.field], lower[key.field])
    return merged


def build(section: type[S], fields: Partial) -> S:
    """The section, with the defaults of what is not there; what must be written must be there."""
    made = {
        key.field: key.kind.finish(fields[key.field]) for key in section.plan().parts if key.field in fields
    }
    return section(**{**fields, **made})


def _refuse_key(section: type[Section], value: Any, path: Path, findings: Findings) -> None:
    keys = section.keys()
    name = str(path[-1])
    if name in section.LATER:
        findings.wrong(path, f"{quoted(findings.label(path))} is not supported yet", part="key")
        return
    hint = (
        section.advise(value, path)
        or did_you_mean(name, [*keys, *section.LATER])
        or "known here: " + ", ".join(keys)
    )
    findings.wrong(path, f"unknown key {quoted(findings.label(path))}", hint=hint, part="key")


def _kind(hint: Any) -> Kind | None:
    """The kind that a type stands for; None for an internal field."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _annotated(arguments)
    if origin in (UnionType, Union):
        inner = [part for part in arguments if part is not NoneType]
        if len(inner) == 1:
            return _kind(inner[0])
    if origin is Literal:
        return Choice(*arguments)
    if isinstance(hint, type) and issubclass(hint, Section):
        return Nested(hint)
    if hint in (str, bool):
        return Text() if hint is str else Flag()
    msg = f"no kind for {hint}"
    raise TypeError(msg)


def _annotated(arguments: tuple[Any, ...]) -> Kind | None:
    for extra in arguments[1:]:
        if extra is INTERNAL:
            return None
        if isinstance(extra, Kind):
            return extra
    return _kind(arguments[0])
