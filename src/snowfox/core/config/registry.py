"""Tables that modules bring: declared as types, found where modules are.

```python
@section("http")
class Http(Section):
    listen: Annotated[str, ADDRESS]

    def resources(self) -> Iterable[Resource]: ...
```

Importing never acts: the decorator notes the table's name on the class, `Sections` collects those of the packages that
it is given and of installed distributions. It looks for them when it is asked for a table that nobody knows: a
configuration without one costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, TypeVar

from snowfox.core.config.section import Section
from snowfox.errors import ModuleFailed

S = TypeVar("S", bound=Section)


def section(table: str) -> Callable[[type[S]], type[S]]:
    """Say which table at the top of a configuration a section is."""

    def name(declared: type[S]) -> type[S]:
        declared.TABLE = table
        return declared

    return name


class Sections:
    """The sections of some packages, looked for when they are first asked for.

    Args:
        packages: dotted names; they are looked through with all below them.
        with_installed: whether those count that installed distributions name by entry points.
    """

    def __init__(self, packages: Iterable[str] = (), *, with_installed: bool = False) -> None:
        self._packages = tuple(packages)
        self._with_installed = with_installed
        self._found: dict[str, type[Section]] | None = None
        self.failures: list[str] = []

    def get(self, table: str) -> type[Section] | None:
        """The section of a table. Raises ModuleFailed as `all` does."""
        return self.all().get(table)

    def all(self) -> dict[str, type[Section]]:
        """By table. What an installed distribution names and cannot be imported is in `failures`.

        Raises ModuleFailed when one of the packages cannot be imported, and for two sections of one table.
        """
        if self._found is None:
            self._found = self._look()
        return self._found

    def _look(self) -> dict[str, type[Section]]:
        from snowfox.core.packages import ENTRY_POINTS, entry_points, parts_of  # noqa: PLC0415 - 9 ms, for few

        found: dict[str, type[Section]] = {}
        for package in self._packages:
            _collect(parts_of(package), found)
        for point in entry_points(ENTRY_POINTS) if self._with_installed else ():
            try:
                parts = parts_of(point.value)
            except ModuleFailed as failure:
                self.failures.append(str(failure))
            else:
                _collect(parts, found)
        return found


def _collect(parts: Iterable[ModuleType], found: dict[str, type[Section]]) -> None:
    for part in parts:
        for thing in vars(part).values():
            if not _is_named(thing) or thing.__module__ != part.__name__:
                continue
            other = found.setdefault(thing.TABLE, thing)
            if other is not thing:
                msg = f"cannot use {part.__name__}: [{thing.TABLE}] is also a table of {other.__module__}"
                raise ModuleFailed(msg)


def _is_named(thing: Any) -> bool:
    return isinstance(thing, type) and issubclass(thing, Section) and "TABLE" in vars(thing)
