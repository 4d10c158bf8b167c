"""The digest of a configuration."""

import hashlib

from snowfox.core.config.digest import digest


def test_is_sha256_of_parts_with_lengths():
    """Any tool can compute it."""
    assert digest([b"ab", b""]) == hashlib.sha256(b"2:ab0:").hexdigest()


def test_boundaries_count():
    """A byte moved from one part to the next changes it."""
    assert digest([b"ab", b"c"]) != digest([b"a", b"bc"])
