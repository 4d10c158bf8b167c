"""Two sessions that both call and serve, joined by a pipe that splits, delays and is cut anywhere."""

import os
from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from snowfox.core.rpc import frame
from snowfox.core.rpc.fast import fast
from snowfox.core.rpc.idempotency import under
from snowfox.core.rpc.interface import Descriptor
from snowfox.core.rpc.message import small
from snowfox.core.rpc.session import Session
from snowfox.core.trace import Trace, within
from snowfox.errors import ConnectionLost, DeadlineExceeded, NotFound, PeerError, ProtocolError
from snowfox.testing.rpc import QUIET, Kernel, Shop

MOST = 3
"""Requests that an end takes at once."""

ENDS = st.integers(0, 1)
WHICH = st.integers(0, 50)


class End:
    """One end, and what its program knows: each happening is checked against it."""

    def __init__(self, now, options):
        self.kernel = Kernel()
        self.session = Session(now, options, serving=Shop, posix=self.kernel)
        self.wire = deque()  # what it sent, and is still under way
        self.peer = None
        self.opened = 0  # descriptors, numbered from 1
        self.taken = set()
        self.asked = {}  # number: what was asked with it
        self.pending = set()
        self.came = {}  # number of a stream: items that came
        self.unread = deque()
        self.open = {}  # requests of the other end: items that were sent
        self.over = []
        self.is_closed = False

    def descriptor(self):
        """An open one."""
        self.opened += 1
        return Descriptor(self.opened, self.kernel)

    def send(self, room):
        """Give the pipe so many bytes."""
        self.kernel.room = room
        self.session.outbox.send(self.kernel, 0)
        self.wire.extend(self.kernel.sent)
        self.kernel.sent.clear()

    def read(self, size):
        """Take up to so many bytes out of the pipe as the kernel gives them: descriptors with their first byte, alone."""
        wire = self.peer.wire
        if not wire:
            return b"", ()
        data, descriptors = wire.popleft()
        while not descriptors and wire and not wire[0][1] and len(data) < size:
            data += wire.popleft()[0]
        if len(data) > size:
            wire.appendleft((data[size:], ()))
        first = self.opened + 1
        self.opened += len(descriptors)
        return data[:size], tuple(range(first, first + len(descriptors)))

    def heard(self, happenings):
        """Check each, and note it."""
        for one in happenings:
            assert not self.over
            getattr(self, f"_{type(one).__name__.lower()}")(one)
        if self.over and not self.is_closed:
            self.send(1 << 30)
            self.close()

    def close(self):
        """As a shell does it: what is under way to it is lost."""
        self.is_closed = True
        self.session.close()
        self.peer.wire.clear()

    def _called(self, one):
        assert one.request not in self.open
        assert (one.method, one.trace, one.key) == self.peer.asked[one.request]
        self.open[one.request] = 0
        assert len(self.open) <= MOST
        for value in one.arguments:
            if isinstance(value, Descriptor) and value.number > 0 and value.number % 2:
                self.taken.add(value.take())

    def _withdrawn(self, one):
        del self.open[one.request]

    def _credited(self, one):
        assert self.session.may_send(one.request)
        assert one.request in self.open

    def _answered(self, one):
        self.pending.remove(one.request)
        if isinstance(one.value, Descriptor):
            one.value.close()

    def _failed(self, one):
        self.pending.remove(one.request)
        assert isinstance(one.error, (NotFound, DeadlineExceeded, ConnectionLost, PeerError))

    def _streamended(self, one):
        self.pending.remove(one.request)

    def _item(self, one):
        assert one.request in self.pending
        assert int(one.value.partition(" ")[0]) == self.came[one.request]
        self.came[one.request] += 1
        self.unread.append((one.request, one.size))
        waiting = sum(size for request, size in self.unread if request == one.request)
        assert waiting <= frame.WINDOW + one.size

    def _leaving(self, one):
        pass

    def _ended(self, one):
        assert not isinstance(one.error, ProtocolError), one.error
        assert not self.pending
        assert not self.open
        self.over.append(one)


class Conversation(RuleBasedStateMachine):
    """What both programs, the pipe and the clock do."""

    @initialize(wires=st.tuples(st.sampled_from([small, fast]), st.sampled_from([small, fast])))
    def join(self, wires):
        """Of both kinds of reading and writing."""
        self.now = 100.0
        options = QUIET._replace(most_requests=MOST)
        self.ends = [End(self.now, options._replace(wires=one)) for one in wires]
        for end, peer in zip(self.ends, reversed(self.ends), strict=True):
            end.peer = peer

    @rule(
        end=ENDS,
        what=st.sampled_from(["price", "sales", "give", "close_down"]),
        deadline=st.sampled_from([None, 0.5, 3.0, float("inf")]),
        key=st.sampled_from(["", "", "order-17"]),
        place=st.sampled_from([None, None, Trace("story", "cause")]),
    )
    def ask(self, end, what, deadline, key, place):
        """A call or a stream; over a session that is over it is refused, and its descriptor stays its owner's."""
        end = self.ends[end]
        method = Shop.methods[what]
        things = [end.descriptor()] if what == "give" else []
        values = {"price": ("apple", 3), "sales": ("apple",), "close_down": ()}.get(what, tuple(things))
        try:
            with under(key), within(place):
                request = end.session.call(method, values, self.now, deadline=deadline)
        except ConnectionLost:
            assert end.over
            for thing in things:
                thing.close()
            return
        end.asked[request] = (method.full_name, place, "" if method.is_stream else key)
        end.pending.add(request)
        end.came[request] = 0

    @rule(end=ENDS, which=WHICH)
    def cancel(self, end, which):
        """A call, settled or not."""
        end = self.ends[end]
        if end.asked:
            request = sorted(end.asked)[which % len(end.asked)]
            end.session.cancel(request)
            end.pending.discard(request)

    @rule(end=ENDS, which=WHICH, how=st.sampled_from(["answer", "refuse", "item", "item", "large", "end"]))
    def serve(self, end, which, how):
        """Do something about a request that is open."""
        end = self.ends[end]
        if end.open:
            self._serve(end, sorted(end.open)[which % len(end.open)], how)

    def _serve(self, end, request, how):
        name, _, _ = end.peer.asked[request]
        is_stream = name == "Shop.sales"
        if how == "refuse" or is_stream == (how == "answer"):
            end.session.refuse(request, NotFound("no"))
        elif how in {"item", "large"} and is_stream:
            if end.session.may_send(request):
                text = f"{end.open[request]} " + "x" * (100_000 if how == "large" else 0)
                end.open[request] += end.session.item(request, text)
            return
        elif is_stream:
            end.session.end(request)
        elif how == "answer":
            thing = end.descriptor() if name == "Shop.give" and request % 3 else None
            end.session.answer(request, 36 if name == "Shop.price" else thing)
        else:
            return
        del end.open[request]

    @rule(end=ENDS, which=WHICH)
    def serve_in_vain(self, end, which):
        """Answer what is not open any more, or never was; a descriptor in the answer is closed."""
        end = self.ends[end]
        if which not in end.open:
            end.session.answer(which, end.descriptor())
            end.session.refuse(which, NotFound("late"))
            assert not end.session.item(which, "late")
            end.session.end(which)

    @rule(end=ENDS, count=st.integers(1, 5))
    def take(self, end, count):
        """The program reads items."""
        end = self.ends[end]
        for _ in range(min(count, len(end.unread))):
            end.session.took(*end.unread.popleft())

    @rule(end=ENDS, room=st.one_of(st.integers(0, 40), st.just(1 << 30)))
    def send(self, end, room):
        """The pipe takes some of what waits."""
        if not self.ends[end].is_closed:
            self.ends[end].send(room)

    @rule(end=ENDS, size=st.one_of(st.integers(1, 40), st.just(1 << 30)), count=st.integers(1, 4))
    def receive(self, end, size, count):
        """Some of what is under way comes; the end of the pipe when the other end is closed."""
        end = self.ends[end]
        for _ in range(count):
            if end.is_closed:
                return
            data, descriptors = end.read(size)
            if data:
                end.heard(end.session.receive(data, descriptors, self.now))
            elif end.peer.is_closed:
                end.heard(end.session.lost(None))

    @rule(seconds=st.sampled_from([0.1, 0.6, 3.5]))
    def pass_time(self, seconds):
        """Both ends look at the time."""
        self.now += seconds
        for end in self.ends:
            end.heard(end.session.tick(self.now))

    @rule(end=ENDS)
    def drain(self, end):
        """It wants no more requests; those that come all the same are served."""
        self.ends[end].session.drain()

    @precondition(lambda self: sum(len(end.asked) for end in self.ends) > 8)
    @rule(end=ENDS, why=st.sampled_from([None, PeerError("tired", None)]))
    def leave(self, end, why):
        """It says goodbye."""
        end = self.ends[end]
        if not end.over:
            end.session.goodbye(why)
            end.heard(end.session.lost(None))

    @precondition(lambda self: sum(len(end.asked) for end in self.ends) > 8)
    @rule(error=st.sampled_from([None, ConnectionLost("cut")]))
    def cut(self, error):
        """What is under way is gone, for both."""
        for end in self.ends:
            end.wire.clear()
        for end in self.ends:
            if not end.over:
                end.heard(end.session.lost(error))

    @invariant()
    def settled_is_settled(self):
        """What an end waits for is what its session has under way."""
        for end in getattr(self, "ends", ()):
            assert len(end.session.calls) == len(end.pending)
            assert len(end.session.requests) == (0 if end.is_closed else len(end.open))

    def teardown(self):
        """The pipe works again: all that is wanted settles, and with the sessions all descriptors are gone."""
        if not hasattr(self, "ends"):
            return
        for _ in range(1000):
            for end in self.ends:
                self.take(self.ends.index(end), 1 << 30)
                for request in list(end.open):
                    self._serve(
                        end, request, "end" if end.peer.asked[request][0] == "Shop.sales" else "answer"
                    )
                if not end.is_closed:
                    end.send(1 << 30)
            for number in (0, 1):
                self.receive(number, 1 << 30, 4)
            if not any(end.wire or end.session.outbox.size or end.pending for end in self.ends):
                break
        assert not any(end.pending for end in self.ends)
        for end in self.ends:
            if not end.over:
                end.heard(end.session.lost(None))
            assert set(range(1, end.opened + 1)) - end.taken == set(end.kernel.closed)


Conversation.TestCase.settings = settings(
    max_examples=300 if os.environ.get("SNOWFOX_TEST_ALL") else 50, stateful_step_count=60, deadline=None
)


class TestConversation(Conversation.TestCase):
    """Every call settles once, in order, within its bounds; nothing leaks, whoever does what."""
