"""The status of an instance, as it is stored."""

from __future__ import annotations

from snowfox.service.status import STATES, Status


def test_it_is_plain():
    """Every field is a text or a number, so that it can be stored and read back as it is."""
    status = Status("web@1", "web", "ready", "green", 1.5)
    values = [getattr(status, name) for name in Status.__match_args__]
    assert all(isinstance(value, str | int | float) for value in values)
    assert Status(*values) == status


def test_the_states_are_ten():
    """No state is there twice."""
    assert len(set(STATES)) == len(STATES) == 10
