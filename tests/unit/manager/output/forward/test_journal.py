"""Lines for the journal of systemd."""

from __future__ import annotations

import socket
from pathlib import Path

from snowfox.contract.manager import LogLine
from snowfox.core.posix.linux import LinuxPosix
from snowfox.manager.output.forward.journal import Journal, messages


def test_a_line_is_a_message() -> None:
    """With its service, its instance, its stream."""
    first, second = messages(LogLine("web@1", 5, b"one\ntw\xc3\xb6", "errors"))
    common = b"SYSLOG_IDENTIFIER=web\nSNOWFOX_INSTANCE=web@1\nSNOWFOX_STREAM=errors\n"
    assert first == b"MESSAGE=one\nPRIORITY=6\n" + common
    assert second == b"MESSAGE\n\x04\0\0\0\0\0\0\0tw\xc3\xb6\nPRIORITY=6\n" + common


def test_fields_of_a_structured_line_are_its_fields() -> None:
    """Message and priority as the journal has them; names made such as it takes, ours not overwritten."""
    text = b'{"level":"warn","msg":"slow","user id":7,"_pid":"1","message_id":"x","priority":"0","deep":{}}'
    (message,) = messages(LogLine("web", 5, text))
    assert message == (
        b"MESSAGE=slow\nPRIORITY=4\nUSER_ID=7\nPID=1\nMESSAGE_ID=x\n"
        b"SYSLOG_IDENTIFIER=web\nSNOWFOX_INSTANCE=web\n"
    )


async def test_to_its_socket(tmp_path: Path) -> None:
    """A datagram each."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "socket"))
        sink = Journal(LinuxPosix(), str(tmp_path / "socket"))
        await sink.send([LogLine("web", 5, b"one"), LogLine("web", 5, b"two")])
        assert [server.recv(9999).split(b"\n")[0] for _ in range(2)] == [b"MESSAGE=one", b"MESSAGE=two"]
        await sink.close()
