"""A line of output that is a JSON object, as structured loggers write it: its level, its message, its fields.

Recognised is an object that says a level or a message under one of the usual names. Numbers are those of pino and
bunyan (10 trace to 60 fatal). The level becomes that of syslog (RFC 5424, 6.2.1).
"""

from __future__ import annotations

import json
from typing import Any, Final

from snowfox.core.named import NamedTuple

LEVELS: Final = {
    "emergency": 0, "emerg": 0, "panic": 0,
    "alert": 1,
    "critical": 2, "crit": 2, "fatal": 2,
    "error": 3, "err": 3, "severe": 3, "exception": 3,
    "warning": 4, "warn": 4,
    "notice": 5,
    "information": 6, "info": 6, "success": 6,
    "debug": 7, "trace": 7, "verbose": 7,
}  # fmt: skip
"""Words for levels, and the severity that each is."""
INFORMATIONAL: Final = 6
"""The severity of what says none."""
_NUMBERS: Final = {10: "trace", 20: "debug", 30: "info", 40: "warning", 50: "error", 60: "fatal"}
_LEVEL: Final = ("level", "severity", "levelname", "lvl", "log.level", "loglevel")
_MESSAGE: Final = ("message", "msg", "event", "text", "body")
_TIMES: Final = frozenset({"time", "timestamp", "ts", "@timestamp", "asctime", "datetime"})
_LONGEST: Final = 1 << 20


class Entry(NamedTuple):
    """What a line says.

    Args:
        level: its word, in small letters; "" where it says none.
        severity: of syslog, 0 to 7; 6 where it says none.
        message: for people; may be "".
        fields: what else it says, without times: that of the line is known.
        whole: the object.
    """

    level: str
    severity: int
    message: str
    fields: dict[str, Any]
    whole: dict[str, Any]


def entry(line: bytes) -> Entry | None:
    """What a line says; None when it is no such object."""
    text = line.strip()
    if not text.startswith(b"{") or not text.endswith(b"}") or len(text) > _LONGEST:
        return None
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return None
    level_key = next((key for key in _LEVEL if key in whole), "")
    message_key = next((key for key in _MESSAGE if isinstance(whole.get(key), str)), "")
    level = _word(whole[level_key]) if level_key else ""
    if not level and not message_key:
        return None
    said = {key for key in (level_key if level else "", message_key) if key}
    fields = {key: value for key, value in whole.items() if key not in said and key not in _TIMES}
    return Entry(level, LEVELS.get(level, INFORMATIONAL), whole.get(message_key, ""), fields, whole)


def row(instance: str, at: int, text: bytes, stream: str) -> dict[str, Any]:
    """A line of output as JSON: whose, when (wall clock ms), its text, which stream where it has one, and its fields."""
    made: dict[str, Any] = {"instance": instance, "at": at, "text": text.decode(errors="replace")}
    if stream:
        made["stream"] = stream
    found = entry(text)
    if found is not None:
        made["fields"] = found.whole
    return made


def shown(found: Entry) -> str:
    """For people: `ERROR no such user id=7`."""
    words = [found.level.upper()] if found.level else []
    if found.message:
        words.append(found.message)
    words += [
        f"{key}={value if isinstance(value, str) and value and ' ' not in value else json.dumps(value)}"
        for key, value in found.fields.items()
    ]
    return " ".join(words)


def _word(value: object) -> str:
    if isinstance(value, str):
        return value.lower() if value.lower() in LEVELS else ""
    if isinstance(value, int) and not isinstance(value, bool):
        return _NUMBERS.get(value, "")
    return ""
