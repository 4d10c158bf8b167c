"""What a service requires, as it is written: a name, or a table that says what follows from a crash of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from snowfox.core.config.kind import Findings, Kind, is_list, is_table
from snowfox.core.config.scanner import Path
from snowfox.core.config.section import Nested, Section
from snowfox.core.named import NamedTuple
from snowfox.service.written import NAME


class Required(NamedTuple):
    """A service that is required.

    Args:
        service: its name.
        on_restart: `restart` or `reload`: what is done when it crashed and is ready again; "" is nothing.
    """

    service: str
    on_restart: str = ""


class RequiredTable(Section):
    """A service that is required, and what follows when it crashed and is ready again.

    Args:
        service: its name.
        on_restart: what is done then with the one that requires it; default: nothing.
    """

    EXAMPLE: ClassVar[str] = '{ service = "cache", on-restart = "restart" }'

    service: Annotated[str, NAME]
    on_restart: Literal["restart", "reload"] | None = None


class Requirement(Kind):
    """A name of a service, or a table with it. Becomes a `Required`."""

    words = "a name or a table"
    example = f'"cache" or {RequiredTable.EXAMPLE}'
    _table = Nested(RequiredTable)

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """A `Required`."""
        if not is_table(value):
            return Required(NAME.read(value, path, findings))
        fields = self._table.read(value, path, findings)
        return Required(fields.get("service", ""), fields.get("on_restart", ""))

    def schema(self) -> dict[str, Any]:
        """A name or a table."""
        return {"anyOf": [NAME.schema(), self._table.schema()]}


def names(required: Iterable[Required]) -> tuple[str, ...]:
    """The services alone, each once."""
    return tuple(dict.fromkeys(one.service for one in required))


def place_of(written: Any, name: str) -> int:
    """Where a service is named in a list as it is written, of names and tables; 0 where it is not."""
    for index, item in enumerate(written if is_list(written) else ()):
        if item == name or (is_table(item) and item.get("service") == name):
            return index
    return 0
