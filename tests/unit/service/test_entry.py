"""Lines of structured loggers."""

from __future__ import annotations

import pytest

from snowfox.service.entry import entry, shown


@pytest.mark.parametrize(
    ("line", "level", "severity", "text"),
    [
        (b'{"level":"warn","msg":"slow","ms":12}', "warn", 4, "WARN slow ms=12"),
        (b'{"severity":"CRITICAL","message":"gone"}\r', "critical", 2, "CRITICAL gone"),
        (b'{"level":50,"time":1,"msg":"pino"}', "error", 3, "ERROR pino"),
        (b'{"event":"structlog","timestamp":"x","user":"a b"}', "", 6, 'structlog user="a b"'),
        (b'{"level":"info","deep":{"a":[1,null]}}', "info", 6, 'INFO deep={"a": [1, null]}'),
    ],
)
def test_usual_shapes(line: bytes, level: str, severity: int, text: str) -> None:
    """Level, severity and what people see."""
    found = entry(line)
    assert found is not None
    assert (found.level, found.severity, shown(found)) == (level, severity, text)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"text",
        b"{",
        b"{}",
        b'{"a": 1}',
        b"[1]",
        b'{"level": "loud"}',
        b'{"level": true}',
        b"{\xff}",
        b"{" * 9999 + b"}",
    ],
)
def test_what_is_none(line: bytes) -> None:
    """Anything else stays text."""
    assert entry(line) is None
