"""One look at an address, against real sockets of this host."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import PeerError
from snowfox.manager.probe.attempt import look, request, status


@contextlib.asynccontextmanager
async def server(answer: bytes, *, path: str = "") -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that answers each connection so; yields its address and what it was asked."""
    asked: list[bytes] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(ConnectionError):
            if answer:
                asked.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(answer)
            await reader.read()

    if path:
        running = await asyncio.start_unix_server(serve, path)
        address = f"unix:{path}"
    else:
        running = await asyncio.start_server(serve, "127.0.0.1", 0)
        address = f"127.0.0.1:{running.sockets[0].getsockname()[1]}"
    async with running:
        yield address, asked
        for writer in writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        await asyncio.sleep(0)


async def test_tcp_that_accepts_is_ready() -> None:
    """An accepted connection is enough, `localhost` included."""
    async with server(b"") as (address, _):
        await look(LinuxPosix(), address, path=None)
        await look(LinuxPosix(), address.replace("127.0.0.1", "localhost"), path=None)


async def test_tcp_that_nobody_listens_on_is_not() -> None:
    """A refused connection is an error with the kernel's words."""
    async with server(b"") as (address, _):
        pass
    with pytest.raises(ConnectionRefusedError):
        await look(LinuxPosix(), address, path=None)


@pytest.mark.parametrize("code", [200, 204, 302])
async def test_http_that_answers_well_is_ready(code: int) -> None:
    """2xx and 3xx count; path and host are asked for."""
    async with server(b"HTTP/1.1 %d Fine\r\nX: y\r\n\r\n" % code) as (address, asked):
        await look(LinuxPosix(), address, path="/health")
    assert asked[0].startswith(f"GET /health HTTP/1.1\r\nHost: {address}\r\n".encode())


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 503 Busy\r\n\r\n", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 2x\r\n"]
)
async def test_http_that_does_not_is_not(answer: bytes) -> None:
    """Another status, and what is no HTTP, are errors."""
    async with server(answer) as (address, _):
        with pytest.raises(PeerError):
            await look(LinuxPosix(), address, path="/")


async def test_http_over_a_unix_socket_of_any_length(tmp_path: Path) -> None:
    """A path longer than a socket's name may be is reached through its folder."""
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    short = tmp_path / "s"
    async with server(b"HTTP/1.0 200 OK\r\n\r\n", path=str(short)):
        await look(LinuxPosix(), f"unix:{short}", path="/")
        short.rename(deep / "s")
        await look(LinuxPosix(), f"unix:{deep / 's'}", path="/")


def test_status_line() -> None:
    """The code of RFC 9112's status line, with or without a reason."""
    assert status(b"HTTP/1.1 200") == 200
    assert status(b"HTTP/1.0 404 Not Found") == 404
    with pytest.raises(PeerError):
        status(b"")


def test_request_names_a_host() -> None:
    """A unix socket has no host of its own."""
    assert b"Host: localhost\r\n" in request("unix:/x", "/")
