"""One suite over every transport and loop: the same conversation wherever the other end is."""

import asyncio
import os
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import which

import pytest
import uvloop

from snowfox.core.rpc import frame, listening, server
from snowfox.core.rpc.client import attach, connect
from snowfox.core.rpc.endpoint import Endpoint, Tls
from snowfox.core.rpc.interface import Descriptor, Interface, Right, call, stream
from snowfox.core.rpc.server import current, handles, serve
from snowfox.errors import ConnectionLost, InternalError, NotFound, NotPermitted, SnowFoxError

pytestmark = pytest.mark.usefixtures("kernel")


class Echo(Interface):
    @call(right=Right.READ)
    def echo(self, data: bytes) -> bytes:
        """The same."""

    @call(right=Right.READ)
    def find(self, name: str) -> str:
        """Raises NotFound."""

    @call(right=Right.READ)
    def who(self) -> str:
        """Who asks."""

    @call(right=Right.READ)
    def slow(self) -> None:
        """Not answered."""

    @stream(right=Right.READ)
    def count(self, to: int) -> bytes:
        """So many items of 10,000 bytes."""


class Handlers:
    def __init__(self):
        self.cancelled = asyncio.Event()
        self.made = 0

    @handles(Echo.echo)
    def echo(self, data):
        """In place."""
        return data

    @handles(Echo.find)
    def find(self, name):
        """Nothing."""
        raise NotFound(f"no {name}", "look elsewhere")

    @handles(Echo.who)
    async def who(self):
        """In a task."""
        await asyncio.sleep(0)
        return str(current())

    @handles(Echo.slow)
    async def slow(self):
        """Until cancelled."""
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()

    @handles(Echo.count)
    async def count(self, to):
        """As fast as they are taken."""
        for number in range(to):
            self.made += 1
            yield bytes((number % 256,)) * 10_000


class Certificates:
    """An authority, two nodes that it vouches for, and one that it does not know."""

    def __init__(self, folder):
        self._folder = folder
        self._authority("ours")
        self._authority("theirs")
        self.server = self._node("node-1", "ours")
        self.client = self._node("node-2", "ours")
        self.stranger = self._node("node-3", "theirs")._replace(authority=self.client.authority)

    def _run(self, *words):
        subprocess.run(["openssl", *words], cwd=self._folder, check=True, capture_output=True)

    def _authority(self, name):
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                  "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")  # fmt: skip

    def _node(self, name, authority):
        self._run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                  "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
        Path(self._folder, f"{name}.ext").write_text(f"subjectAltName=DNS:{name}\n")
        self._run("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
                  "-days", "2", "-CAcreateserial", "-extfile", f"{name}.ext", "-out", f"{name}.pem")  # fmt: skip
        folder = self._folder
        return Tls(f"{folder}/{authority}.pem", f"{folder}/{name}.pem", f"{folder}/{name}.key", "node-1")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """Made once."""
    if which("openssl") is None:
        pytest.skip("openssl is not installed")
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    """Runs a coroutine in a loop of each kind."""
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.SelectorEventLoop

    def in_loop(work):
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(asyncio.wait_for(work, 30))

    return in_loop


@pytest.fixture(params=["here", "unix", "tcp", "tls", "fd"])
def joined(request, kernel, tmp_path):
    """Makes a server and a client joined by each transport."""
    kind = request.param
    tls = request.getfixturevalue("certificates") if kind == "tls" else None

    @asynccontextmanager
    async def join(handlers):
        if kind == "fd":
            ours, theirs = kernel.sockets.pair()
            far = await attach(
                theirs, calling=Interface, serving=Echo, handlers=handlers, name="far", rights=Right.ALL
            )
            async with connect(f"fd:{ours}", Echo) as echo:
                yield echo, lambda: int(far.is_open)
            await far.closed()
            return
        listener, place = "here:echo", "here:echo"
        if kind != "here":
            listener = kernel.sockets.bind(f"unix:{tmp_path}/s" if kind == "unix" else "127.0.0.1:0")
            kernel.sockets.listen(listener, 10)
            address = kernel.sockets.address(listener)
            place = Endpoint(address if kind == "unix" else f"{kind}:{address}", tls=tls and tls.client)
        async with serve(
            listener, Echo, handlers, grants=lambda _: Right.ALL, tls=tls and tls.server
        ) as server:
            async with connect(place, Echo) as echo:
                yield echo, lambda: server.sessions
            while server.sessions:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.001)
        if kind != "here":
            kernel.files.close(listener)

    join.kind = kind
    return join


def test_calls_errors_and_cancels(run, joined):
    """Answers, errors as themselves, a cancel that reaches the handler, and who asks."""

    async def work():
        handlers = Handlers()
        async with joined(handlers) as (echo, sessions):
            assert await echo.echo(b"there") == b"there"
            with pytest.raises(NotFound, match="no pear"):
                await echo.find("pear")
            promise = echo.slow()
            assert await echo.echo(b"") == b""
            promise.cancel()
            await handlers.cancelled.wait()
            expected = {"tcp": "somebody", "fd": "somebody", "tls": "node-2"}
            assert await echo.who() == expected.get(joined.kind, f"uid {os.getuid()}")
            assert sessions() == 1

    run(work())


def test_large_messages_both_ways(run, joined):
    """More than any buffer holds, in both directions at once, and a hundred small ones between."""

    async def work():
        async with joined(Handlers()) as (echo, _):
            large = [os.urandom(frame.LIMIT - 100), os.urandom(1 << 16)] * 4
            promises = [echo.echo(data) for data in large]
            small = [echo.echo(bytes((number,))) for number in range(100)]
            assert [await promise for promise in small] == [bytes((number,)) for number in range(100)]
            assert [await promise for promise in promises] == large

    run(work())


def test_a_slow_reader(run, joined):
    """A stream waits for its reader; calls do not wait for the stream; then it comes whole."""

    async def work():
        handlers = Handlers()
        async with joined(handlers) as (echo, _), echo.count(200) as items:
            taken = [await anext(items)]
            for _ in range(200):
                await echo.echo(b"meanwhile")
            assert handlers.made <= frame.WINDOW // 10_000 + 2
            taken += [item async for item in items]
            assert [item[0] for item in taken] == [number % 256 for number in range(200)]

    run(work())


def test_an_end_that_is_lost(run, joined):
    """What is under way when the other end leaves is rejected."""

    async def work():
        async with joined(Handlers()) as (echo, _):
            promise = echo.slow()
            await echo.echo(b"")
        with pytest.raises(ConnectionLost):
            await promise

    run(work())


def test_strangers_over_tls(run, kernel, certificates):
    """A client without the authority's word, a server of another name and one without TLS: refused, and served on."""

    async def work():
        listener = kernel.sockets.bind("127.0.0.1:0")
        kernel.sockets.listen(listener, 10)
        address = f"tls:{kernel.sockets.address(listener)}"
        async with serve(
            listener, Echo, Handlers(), grants=lambda _: Right.ALL, tls=certificates.server
        ) as server:
            for tls in (certificates.stranger, certificates.client._replace(name="node-9")):
                with pytest.raises(SnowFoxError):
                    async with connect(Endpoint(address, tls=tls), Echo) as echo:
                        await echo.echo(b"")
            with pytest.raises(SnowFoxError):
                async with connect(address.replace("tls:", "tcp:"), Echo) as echo:
                    await echo.echo(b"")
            async with connect(Endpoint(address, tls=certificates.client), Echo) as echo:
                assert await echo.echo(b"mine") == b"mine"
                assert server.sessions == 1
        kernel.files.close(listener)

    run(work())


def test_rights_by_the_name_in_the_certificate(run, kernel, certificates):
    """Whom the table of rights does not know by name is not let in."""

    async def work():
        listener = kernel.sockets.bind("127.0.0.1:0")
        kernel.sockets.listen(listener, 10)
        place = Endpoint(f"tls:{kernel.sockets.address(listener)}", tls=certificates.client)
        for name, is_known in (("node-2", True), ("node-1", False)):
            rights = {name: Right.ALL}
            serving = serve(
                listener,
                Echo,
                Handlers(),
                grants=lambda caller, rights=rights: rights.get(caller.name, frozenset()),
                tls=certificates.server,
            )
            async with serving, connect(place, Echo) as echo:
                if is_known:
                    assert await echo.echo(b"mine") == b"mine"
                else:
                    with pytest.raises(NotPermitted, match="node-2 may do nothing here"):
                        await echo.echo(b"mine")
        kernel.files.close(listener)

    run(work())


@pytest.mark.parametrize("kind", ["unix", "tcp", "tls"])
def test_who_does_not_say_who_it_is(run, kernel, tmp_path, request, monkeypatch, kind):
    """A connection without a greeting, or without the handshake before it, is closed; who greeted stays."""
    tls = request.getfixturevalue("certificates") if kind == "tls" else None
    monkeypatch.setattr(server, "GREETED_WITHIN", 0.3)
    monkeypatch.setattr(listening, "GREETED_WITHIN", 0.3)

    async def work():
        listener = kernel.sockets.bind(f"unix:{tmp_path}/s" if kind == "unix" else "127.0.0.1:0")
        kernel.sockets.listen(listener, 10)
        address = kernel.sockets.address(listener)
        place = Endpoint(address if kind == "unix" else f"{kind}:{address}", tls=tls and tls.client)
        serving = serve(listener, Echo, Handlers(), grants=lambda _: Right.ALL, tls=tls and tls.server)
        async with serving as one, connect(place, Echo) as echo:
            assert await echo.echo(b"there") == b"there"
            if kind == "unix":
                reader, writer = await asyncio.open_unix_connection(address.removeprefix("unix:"))
            else:
                reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
            said = await asyncio.wait_for(reader.read(), 10)
            assert (b"did not greet" in said) == (kind != "tls")
            writer.close()
            await asyncio.sleep(0.1)
            assert one.sessions == 1
            assert await echo.echo(b"there") == b"there"
        kernel.files.close(listener)

    run(work())


class Passing(Interface):
    @call()
    def pass_on(self, thing: Descriptor) -> None:
        """Takes it."""


def test_descriptors_over_tcp(run, kernel):
    """Refused where they are sent; they stay their owner's, and the session lives."""

    async def work():
        listener = kernel.sockets.bind("127.0.0.1:0")
        kernel.sockets.listen(listener, 10)

        class Handler:
            @handles(Passing.pass_on)
            def pass_on(self, thing):
                """Never called."""

        serving = serve(listener, Passing, Handler(), grants=lambda _: Right.ALL)
        async with serving, connect(f"tcp:{kernel.sockets.address(listener)}", Passing) as passing:
            thing = Descriptor(kernel.files.open("/dev/null", 0))
            with pytest.raises(InternalError, match="cannot send descriptors"):
                await passing.pass_on(thing)
            assert thing.number >= 0
            thing.close()
        kernel.files.close(listener)

    run(work())
