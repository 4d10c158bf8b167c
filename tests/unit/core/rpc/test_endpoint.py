"""Endpoints, as a person writes them."""

import pytest

from snowfox.core.rpc.endpoint import Endpoint
from snowfox.errors import UsageError


def test_a_unix_path():
    """`unix:PATH` is a place; a folder may be given beside it."""
    assert Endpoint.parse("unix:run/manager.sock") == Endpoint("unix:run/manager.sock", None)
    assert Endpoint("unix:x", 7).folder == 7


@pytest.mark.parametrize("text", ["", "unix:", "tcp:1", "localhost:80", "run/manager.sock"])
def test_anything_else_is_refused(text):
    """What is no endpoint is refused with what was written."""
    with pytest.raises(UsageError, match="not an endpoint"):
        Endpoint.parse(text)
