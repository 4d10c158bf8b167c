"""JSON Schema (2020-12, https://json-schema.org/draft/2020-12) of the files of a configuration, made from their types."""

from __future__ import annotations

from typing import Any, Final

from snowfox.core.config.registry import Sections
from snowfox.core.config.section import Section
from snowfox.service.section import DefaultsTable, NodeTable, ServiceTable, SocketTable, TemplateTable
from snowfox.service.written import NAME_PATTERN

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def of_file(sections: Sections) -> dict[str, Any]:
    """Of `snowfox.toml`, which holds everything. Raises ModuleFailed as `Sections.all`."""
    return _top("snowfox.toml", _shared(sections) | {"service": _named(ServiceTable)})


def of_node(sections: Sections) -> dict[str, Any]:
    """Of `node.toml`, beside which services have files of their own. Raises ModuleFailed as `Sections.all`."""
    return _top("node.toml", _shared(sections))


def of_service() -> dict[str, Any]:
    """Of a file of one service."""
    return {"$schema": DIALECT, "title": "services/NAME.toml"} | ServiceTable.schema()


def _shared(sections: Sections) -> dict[str, Any]:
    return {
        "node": NodeTable.schema(),
        "defaults": DefaultsTable.schema(),
        "socket": _named(SocketTable),
        "template": _named(TemplateTable),
        **{table: section.schema() for table, section in sections.all().items()},
    }


def _named(section: type[Section]) -> dict[str, Any]:
    return {
        "type": "object",
        "propertyNames": {"pattern": NAME_PATTERN},
        "additionalProperties": section.schema(),
    }


def _top(title: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "title": title,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
