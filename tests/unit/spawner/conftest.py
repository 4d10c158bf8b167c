"""A spawner's hands on a fake kernel."""

from __future__ import annotations

import pytest

from snowfox.testing.launches import Bench, host


@pytest.fixture
def bench() -> Bench:
    """A spawner on a host with a launcher and a program."""
    return Bench(*host())
