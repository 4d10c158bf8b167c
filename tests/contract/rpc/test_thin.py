"""What blocking and channel owe beyond the others: deadlines, folders, silence, loss."""

import os
import threading
import time

import pytest

from snowfox.core.clock import SystemClock
from snowfox.core.deadline import deadline
from snowfox.core.rpc.blocking import Session, connect
from snowfox.core.rpc.channel import Channel, Options
from snowfox.core.rpc.happening import Ended, Failed
from snowfox.core.rpc.interface import Descriptor, Interface, call
from snowfox.errors import ConnectionLost, DeadlineExceeded, PosixError, ProtocolError

QUIET = Options("test", ping_after=None, dead_after=None)


class Slow(Interface):
    @call(deadline="100ms")
    def never(self) -> None:
        """Not answered."""

    @call()
    def give(self, thing: Descriptor) -> None:
        """Not answered."""


def _channel(kernel, socket, *, serving=None, options=QUIET):
    return Channel(kernel, socket, clock=SystemClock(), serving=serving, calling=Slow, options=options)


def _greeted(kernel):
    """Two channels that have greeted each other."""
    one, other = (_channel(kernel, socket, serving=Slow) for socket in kernel.sockets.pair())
    for _ in range(2):
        for channel in (one, other):
            assert channel.flush() == []
            assert channel.receive() == []
    return one, other


def test_connect_below_a_deep_folder(kernel, tmp_path):
    """A socket far deeper than a unix address reaches is reached by its folder."""
    deep = tmp_path
    while len(str(deep)) < 300:
        deep = deep / ("d" * 60)
    deep.mkdir(parents=True)
    folder = os.open(deep, os.O_PATH)
    listener = kernel.sockets.bind("unix:s", folder=folder)
    kernel.sockets.listen(listener, 5)

    def serve():
        while (socket := kernel.sockets.accept(listener)) is None:
            time.sleep(0.001)
        channel = _channel(kernel, socket, serving=Slow)
        channel.flush()
        while not channel.ended:
            channel.receive()
        channel.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with connect("unix:s", folder=folder, posix=kernel) as session, pytest.raises(DeadlineExceeded):
        session.call(Slow.never)
    thread.join(10)
    kernel.files.close(listener)
    os.close(folder)


def test_nobody_greets(kernel, tmp_path):
    """A server that accepts and says nothing is given up after the timeout."""
    listener = kernel.sockets.bind(f"unix:{tmp_path}/s")
    kernel.sockets.listen(listener, 5)
    with (
        pytest.raises(DeadlineExceeded, match="no greeting"),
        connect(f"unix:{tmp_path}/s", timeout=0.05, posix=kernel),
    ):
        pass
    kernel.files.close(listener)


def test_nobody_listens(kernel, tmp_path):
    """Connecting where nobody listens is the kernel's refusal."""
    with pytest.raises(PosixError), connect(f"unix:{tmp_path}/s", posix=kernel):
        pass


def test_a_deadline_outside_counts(kernel):
    """A blocking call has no more time than the place that makes it."""
    ours, theirs = kernel.sockets.pair()
    far = _channel(kernel, theirs, serving=Slow)
    far.flush()
    session = Session(kernel, ours, SystemClock())
    session.greet(5.0)
    begin = time.monotonic()
    with deadline("50ms"), pytest.raises(DeadlineExceeded):
        session.call(Slow.give, Descriptor(os.dup(0)))
    assert time.monotonic() - begin < 5.0
    session.close()
    session.close()
    far.close()


def test_a_lost_server_ends_a_call(kernel):
    """When the other end goes away a waiting call fails, and the next one as well."""
    ours, theirs = kernel.sockets.pair()
    far = _channel(kernel, theirs, serving=Slow)
    far.flush()
    session = Session(kernel, ours, SystemClock())
    session.greet(5.0)
    far.close()
    for _ in range(2):
        with pytest.raises(ConnectionLost):
            session.call(Slow.never)
    session.close()


def test_lost_descriptors_are_fatal(kernel):
    """When the kernel drops descriptors, as one that has too many open does, the session ends and the rest are closed."""

    class Losing:
        """A kernel that says that some were lost."""

        def __init__(self):
            self.files = kernel.files
            self.sockets = self

        def receive(self, socket, size, *, most=0):
            """As the real one, truncated."""
            got = kernel.sockets.receive(socket, size, most=most)
            return got and got._replace(truncated=True)

        def send(self, *values):
            """As the real one."""
            return kernel.sockets.send(*values)

    reading, writing = os.pipe()
    ours, theirs = kernel.sockets.pair()
    near, far = _channel(kernel, ours), _channel(Losing(), theirs, serving=Slow)
    near.call(Slow.give, Descriptor(writing))
    near.flush()
    found = far.receive()
    assert isinstance(found[-1], Ended)
    assert isinstance(found[-1].error, ProtocolError)
    assert os.read(reading, 1) == b""
    os.close(reading)
    near.close()
    far.close()


def test_silence_is_noticed(kernel):
    """A peer that answers no ping is given up after its time."""
    ours, theirs = kernel.sockets.pair()
    clock = SystemClock()
    near = _channel(kernel, ours, options=Options("test", ping_after=0.02, dead_after=0.08))
    happenings = []
    while not any(isinstance(one, Ended) for one in happenings):
        happenings += near.flush()
        time.sleep(max(0.0, near.next_tick() - clock.now()))
        happenings += near.tick()
    assert isinstance(happenings[-1].error, DeadlineExceeded)
    near.close()
    kernel.files.close(theirs)


def test_a_busy_writer_blocks_and_goes_on(kernel):
    """What the socket does not take waits; `wants_write` says so until it went."""
    near, far = _greeted(kernel)
    for _ in range(200):
        near.call(Slow.give, Descriptor(os.dup(0)))
    assert near.flush() == []
    rounds = 0
    called = []
    while near.wants_write or len(called) < 200:
        called += far.receive()
        near.flush()
        rounds += 1
        assert rounds < 1000
    assert near.unsent == 0
    for one in called:
        one.arguments[0].close()
    near.close()
    far.close()


def test_cancelling_is_silent(kernel):
    """Nothing more is heard of a call that was cancelled."""
    near, far = _greeted(kernel)
    request = near.call(Slow.never, deadline=0.001)
    near.cancel(request)
    time.sleep(0.06)
    assert near.tick() == []
    other = near.call(Slow.never, deadline=0.001)
    time.sleep(0.06)
    assert [(one.request, type(one)) for one in near.tick()] == [(other, Failed)]
    assert near.next_tick() is None
    near.close()
    far.close()
    assert near.ended
