"""Fields of specs and their values, spelled as a person writes them in a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, cast

from snowfox.core.config.section import Section
from snowfox.core.frozen import Frozen
from snowfox.service.spec import Secret
from snowfox.values import duration_text, exact_size_text, signal_name

_DURATIONS: Final = frozenset(
    {
        "delay",
        "max_delay",
        "window",
        "early",
        "reset",
        "timeout",
        "every",
        "grace",
        "jitter",
        "pause",
        "wait",
        "watchdog",
        "idle",
        "age",
    }
)
_WORDS: Final = {"is_task": ("service", "task"), "is_on_demand": ("with-node", "on-demand")}
_CALLED: Final = {"is_task": "type", "replacement": "replace", "rolling": "replace", "is_on_demand": "start"}


class UidOf(Frozen):
    """The uid that a service has by its name, where nobody writes a `user`."""

    service: str


def key_of(field: str) -> str:
    """The path of a field as it is written: `restart.max-delay`; `type` is what is called `is_task` here."""
    head, dot, rest = field.partition(".")
    if head in {"environment", "secrets"}:
        return field
    return (_CALLED.get(head, head) + dot + rest).replace("_", "-")


def written(field: str, value: Any) -> str:
    """A value, with durations, sizes and signals as they are within their quotes: `10s`, `20M`, `TERM`, `"text"`.

    Args:
        field: its path, which tells what a number means.
        value: of a spec; "" for None, which is not there.
    """
    last = field.rpartition(".")[2]
    if value is None:
        return ""
    if field in _WORDS:
        return f'"{_WORDS[field][value]}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        items = cast("Sequence[Any]", value)
        return "[" + ", ".join(written(field, item) for item in items) + "]"
    if isinstance(value, Section):
        return _table(field, value)
    if isinstance(value, Secret | UidOf):
        return _made(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return _number(field, last, value)


def _made(value: Secret | UidOf) -> str:
    if isinstance(value, UidOf):
        return f"uid of {value.service}"
    form = "" if value.form == "environment" else f', as = "{value.form}"'
    return f"{{ file = {written('', value.file)}{form} }}"


def _table(field: str, table: Section) -> str:
    """What is written in a table, but for what goes without saying."""
    said = [
        f"{name} = {_quoted(written(f'{field}.{key.field}', getattr(table, key.field)))}"
        for name, key in table.keys().items()
        if key.is_required or getattr(table, key.field) not in (None, ())
    ]
    return f"{{ {', '.join(said)} }}"


def _quoted(text: str) -> str:
    """As it stands in a file: a duration or signal, too."""
    return text if text[:1] in ('"', "[", "{") or text in {"true", "false"} or text.isdigit() else f'"{text}"'


def _number(field: str, last: str, value: Any) -> str:
    if last in _DURATIONS:
        return duration_text(value)
    match field:
        case "stop.signal" | "stop.steps.signal" | "reload.signal":
            return signal_name(value)
        case "log.size" | "recycle.memory" | "limits.memory" | "limits.io" | "limits.core":
            return exact_size_text(value)
        case "umask":
            return f'"{value:04o}"'
        case "limits.cpu":
            return f"{value:g}"
        case "mode":
            return f'"{value:04o}"' if value >= 0 else ""
        case _:
            return str(value)
