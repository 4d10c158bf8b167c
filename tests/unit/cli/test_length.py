"""A length of time on the command line."""

from __future__ import annotations

import pytest

from snowfox.cli import length
from snowfox.errors import UsageError


def test_seconds() -> None:
    """As users write durations, both bounds included."""
    assert length.given("90s", "wait", most="5m") == 90.0
    assert length.given("1s", "wait", least="1s", most="1s") == 1.0


@pytest.mark.parametrize(
    ("text", "why", "hint"),
    [
        ("soon", 'cannot wait: "soon" is not a duration', 'for example "30s", "5m"'),
        ("10", 'cannot wait: "10" is not a duration', 'for example "30s", "5m"'),
        ("-1s", 'cannot wait: "-1s" is not a duration', 'for example "30s", "5m"'),
        ("500ms", "cannot wait 500ms", "at least 1s"),
        ("61m", "cannot wait 61m", "at most 1h"),
        ("9" * 400 + "d", f"cannot wait {'9' * 400}d", "at most 1h"),
    ],
)
def test_what_is_none(text: str, why: str, hint: str) -> None:
    """What is no length, and one that makes no sense, are wrong use with what would be right."""
    with pytest.raises(UsageError) as caught:
        length.given(text, "wait", least="1s", most="1h")
    assert (str(caught.value), caught.value.hint) == (why, hint)
