"""Lines as messages of syslog, at real sockets."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path

import pytest

from snowfox.contract.manager import LogLine
from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import PosixError
from snowfox.manager.output.forward.syslog import LONGEST, Format, Syslog

LINE = LogLine("shop.web@2", 1_764_064_931_123, b"one\ntwo", "errors")
HEAD = r"<30>1 2025-11-25T10:02:11\.123Z \S+ shop\.web shop\.web@2 errors - "


def test_the_header_is_that_of_rfc_5424() -> None:
    """Priority of facility and severity, version, time, host, service, instance, stream, no structured data."""
    first, second = Format("daemon", "host").messages(LINE)
    assert re.fullmatch(HEAD.encode() + b"one", first)
    assert second.endswith(b" host shop.web shop.web@2 errors - two")
    (unknown,) = Format("local7", "").messages(LogLine("web", 0, b""))
    assert unknown == b"<190>1 - - web web output - "


def test_the_severity_of_a_structured_line_is_its_own() -> None:
    """Its text stays as it is."""
    text = b'{"level": "error", "msg": "no"}'
    (message,) = Format("user", "host").messages(LogLine("web", 1, text))
    assert message.startswith(b"<11>1 ")
    assert message.endswith(b" - " + text)


def test_a_long_line_goes_in_several() -> None:
    """None of them longer than receivers take, together all of it."""
    messages = list(Format("user", "host").messages(LogLine("web", 1, b"x" * (2 * LONGEST + 1))))
    assert [len(message.rpartition(b" ")[2]) for message in messages] == [LONGEST, LONGEST, 1]


async def test_datagrams_over_udp() -> None:
    """A message a datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        sink = Syslog(LinuxPosix(), f"udp:127.0.0.1:{server.getsockname()[1]}", "daemon")
        await sink.send([LINE])
        assert re.fullmatch(HEAD.encode() + b"one", server.recv(9999))
        assert server.recv(9999).endswith(b"two")
        await sink.close()


async def test_datagrams_to_a_unix_socket(tmp_path: Path) -> None:
    """As /dev/log takes them; refused while nobody is there, and sent once somebody is."""
    sink = Syslog(LinuxPosix(), f"unix:{tmp_path}/log", "daemon")
    with pytest.raises(PosixError):
        await sink.send([LINE])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "log"))
        await sink.send([LINE])
        assert server.recv(9999).endswith(b"one")
        await sink.close()


async def test_octets_are_counted_over_tcp() -> None:
    """Each message after its length; a connection that was lost is made again."""
    got: list[bytes] = []
    arrived = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            size = int(await reader.readuntil(b" "))
            got.append(await reader.readexactly(size))
        writer.close()
        arrived.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sink = Syslog(LinuxPosix(), f"127.0.0.1:{port}", "daemon")
    await sink.send([LINE])
    await asyncio.wait_for(arrived.wait(), 5)
    assert [message.rpartition(b" ")[2] for message in got] == [b"one", b"two"]
    arrived.clear()
    for _ in range(5):
        try:
            await sink.send([LINE])
        except OSError:
            continue
        await asyncio.sleep(0.01)
        if arrived.is_set():
            break
    assert len(got) == 4
    await sink.close()
    server.close()
    await server.wait_closed()
