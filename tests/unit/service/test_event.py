"""Events in."""

from __future__ import annotations

from snowfox.service.event import Ended, Notified, ProbeAnswered
from snowfox.values import Exit


def test_events_of_different_kinds_are_never_equal():
    """Two that have the same fields are still two things that happened."""
    assert Notified("web~1") != ProbeAnswered("web~1")
    assert Ended("web~1", Exit(0)) == Ended("web~1", Exit(0))
    assert Ended("web~1", Exit(0)) != Ended("web~1", Exit())
