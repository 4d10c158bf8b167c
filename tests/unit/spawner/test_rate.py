"""The token bucket."""

from __future__ import annotations

from snowfox.spawner.rate import Bucket


def test_burst_then_rate() -> None:
    """So many at once, then so many a second, never more than the size saved up."""
    bucket = Bucket(3, 2.0, 10.0)
    assert [bucket.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(10.5), bucket.take(10.5)] == [True, False]
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
