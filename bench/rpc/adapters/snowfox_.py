"""Snow Fox on asyncio, unix socket: deadlines, trace, limits and cancellation on."""

import asyncio
from contextlib import AsyncExitStack
from typing import NamedTuple

from _work import STATUS, ready

from snowfox.core.rpc.interface import Interface, call

IMPORT = "import snowfox.core.rpc.client, snowfox.core.rpc.fast"


class Service(NamedTuple):
    name: str
    state: str
    pid: int
    since: float
    message: str


class Bench(Interface):
    @call(repeatable=True)
    def add(self, a: int, b: int) -> int: ...
    @call(repeatable=True)
    def echo(self, data: bytes) -> bytes: ...
    @call(repeatable=True)
    def status(self) -> list[Service]: ...


async def _serve(path):
    from snowfox.core.posix.active import activate
    from snowfox.core.posix.linux import LinuxPosix
    from snowfox.core.rpc.fast import fast
    from snowfox.core.rpc.server import handles, serve

    class Handlers:
        @handles(Bench.add)
        def add(self, a, b):
            return a + b

        @handles(Bench.echo)
        def echo(self, data):
            return data

        @handles(Bench.status)
        def status(self):
            return [Service(**one) for one in STATUS]

    posix = LinuxPosix()
    activate(posix)
    listener = posix.sockets.bind("unix:" + path)
    posix.sockets.listen(listener, 1024)
    async with serve(listener, Bench, Handlers(), grants=lambda _: frozenset({"read"}), wires=fast):
        ready()
        await asyncio.Event().wait()


def serve(path):
    asyncio.run(_serve(path))


class Client:
    def __init__(self, stack, bench):
        self._stack = stack
        self.add, self.echo, self.status = bench.add, bench.echo, bench.status

    async def close(self):
        await self._stack.aclose()


async def client(path):
    from snowfox.core.posix.active import activate
    from snowfox.core.posix.linux import LinuxPosix
    from snowfox.core.rpc.client import connect
    from snowfox.core.rpc.fast import fast

    activate(LinuxPosix())
    stack = AsyncExitStack()
    return Client(stack, await stack.enter_async_context(connect("unix:" + path, Bench, wires=fast)))
