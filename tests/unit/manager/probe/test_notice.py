"""Messages of sd_notify(3), read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snowfox.manager.probe.notice import LONGEST, LONGEST_STATUS, NOTHING, Notice, read


@pytest.mark.parametrize(
    ("message", "notice"),
    [
        (b"READY=1", Notice(is_ready=True)),
        (b"READY=1\nSTATUS=fine\n", Notice(is_ready=True, status="fine")),
        (b"RELOADING=1\nMONOTONIC_USEC=12345", Notice(is_reloading=True, since=12345)),
        (b"STOPPING=1\nERRNO=2", Notice(is_stopping=True, error=2)),
        (b"MAINPID=4711", Notice(main=4711)),
        (b"WATCHDOG=1", Notice(is_alive=True)),
        (b"WATCHDOG=trigger", Notice(is_unwell=True)),
        (b"WATCHDOG_USEC=1500000", Notice(watchdog=1.5)),
        (b"EXTEND_TIMEOUT_USEC=30000000", Notice(extend=30.0)),
        (b"STATUS=a\nSTATUS=b", Notice(status="b")),
        (b"STATUS=", Notice(status="")),
        (b"\n", Notice(is_line=True)),
        (b"ready\n", Notice(is_line=True)),
        (b"BARRIER=1\nFDSTORE=1\nREADY=1", Notice(is_ready=True)),
    ],
)
def test_what_is_understood(message: bytes, notice: Notice) -> None:
    """Each word of the protocol that matters here; others are passed over."""
    assert read(message) == notice


@pytest.mark.parametrize(
    "message",
    [
        b"", b"ready", b"READY=0", b"XREADY=1", b"READY=11", b"READY", b"\xff\xfe", b"=1", b"ERRNO=-2", b"ERRNO=1e3",
        b"ERRNO=99999", b"MAINPID=0", b"MAINPID=" + b"9" * 30, b"WATCHDOG=2", b"WATCHDOG_USEC=0",
        b"EXTEND_TIMEOUT_USEC=99999999999999999999", b"MONOTONIC_USEC=" + b"9" * 20, b"READY=1\n" + b"x" * LONGEST,
    ],
)  # fmt: skip
def test_what_is_not(message: bytes) -> None:
    """Other values, other words, what is too long: nothing was said."""
    assert read(message) is NOTHING


def test_a_status_is_short_and_obeyed_by_no_terminal() -> None:
    """Control characters are spaces, bytes that are no text are marked, what is long is cut."""
    assert read(b"STATUS=\x1b[31m red\r").status == "[31m red"
    assert read(b"STATUS=caf\xe9").status == "caf\ufffd"
    status = read(b"STATUS=" + b"x" * 3000).status
    assert status is not None
    assert len(status) == LONGEST_STATUS


@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from([b"READY=", b"1", b"\n", b"ERRNO=", b"STATUS="])).map(b"".join)
)
def test_anything_can_come(message: bytes) -> None:
    """Nothing raises."""
    read(message)
