"""The keys of a service as they are in force, each with its value as it is written and with who wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from snowfox.contract.manager import Effective
from snowfox.core.config.section import Section
from snowfox.core.named import NamedTuple
from snowfox.service.checked import Checked
from snowfox.service.layer import Origin
from snowfox.service.spec import Secret, Service
from snowfox.service.spelling import key_of, written

DEFAULT: Final = "default"
"""The origin of what nobody wrote."""

_NOT_KEYS: Final = frozenset({"name", "owner", "folder"})


class _Row(NamedTuple):
    """A field that holds a value, and the value that it has by itself."""

    field: str
    value: Any
    standard: Any = None


def effective(service: Service, checked: Checked) -> list[Effective]:
    """All keys, tables flattened.

    Args:
        service: as it is in force.
        checked: the files that it was read from.
    """
    origins = checked.origins(service.name)
    rows = list(_rows(service))
    found = [
        Effective(key, written(row.field, row.value), _origin(origins.get(key), row, checked.title))
        for row in rows
        for key in (key_of(row.field),)
    ]
    # What is no part of the service any more: it has become other keys.
    chain = checked.chains.get(service.name)
    if chain is not None:
        found += [
            Effective(key, written(key, chain.written(key)), _place(origins[key]))
            for key in ("extends", "environment-files")
            if key in origins
        ]
    return found


def _rows(service: Service) -> Iterator[_Row]:
    standard = _standard(service)
    names: tuple[str, ...] = service.__match_args__
    for name in names:
        if name not in _NOT_KEYS:
            yield from _flat(name, getattr(service, name), getattr(standard, name))


def _standard(service: Service) -> Service:
    """A service that says nothing but its command, its sockets and whether it is a task."""
    standard = Service(service.name, (), is_task=service.is_task)
    if service.sockets:
        standard = standard.replace(replacement="rolling")
    if service.is_task:
        standard = standard.replace(restart=standard.restart.replace(when="never"))
    return standard.replace(is_task=False)


def _flat(field: str, value: Any, standard: Any) -> Iterator[_Row]:
    if isinstance(value, Section):
        for key in value.keys().values():
            below = getattr(value, key.field)
            if below is not None:
                yield _Row(f"{field}.{key.field}", below, getattr(standard, key.field))
    elif isinstance(value, dict):
        for name, text in cast("dict[str, Any]", value).items():
            yield _Row(f"{field}.{name}", text)
    elif field == "secrets":
        for secret in cast("tuple[Secret, ...]", value):
            yield _Row(f"{field}.{secret.name}.file", secret.file)
            yield _Row(f"{field}.{secret.name}.as", secret.form, "environment")
    else:
        yield _Row(field, value, standard)


def _origin(origin: Origin | None, row: _Row, title: str) -> str:
    """Where it was written; a format that does not tell has one file."""
    if origin is not None:
        return _place(origin)
    return DEFAULT if row.value == row.standard else title


def _place(origin: Origin) -> str:
    place = f"{origin.file}:{origin.line}"
    if origin.layer.startswith("service "):
        return place
    return f"{'[defaults]' if origin.layer == 'defaults' else origin.layer} {place}"
