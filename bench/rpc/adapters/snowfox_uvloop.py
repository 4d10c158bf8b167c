"""Snow Fox on uvloop."""

import asyncio

import uvloop
from snowfox_ import _serve, client  # noqa: F401

IMPORT = "import snowfox.core.rpc.client, snowfox.core.rpc.fast, uvloop"


def run(coro):
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(coro)


def serve(path):
    run(_serve(path))
