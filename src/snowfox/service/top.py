"""What stands at the top of `snowfox.toml` and of `node.toml`: which tables there are, and what their names are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from snowfox.core.config.kind import is_table
from snowfox.core.config.nearest import did_you_mean
from snowfox.core.config.problem import quoted
from snowfox.core.config.registry import Sections
from snowfox.core.config.report import Report
from snowfox.core.config.resource import ResourceKey
from snowfox.core.config.scanner import Path
from snowfox.core.config.section import Reader, Section
from snowfox.service.placing import absolute_address
from snowfox.service.section import LATER_TABLES, TABLES, NodeTable, SocketTable
from snowfox.service.spec import Socket
from snowfox.values import LONGEST_NAME, is_name

S = TypeVar("S", bound=Section)


class Top:
    """The tables of a main document. What has errors is there too, without the keys that have them.

    Args:
        report: of the document.
        folder: of its file, absolute.
        has_services: whether services are defined in it; else they have files of their own.
        known: sections that modules bring.
    """

    def __init__(self, report: Report, folder: str, *, has_services: bool, known: Sections) -> None:
        self._report = report
        self._tree = report.document.tree
        self._folder = folder
        self._tables = TABLES if has_services else TABLES[:-1]
        self._known = known
        self.sections: dict[str, Section] = {}
        self._claimed: dict[ResourceKey, str] = {}
        for name in self._tree:
            if name not in self._tables:
                self._other_table(name)

    def node(self) -> str | None:
        """The node's name; None where it has none."""
        table = self._table(NodeTable, ("node",), "node") if "node" in self._tree else None
        return None if table is None else table.name

    def sockets(self) -> dict[str, Socket]:
        """`[socket.*]`."""
        sockets: dict[str, Socket] = {}
        for name in self.named("socket"):
            table = self._table(SocketTable, ("socket", name), f"socket {name}")
            if table is not None:
                listen = tuple(absolute_address(self._folder, address) for address in table.listen or ())
                sockets[name] = Socket(name, listen, table.backlog, table.mode, table.user, table.group)
        return sockets

    def named(self, kind: str) -> Iterator[str]:
        """Names of the tables below `[kind]` that are names."""
        tables: Any = self._tree.get(kind, {})
        if not is_table(tables):
            self._refuse((kind,), f"{kind} must be tables with names", f"for example [{kind}.front]")
            return
        for name in tables:
            if is_name(name):
                yield name
                continue
            self._refuse((kind, name), f"{quoted(name)} is not a name of a {kind}", name_hint(name))

    def _other_table(self, name: str) -> None:
        """A table that is none of ours: of a module, of a later version, or a mistake."""
        section = self._known.get(name)
        if section is not None:
            count = len(self._report.problems)
            table = self._table(section, (name,), name)
            if table is not None:
                self.sections[name] = table
            if table is not None and len(self._report.problems) == count:
                self._claim(name, table)
        elif name in LATER_TABLES:
            self._refuse((name,), f"{quoted(name)} is not supported yet")
        elif name in TABLES:
            self._refuse((name,), "services have files of their own here", "for example services/web.toml")
        else:
            self._refuse_table(name)

    def _claim(self, name: str, table: Section) -> None:
        """What a section makes must be its own, and known without an accident: it is a module's."""
        try:
            keys = [resource.key for resource in table.resources()]
        except Exception as error:  # noqa: BLE001 - whatever it is, the check goes on
            self._refuse_section(name, f"its module fails with {type(error).__name__}: {error}")
            return
        for key in keys:
            if key.kind in TABLES:
                self._refuse_section(name, f"its module makes {key}, which is none of a module's kinds")
            elif key in self._claimed:
                self._refuse_section(name, f"{key} is made by {self._claimed[key]} already")
            else:
                self._claimed[key] = name

    def _refuse_section(self, name: str, why: str) -> None:
        self._report.wrong((name,), f"cannot read {name}: {why}", part="key")

    def _refuse_table(self, name: str) -> None:
        is_a_table = is_table(self._tree[name])
        hint = did_you_mean(name, [*self._tables, *LATER_TABLES, *self._known.all()])
        if not hint and self._known.failures:
            hint = "; ".join(self._known.failures)
        if not hint and is_a_table:
            is_here = self._tables is TABLES
            hint = (
                f"services are written [service.{name}]"
                if is_here
                else f"services are files: services/{name}.toml"
            )
        noun = "table" if is_a_table else "key"
        self._refuse(
            (name,), f"unknown {noun} {quoted(name)}", hint or "known here: " + ", ".join(self._tables)
        )

    def _refuse(self, path: Path, why: str, hint: str = "") -> None:
        self._report.wrong(path, f"cannot read {self._report.document.file}: {why}", hint=hint, part="key")

    def _table(self, section: type[S], path: Path, subject: str) -> S | None:
        return Reader(self._report, path, subject).read(section)


def name_hint(name: str) -> str:
    """What would be a name."""
    if len(name) > LONGEST_NAME:
        return f"at most {LONGEST_NAME} characters"
    return 'letters, digits, "_" and "-", in parts joined by dots'
