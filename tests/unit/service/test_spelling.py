"""Fields and values as a person writes them."""

from __future__ import annotations

from typing import Any

import pytest

from snowfox.service.spec import Secret
from snowfox.service.spelling import key_of, written


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("command", "command"),
        ("is_task", "type"),
        ("replacement", "replace"),
        ("restart.max_delay", "restart.max-delay"),
        ("environment.MY_NAME", "environment.MY_NAME"),
        ("secrets.MY_KEY.file", "secrets.MY_KEY.file"),
    ],
)
def test_keys(field: str, key: str) -> None:
    """As they stand in a file; names of variables as they are."""
    assert key_of(field) == key


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("ready.tcp", None, ""),
        ("autostart", False, "false"),
        ("is_task", True, '"task"'),
        ("instances", 2, "2"),
        ("command", ("sh", "-c", 'echo "é"\n'), '["sh", "-c", "echo \\"é\\"\\n"]'),
        ("requires", (), "[]"),
        ("restart.success", (0, 2), "[0, 2]"),
        ("restart.max_delay", 90.0, "90s"),
        ("ready.delay", 0.25, "250ms"),
        ("stop.signal", 15, "TERM"),
        ("log.size", 20 << 20, "20M"),
        ("log.size", 1500, "1500"),
        ("mode", 0o660, '"0660"'),
        ("mode", -1, ""),
        ("environment.delay", "10", '"10"'),
        ("secrets.A", Secret("A", "k"), '{ file = "k" }'),
        ("secrets.B", Secret("B", "k", "file"), '{ file = "k", as = "file" }'),
    ],
)
def test_values(field: str, value: Any, text: str) -> None:
    """By what they are, and numbers by what their field says that they mean."""
    assert written(field, value) == text
