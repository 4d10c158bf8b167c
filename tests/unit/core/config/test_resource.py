"""Resources and their digests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snowfox.core.config.resource import Resource, ResourceKey, digest_of
from snowfox.core.frozen import Frozen

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


class Pool(Frozen):
    host: str
    options: dict[str, str] = {}  # noqa: RUF012 - a frozen value's default


class Other(Frozen):
    host: str
    options: dict[str, str] = {}  # noqa: RUF012 - a frozen value's default


@given(st.dictionaries(st.text(), PLAIN), st.randoms())
def test_the_order_of_keys_does_not_count(table, random):
    """A table written in another order has the same digest, at every depth."""

    def shuffled(value):
        if isinstance(value, dict):
            keys = list(value)
            random.shuffle(keys)
            return {key: shuffled(value[key]) for key in keys}
        if isinstance(value, tuple):
            return tuple(shuffled(item) for item in value)
        return value

    assert digest_of(table) == digest_of(shuffled(table))


@given(PLAIN, PLAIN)
def test_what_differs_has_another_digest(one, other):
    """Values, their types and the order of lists count."""
    assert (digest_of(one) == digest_of(other)) is (repr(_sorted(one)) == repr(_sorted(other)))


def _sorted(value):
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return tuple(map(_sorted, value)) if isinstance(value, tuple) else value


def test_specs_of_different_types_differ():
    """Equal fields are not enough."""
    assert digest_of(Pool("x")) != digest_of(Other("x"))
    assert Resource(ResourceKey("pool", "a"), Pool("x")).digest == digest_of(Pool("x"))


def test_what_has_no_fixed_text_is_refused():
    """An object whose text holds its address would differ from run to run."""
    with pytest.raises(TypeError, match="no digest of object"):
        digest_of((1, object()))
