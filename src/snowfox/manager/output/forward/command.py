"""Lines to a command that reads them: a helper of the spawner, as the service's user."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from snowfox.contract.manager import LogLine
from snowfox.core.posix.api import Posix
from snowfox.errors import DeadlineExceeded, HostError, PosixError
from snowfox.manager.output.forward.sink import Sink
from snowfox.service.entry import row
from snowfox.values import Exit

Run = Callable[[Callable[[int], None]], Awaitable[Exit]]
"""Runs the command to its end, and gives the write end of what it reads to the function."""

_TAKEN_WITHIN: Final = 10.0
_STARTED_WITHIN: Final = 30.0
_ENDS_WITHIN: Final = 5.0


class Command(Sink):
    """The command; started with the first line, again when it ended.

    Args:
        posix: the kernel.
        run: runs it.
        as_json: whether it reads JSON objects, those of `logs --json`.
    """

    def __init__(self, posix: Posix, run: Run, *, as_json: bool) -> None:
        self._posix = posix
        self._run = run
        self._as_json = as_json
        self._loop = asyncio.get_running_loop()
        self._running: asyncio.Future[Exit] | None = None
        self._input = -1

    async def send(self, lines: list[LogLine]) -> None:  # noqa: D102
        if self._running is not None and self._running.done():
            self._drop()
        if self._input < 0:
            await self._start()
        data = memoryview(b"".join(_json(line) if self._as_json else _text(line) for line in lines))
        try:
            async with asyncio.timeout(_TAKEN_WITHIN):
                while data:
                    sent = self._posix.files.write(self._input, data)
                    data = data[sent or 0 :]
                    if sent is None:
                        await self._writable()
        except TimeoutError:
            msg = "it reads nothing"
            raise DeadlineExceeded(msg) from None
        except PosixError:
            self._drop()
            raise

    async def close(self) -> None:  # noqa: D102
        running = self._running
        self._close_input()
        if running is None:
            return
        try:
            async with asyncio.timeout(_ENDS_WITHIN):
                await asyncio.wait([running])
        finally:
            running.cancel()

    async def _start(self) -> None:
        opened: asyncio.Future[int] = self._loop.create_future()

        def feed(descriptor: int) -> None:
            if opened.done():
                self._posix.files.close(descriptor)
            else:
                opened.set_result(descriptor)

        self._running = asyncio.ensure_future(self._run(feed))
        waited: list[asyncio.Future[Any]] = [opened, self._running]
        await asyncio.wait(waited, timeout=_STARTED_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        if opened.done():
            self._input = opened.result()
            return
        opened.cancel()
        running, self._running = self._running, None
        if running.done():
            msg = f"it ended with {running.result()}"  # or raises why it was not started
            raise HostError(msg)
        running.cancel()
        msg = "it was not started in time"
        raise DeadlineExceeded(msg)

    async def _writable(self) -> None:
        taken: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_writer(self._input, _settle, taken)
        try:
            await taken
        finally:
            self._loop.remove_writer(self._input)

    def _drop(self) -> None:
        """It reads no more: let it end."""
        self._close_input()
        if self._running is not None:
            if self._running.done():
                self._running.exception()  # it was told by the write
            else:
                self._running.cancel()
            self._running = None

    def _close_input(self) -> None:
        if self._input >= 0:
            self._posix.files.close(self._input)
            self._input = -1


def _settle(taken: asyncio.Future[None]) -> None:
    if not taken.done():
        taken.set_result(None)


def _text(line: LogLine) -> bytes:
    return line.text if line.is_part else line.text + b"\n"


def _json(line: LogLine) -> bytes:
    rows = (row(line.instance, line.at, text, line.stream) for text in line.text.split(b"\n"))
    return b"".join(json.dumps(one).encode() + b"\n" for one in rows)
