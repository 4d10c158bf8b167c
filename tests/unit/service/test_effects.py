"""Effects out."""

from __future__ import annotations

from snowfox.service.effects import Kill, Launch


def test_effects_of_different_kinds_are_never_equal():
    """A launch and a kill of the same token are told apart."""
    assert Launch("web", "web~1") != Kill("web", "web~1")
    assert Launch("web", "web~1") == Launch("web", "web~1")
