"""`snowfox run`: a command beside a service, as one of its instances would be launched, its output as it comes.

It is a helper: nothing keeps it, and it ends with the manager, or when who asked goes away. What it prints waits in its
FIFO while nobody reads, so that a slow terminal slows down the command and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Final

from snowfox.contract.manager import RunOutput
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError, UserError
from snowfox.manager.node import Node
from snowfox.service.beside import Beside
from snowfox.service.fact import ServiceRan
from snowfox.service.filling import plain
from snowfox.values import Exit

MOST: Final = 64
"""Commands at a time."""

_CHUNK: Final = 1 << 16


class Pipe:
    """What a command prints, a chunk at a time; read only when the one before was taken.

    Args:
        posix: the kernel.
        loop: the loop to read in.
    """

    def __init__(self, posix: Posix, loop: asyncio.AbstractEventLoop) -> None:
        self._posix = posix
        self._loop = loop
        self._descriptor = -1
        self._data = b""
        self._news = asyncio.Event()

    def attach(self, descriptor: int) -> None:
        """Read from here; it is ours from now on."""
        self._descriptor = descriptor
        self._loop.add_reader(descriptor, self._read)

    async def take(self) -> bytes:
        """What was printed; "" when all that could was, or `stir` was called."""
        await self._news.wait()
        self._news.clear()
        data, self._data = self._data, b""
        if data and self._descriptor >= 0:
            self._loop.add_reader(self._descriptor, self._read)
        return data

    def stir(self) -> None:
        """Let `take` return."""
        self._news.set()

    def rest(self) -> bytes:
        """What is there without waiting, a chunk of it."""
        data, self._data = self._data, b""
        if data or self._descriptor < 0:
            return data
        return self._posix.files.read(self._descriptor, _CHUNK) or b""

    def close(self) -> None:
        """Read nothing more. A second time is fine."""
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            self._posix.files.close(self._descriptor)
            self._descriptor = -1

    def _read(self) -> None:
        try:
            data = self._posix.files.read(self._descriptor, _CHUNK)
        except PosixError:
            data = b""
        if data is None:
            return
        self._data = data
        self._loop.remove_reader(self._descriptor)
        if data:
            self._news.set()


class OneOffs:
    """All commands that people run beside services.

    Args:
        node: where.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._count = 0

    async def run(self, instance: str, words: Sequence[str], *, who: str) -> AsyncGenerator[RunOutput]:
        """Run it; what it prints, and at the end how it ended. Closing the iterator kills it.

        Args:
            instance: as whose it runs.
            words: the command, nothing filled in; without any, that of the service.
            who: asked for it, for people.

        Raises UserError, and what refuses its launch.
        """
        node = self._node
        if self._count >= MOST:
            msg = f"cannot run a command beside {instance}: {MOST} others run"
            raise UserError(msg, "wait until one of them has ended")
        command = tuple(map(plain, words)) or node.blueprints.command(instance)
        launch = node.blueprints.hook(instance, Beside("run", command), node.ids.new(), {})
        pipe = Pipe(node.posix, node.loop)
        began = node.clock.now()
        self._count += 1
        helper = node.loop.create_task(
            node.connector.helper(launch, pipe.attach), name=f"run beside {instance}"
        )
        helper.add_done_callback(lambda _: pipe.stir())
        try:
            while not helper.done():
                data = await pipe.take()
                if data:
                    yield RunOutput(data)
            end: Exit = helper.result()
            while data := pipe.rest():
                yield RunOutput(data)
            seconds = node.clock.now() - began
            fact = ServiceRan(who, list(launch.arguments), end.code, end.signal, seconds)
            node.bus.emit(fact, subject=instance)
            yield RunOutput(b"", end.code, end.signal, last=True)
        finally:
            self._count -= 1
            helper.cancel()
            pipe.close()
