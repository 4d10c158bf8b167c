"""The end of a node whose essential service has failed."""

from __future__ import annotations

import pytest

from snowfox.manager.essential import code_of
from snowfox.values import UNKNOWN_EXIT, Exit


@pytest.mark.parametrize(
    ("exit", "code"), [(Exit(3), 3), (Exit(0), 1), (Exit(signal=9), 137), (UNKNOWN_EXIT, 1)]
)
def test_the_node_ends_as_the_service_did(exit, code):
    """Its code; a signal as a shell tells it; never 0, for it failed."""
    assert code_of(exit) == code
