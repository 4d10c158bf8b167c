"""What a process told of itself, in words."""

from __future__ import annotations

from snowfox.service.said import SILENT, Said


def test_words():
    """What it does, and its own words for it."""
    assert SILENT.words() == ""
    assert Said(status="3 of 4 pools").words() == "3 of 4 pools"
    assert Said(status="3 of 4 pools", is_reloading=True).words() == "reloading: 3 of 4 pools"
    assert Said(is_stopping=True, is_reloading=True).words() == "stopping by itself"


def test_an_errno_is_part_of_the_reason():
    """By its name and the host's words; an unknown number stays one."""
    assert SILENT.with_error("exit 1") == "exit 1"
    assert Said(error=2).with_error("exit 1") == "exit 1; it said ENOENT: no such file or directory"
    assert "it said 4000" in Said(error=4000).with_error("exit 1")
