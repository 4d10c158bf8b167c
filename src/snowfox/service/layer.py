"""What says something about a service: its own table, templates, `[defaults]`, one over another.

Each was read once, alone, so that a mistake in a template is told once and where it stands. `Chain` is what counts for
a service, the nearest first; what is wrong with the sum is told where that part of it was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from snowfox.core.config.document import Part
from snowfox.core.config.kind import is_table
from snowfox.core.config.report import Report
from snowfox.core.config.scanner import Path
from snowfox.core.config.section import Partial
from snowfox.core.named import NamedTuple

WHOLE: Final = frozenset(
    {"alive", "ready", "schedule", "after-exit", "after-ready", "before-start", "before-stop", "reload"}
)
"""Tables that are not added to those below them."""


class Origin(NamedTuple):
    """Who wrote a key of a service: the layer as a person calls it, its file, the line."""

    layer: str
    file: str
    line: int


class Layer(NamedTuple):
    """A table that says something about services.

    Args:
        report: of its document.
        root: the path of the table in it.
        subject: what a person calls it: `template python`.
        fields: what it says, paths in it absolute.
        folder: of its file, absolute.
        owner: uid of its file's owner.
        hidden: paths in it that do not count.
        of_files: variables that its files of variables set, by name.
    """

    report: Report
    root: Path
    subject: str
    fields: Partial
    folder: str
    owner: int
    hidden: frozenset[tuple[str, ...]] = frozenset()
    of_files: Mapping[str, Origin] = MappingProxyType({})

    @property
    def table(self) -> Any:
        """As it is written."""
        table: Any = self.report.document.tree
        for step in self.root:
            table = table[step]
        return table

    def decides(self, path: Path) -> bool:
        """Whether the value at a path is written here: itself, or a list, text or whole table that stands on the way."""
        if self.of_files and path[0] == "environment" and path[1:2] and path[1] in self.of_files:
            return True
        if self.hidden and any(path[: len(hidden)] == hidden for hidden in self.hidden):
            return False
        table = self.table
        for depth, step in enumerate(path):
            if not is_table(table) or (depth and path[0] in WHOLE):
                break
            if step not in table:
                return False
            table = table[step]
        return True

    def wrong(self, path: Path, why: str, *, hint: str = "", part: Part = "value", within: str = "") -> None:
        """A problem with a key or value of it, by the path below it."""
        text = f"cannot read {self.subject}: {why}"
        self.report.wrong((*self.root, *path), text, hint=hint, part=part, within=within)


class Chain(tuple[Layer, ...]):
    """The layers of a service or template, the nearest first; never empty."""

    __slots__ = ()

    def where(self, path: Path) -> Layer | None:
        """The layer whose value counts at a path, or None when nobody has written it."""
        return next((layer for layer in self if layer.decides(path)), None)

    def written(self, *path: str) -> Any:
        """The value at a path, as it is written; None when nobody has."""
        layer = self.where(path)
        value = None if layer is None else layer.table
        for step in path:
            value = value.get(step) if is_table(value) else None
        return value

    def wrong(self, subject: str, path: Path, why: str, **place: Any) -> None:
        """A problem of `subject` with what counts at a path, told where that is written, or where it is missing.

        What is wrong with a layer that many share is told of the first.
        """
        layer = self.where(path) or self[0]
        layer.report.once((*layer.root, *path), f"cannot read {subject}: {why}", key=why, **place)

    def warn(self, path: Path, text: str, **place: Any) -> None:
        """A warning about what counts at a path."""
        layer = self.where(path) or self[0]
        layer.report.warn((*layer.root, *path), text, **place)

    def origins(self) -> dict[str, Origin]:
        """By key (`restart.limit`), who wrote it."""
        found: dict[str, Origin] = {}
        for layer in self:
            for name, origin in layer.of_files.items():
                found.setdefault(f"environment.{name}", origin)
            for path in _leaves(layer.table, ()):
                if self.where(path) is layer:
                    found.setdefault(".".join(path), _origin(layer, path))
        return found


def _leaves(table: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, value in table.items():
        if is_table(value) and value:
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name)


def _origin(layer: Layer, path: Path) -> Origin:
    document = layer.report.document
    start, _ = document.span((*layer.root, *path), "key")
    return Origin(layer.subject, document.file, document.text.count("\n", 0, start) + 1)
