"""Times on the command line."""

from __future__ import annotations

import argparse
import time

import pytest

from snowfox.cli.moment import moment


def test_how_long_ago() -> None:
    """A duration counts from now."""
    assert abs(time.time() * 1000 - 600_000 - moment("10m")) < 5000


@pytest.mark.parametrize("text", ["2026-11-25 14:05:30", "2026-11-25T14:05:30"])
def test_a_time_of_this_host(text: str) -> None:
    """Without a zone it is this host's."""
    assert time.localtime(moment(text) / 1000)[:6] == (2026, 11, 25, 14, 5, 30)


def test_a_time_of_today() -> None:
    """A clock time alone is today's."""
    assert time.localtime(moment("14:05") / 1000)[:6] == (*time.localtime()[:3], 14, 5, 0)


def test_universal_time() -> None:
    """With a Z."""
    assert moment("2026-11-25T14:05:30Z") == 1_795_615_530_000


@pytest.mark.parametrize("text", ["", "now", "25:00", "2026-13-01", "2026-02-30", "10", "Z"])
def test_what_is_none(text: str) -> None:
    """It is refused with what would be one."""
    with pytest.raises(argparse.ArgumentTypeError, match="give how long ago"):
        moment(text)
