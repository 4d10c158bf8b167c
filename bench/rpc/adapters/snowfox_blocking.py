"""Snow Fox's blocking client, as the command line has it, against its asyncio server."""

from contextlib import ExitStack

from snowfox_ import Bench, serve  # noqa: F401

SYNC = True
IMPORT = "import snowfox.core.rpc.blocking"


class Client:
    def __init__(self, path):
        from snowfox.core.rpc.blocking import connect

        self._stack = ExitStack()
        session = self._stack.enter_context(connect("unix:" + path))
        self.add = lambda a, b: session.call(Bench.add, a, b)
        self.echo = lambda data: session.call(Bench.echo, data)
        self.status = lambda: session.call(Bench.status)

    def close(self):
        self._stack.close()


def client(path):
    return Client(path)
