"""Which services a command is about."""

from __future__ import annotations

import argparse

import pytest

from snowfox.cli import pattern
from snowfox.errors import UsageError


def options(*patterns: str, is_all: bool = False, command: str = "stop") -> argparse.Namespace:
    """What the words said."""
    return argparse.Namespace(pattern=list(patterns), all=is_all, command=command)


def test_none_means_all_where_harmless() -> None:
    """Several are one text; an empty one is not none."""
    assert pattern.given(options()) == "*"
    assert pattern.given(options("web", "shop.*")) == "web shop.*"
    assert pattern.given(options("")) == ""


def test_none_is_refused_where_it_is_not() -> None:
    """The hint has the words for both; `--all` with names is refused as well."""
    with pytest.raises(UsageError, match="cannot stop everything unless told so") as caught:
        pattern.required(options())
    assert caught.value.hint == "name services: snowfox stop PATTERN, or all of them: snowfox stop --all"
    with pytest.raises(UsageError) as caught:
        pattern.required(options(command="signal"))
    assert "snowfox signal SIGNAL PATTERN" in caught.value.hint
    with pytest.raises(UsageError, match="cannot stop both all and web"):
        pattern.required(options("web", is_all=True))
    assert pattern.required(options(is_all=True)) == "*"
    assert pattern.required(options("", "")) == " "
