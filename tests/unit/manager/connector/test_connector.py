"""The connector with a spawner of its own in place of a session."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from snowfox.contract.spawner import Launch, Launched, Listening, ListenSpec, Refusal, Running
from snowfox.core.deadline import NO_END
from snowfox.core.promise import Promise, Resolver
from snowfox.core.trace import Trace, current, within
from snowfox.errors import ConnectionLost, InternalError, LaunchFailed, PosixError, SnowFoxError
from snowfox.manager.connector.connector import MOST_TEXT, MOST_VERIFIED, Connector
from snowfox.manager.connector.errand import MOST_AT_ONCE
from snowfox.manager.connector.questions import MOST_TRIES
from snowfox.service import event
from snowfox.testing.promised import promised
from snowfox.values import UNKNOWN_EXIT, Exit


class FakeSpawner:
    """Answers as a spawner does; keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.running: dict[str, Running] = {}
        self.under_way = 0
        self.most_under_way = 0
        self.fails: SnowFoxError | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    @promised
    async def launch(self, launch: Launch) -> Launched:
        """A launch with this token."""
        self.asked.append(("launch", launch.token))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.gate.wait()
        finally:
            self.under_way -= 1
        if self.fails:
            raise self.fails
        pid = len(self.running) + 100
        again = launch.token in self.running
        found = self.running.setdefault(launch.token, Running(launch.token, pid, 5, None, None))
        return Launched(launch.token, found.pid, 5, None, again)

    @promised
    async def signal(self, token: str, number: int) -> bool:
        """Whether it knows the token."""
        self.asked.append(("signal", token, number))
        return token in self.running

    @promised
    async def signal_all(self, tokens: list[str], number: int) -> None:
        """Noted, each."""
        self.asked += [("signal", token, number) for token in tokens]

    @promised
    async def kill(self, tokens: list[str]) -> None:
        """Noted, each."""
        self.asked += [("kill", token) for token in tokens]

    @promised
    async def forget(self, tokens: list[str]) -> None:
        """Noted."""
        self.asked.append(("forget", tuple(tokens)))

    async def verify(self, launches: list[Launch], users: dict[str, list[str]]) -> list[Refusal]:
        """Nothing is refused."""
        self.asked.append(("verify", len(launches), *users.items()))
        return []

    async def open_socket(self, spec: ListenSpec) -> Listening:
        """As asked, or the failure that the test wants."""
        if self.fails:
            raise self.fails
        return Listening(spec.key, spec.address)

    async def inventory(self, after: str) -> list[Running]:
        """Two a page."""
        return [self.running[token] for token in sorted(self.running) if token > after][:2]


def launch(token: str) -> Launch:
    """A launch with this token."""
    return Launch(token, "/bin/true", ["true"], {}, "/", "")


@pytest.fixture
def events() -> list[event.Event]:
    """What the engine was told."""
    return []


@pytest.fixture
async def connector(events: list[event.Event]) -> Connector:
    """A connector without a session."""
    return Connector(
        tell=events.append, captured=lambda *_: None, heard=lambda *_: None, loop=asyncio.get_running_loop()
    )


async def settle() -> None:
    """Let the loop do what it has."""
    for _ in range(20):
        await asyncio.sleep(0)


async def started(connector: Connector, spawner: FakeSpawner) -> None:
    """Begin with this spawner."""
    await connector.join(spawner)  # type: ignore[arg-type]
    await connector.begin()
    connector.open()


async def test_launches_are_bounded_and_all_are_answered(
    connector: Connector, events: list[event.Event]
) -> None:
    """Of many launches a bounded number is under way, and each is told once."""
    spawner = FakeSpawner()
    await started(connector, spawner)
    spawner.gate.clear()
    count = 2 * MOST_AT_ONCE
    for number in range(count):
        connector.launch(launch(f"s{number}~1"))
    await settle()
    assert spawner.most_under_way == MOST_AT_ONCE
    spawner.gate.set()
    for _ in range(50):
        await settle()
    assert len(events) == count


class Answers(FakeSpawner):
    """Answers launches when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.resolvers: list[tuple[str, Resolver[Launched]]] = []

    def launch(self, launch: Launch) -> Promise[Launched]:  # type: ignore[override]
        """Kept until `answer`."""
        promise, resolver = Promise[Launched].make("launch", deadline=NO_END)
        self.resolvers.append((launch.token, resolver))
        return promise

    def answer(self) -> str:
        """The first that waits; its token."""
        token, resolver = self.resolvers.pop(0)
        resolver.resolve(Launched(token, 100 + len(self.resolvers), 5, None, again=False))
        return token


class Later:
    """A loop whose later calls the test makes."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []
        loop = asyncio.get_running_loop()
        self.create_future, self.call_soon = loop.create_future, loop.call_soon

    def call_later(self, _: float, call: Callable[[], object]) -> None:
        """Keep it."""
        self.calls.append(call)


async def test_while_launches_wait_those_that_were_made_are_told_together(events: list[event.Event]) -> None:
    """What else happens is told behind them; a second later they are told in any case."""
    later, spawner = Later(), Answers()
    connector = Connector(tell=events.append, captured=lambda *_: None, heard=lambda *_: None, loop=later)  # type: ignore[arg-type]
    await started(connector, spawner)
    for number in range(2 * MOST_AT_ONCE):
        connector.launch(launch(f"s{number}~1"))
    first, second = spawner.answer(), spawner.answer()
    assert events == []
    connector.exited(first, Exit(code=0))
    assert [type(one) for one in events] == [event.Launched, event.Launched, event.Ended]
    third = spawner.answer()
    assert len(events) == 3
    later.calls[-1]()
    assert [one.token for one in events if isinstance(one, event.Launched)] == [first, second, third]
    while spawner.resolvers:
        spawner.answer()
    assert len(events) == 2 * MOST_AT_ONCE + 1


async def test_a_lost_answer_is_asked_for_again_with_the_same_token(
    connector: Connector, events: list[event.Event]
) -> None:
    """The session ends between request and answer: the next spawner gets the same token, the engine one event."""
    first = FakeSpawner()
    await started(connector, first)
    first.fails = ConnectionLost("gone")
    connector.launch(launch("web~1"))
    await settle()
    connector.lost(first)  # type: ignore[arg-type]
    assert events == []
    second = FakeSpawner()
    await connector.join(second)  # type: ignore[arg-type]
    await settle()
    assert ("launch", "web~1") in second.asked
    assert [type(one) for one in events] == [event.Launched]


async def test_a_launch_that_ends_each_session_is_given_up(
    connector: Connector, events: list[event.Event]
) -> None:
    """It is refused, and killed in case that it was made; what is asked afterwards is done."""
    spawner = FakeSpawner()
    await started(connector, spawner)
    spawner.fails = ConnectionLost("gone")
    connector.launch(launch("web~1"))
    await settle()
    for _ in range(MOST_TRIES - 1):
        assert events == []
        connector.lost(spawner)  # type: ignore[arg-type]
        assert not connector.is_joined
        await connector.join(spawner)  # type: ignore[arg-type]
        assert connector.is_joined
        await settle()
    assert [type(one) for one in events] == [event.LaunchRefused]
    connector.lost(spawner)  # type: ignore[arg-type]
    spawner.fails = None
    connector.launch(launch("cache~1"))
    await connector.join(spawner)  # type: ignore[arg-type]
    await settle()
    assert ("kill", "web~1") in spawner.asked
    assert type(events[-1]) is event.Launched


async def test_each_is_asked_in_the_trace_of_who_gave_it(connector: Connector) -> None:
    """Whatever lets a request go, be it the answer to another: the story that it belongs to is its giver's."""
    spawner = FakeSpawner()
    seen: list[str] = []
    launched = spawner.launch

    def launch_seen(one: Launch) -> Promise[Any]:
        seen.append(place.id if (place := current()) else "")
        return launched(one)

    spawner.launch = launch_seen  # type: ignore[method-assign]
    await started(connector, spawner)
    for number in range(MOST_AT_ONCE + 1):
        with within(Trace(str(number), "")):
            connector.launch(launch(f"s{number}~1"))
    for _ in range(20):
        await settle()
    assert seen == [str(number) for number in range(MOST_AT_ONCE + 1)]


async def test_a_launch_that_cannot_be_sent_is_refused(
    connector: Connector, events: list[event.Event]
) -> None:
    """What is too large to be sent is told as a refusal, be it many; others go on."""
    spawner = FakeSpawner()

    def refuse(_: Launch) -> Promise[Any]:
        msg = "cannot send a message of 2000000 bytes"
        raise InternalError(msg)

    spawner.launch = refuse  # type: ignore[method-assign]
    await started(connector, spawner)
    connector.lost(spawner)  # type: ignore[arg-type]
    for number in range(2000):
        connector.launch(launch(f"web@{number}~1"))
    connector.signal("cache~1", 15)
    await connector.join(spawner)  # type: ignore[arg-type]
    await settle()
    assert [type(one) for one in events] == 2000 * [event.LaunchRefused]
    assert spawner.asked == [("signal", "cache~1", 15)]


async def test_what_is_ended_in_one_turn_is_asked_for_together(connector: Connector) -> None:
    """In order, and before a launch that comes after it."""
    spawner = FakeSpawner()
    requests: list[tuple[object, ...]] = []

    @promised
    async def signal_all(tokens: list[str], number: int) -> None:
        requests.append((number, *tokens))

    @promised
    async def kill(tokens: list[str]) -> None:
        requests.append(("kill", *tokens))

    spawner.signal_all, spawner.kill = signal_all, kill  # type: ignore[method-assign]
    await started(connector, spawner)
    for token in ("a~1", "b~1"):
        connector.signal(token, 15)
    for token in ("a~1", "b~1"):
        connector.kill(token)
    connector.signal("c~1", 15)
    assert requests == []
    connector.launch(launch("a~2"))
    connector.kill("d~1")
    await settle()
    assert requests == [(15, "a~1", "b~1"), ("kill", "a~1", "b~1"), (15, "c~1"), ("kill", "d~1")]


async def test_a_signal_waits_for_the_next_spawner(connector: Connector) -> None:
    """What is asked while there is no spawner is asked of the next."""
    first = FakeSpawner()
    await started(connector, first)
    connector.lost(first)  # type: ignore[arg-type]
    connector.signal("web~1", 15)
    await settle()
    second = FakeSpawner()
    await connector.join(second)  # type: ignore[arg-type]
    await settle()
    assert ("signal", "web~1", 15) in second.asked


async def test_a_new_spawner_is_reconciled(connector: Connector, events: list[event.Event]) -> None:
    """What the new one does not know ended unknown; what nobody asked for is killed; the rest goes on."""
    first = FakeSpawner()
    first.running = {
        name: Running(name, pid, 5, None, None) for pid, name in enumerate(("a~1", "b~1", "c~1"))
    }
    await connector.join(first)  # type: ignore[arg-type]
    assert len(await connector.begin()) == 3
    connector.open()
    connector.lost(first)  # type: ignore[arg-type]
    second = FakeSpawner()
    second.running = {
        "b~1": Running("b~1", 1, 5, None, None),
        "c~1": Running("c~1", 2, 5, Exit(0), None),
        "x~1": Running("x~1", 9, 5, None, None),
    }
    await connector.join(second)  # type: ignore[arg-type]
    await settle()
    assert events == [event.Ended("a~1", UNKNOWN_EXIT), event.Ended("c~1", Exit(0))]
    assert ("kill", "x~1") in second.asked
    assert not any(asked[:2] == ("kill", "b~1") for asked in second.asked)


async def test_forgetting_goes_in_one_request(connector: Connector) -> None:
    """Exits that are stored in one turn are forgotten by one request."""
    spawner = FakeSpawner()
    await started(connector, spawner)
    for number in range(5):
        connector.forget(f"s{number}~1")
    await settle()
    assert spawner.asked == [("forget", tuple(f"s{number}~1" for number in range(5)))]


async def test_an_exit_while_the_inventory_is_read_is_not_lost(
    connector: Connector, events: list[event.Event]
) -> None:
    """What ended after its page was sent is found ended, not alive."""
    spawner = FakeSpawner()
    spawner.running = {"web~1": Running("web~1", 7, 5, None, None)}
    await connector.join(spawner)  # type: ignore[arg-type]
    connector.exited("web~1", Exit(3))
    assert [running.exit for running in await connector.begin()] == [Exit(3)]
    assert events == []


async def test_an_exit_of_nobody_is_forgotten_only_after_the_inventory(connector: Connector) -> None:
    """Before the inventory was read an unknown exit may be news; after it, it is a repetition."""
    spawner = FakeSpawner()
    connector.exited("web~1", Exit(0))
    await started(connector, spawner)
    await settle()
    assert spawner.asked == []
    connector.exited("web~1", Exit(0))
    await settle()
    assert spawner.asked == [("forget", ("web~1",))]


async def test_verify_goes_in_batches(connector: Connector) -> None:
    """No request is larger than the contract allows."""
    spawner = FakeSpawner()
    await started(connector, spawner)
    await connector.verify([launch(f"s{number}") for number in range(MOST_VERIFIED * 2 + 1)])
    assert spawner.asked == [("verify", MOST_VERIFIED), ("verify", MOST_VERIFIED), ("verify", 1)]


async def test_verify_of_much_text_goes_in_batches(connector: Connector) -> None:
    """No message is too large to be sent because of those beside one; a launch that is so by itself goes alone."""
    spawner = FakeSpawner()
    await started(connector, spawner)
    large = [launch(f"s{number}")._replace(environment={"A": "x" * 80_000}) for number in range(5)]
    await connector.verify(
        [*large, launch("huge")._replace(arguments=["x" * 2 * MOST_TEXT]), launch("small")]
    )
    assert [asked[1] for asked in spawner.asked] == [2, 2, 1, 1, 1]


async def test_verify_of_many_users_goes_in_batches(connector: Connector) -> None:
    """A launch comes again with users that did not fit; users count as much as launches."""
    spawner = FakeSpawner()
    await started(connector, spawner)
    users = [str(number) for number in range(MOST_VERIFIED + 9)]
    await connector.verify([launch("a"), launch("b")], {"a": users[:10], "b": users})
    assert spawner.asked == [
        ("verify", 1, ("a", users[:10])),
        ("verify", 1, ("b", users[: MOST_VERIFIED - 1])),
        ("verify", 1, ("b", users[MOST_VERIFIED - 1 :])),
    ]


async def test_a_refusal_reaches_who_asked(connector: Connector) -> None:
    """An error of the spawner is raised as itself."""
    spawner = FakeSpawner()
    await started(connector, spawner)
    spawner.fails = PosixError("open", "127.0.0.1:80", 98)
    with pytest.raises(PosixError, match="EADDRINUSE"):
        await connector.open_socket(ListenSpec("front=127.0.0.1:80", "127.0.0.1:80"))


async def test_a_failed_launch_is_told_as_such(connector: Connector, events: list[event.Event]) -> None:
    """Step and errno reach the engine as one line."""
    spawner = FakeSpawner()
    await started(connector, spawner)
    spawner.fails = LaunchFailed("web", "execute", "/nope", 2)
    connector.launch(launch("web~1"))
    await settle()
    text = "cannot launch web: execute /nope: no such file or directory (ENOENT)"
    assert events == [event.LaunchRefused("web", "web~1", text)]


@pytest.mark.parametrize("is_all", [True, False])
async def test_what_is_gone_is_not_killed(connector: Connector, *, is_all: bool) -> None:
    """Of what the spawner knows to be gone nothing is left; of others that is not known."""
    spawner = FakeSpawner()
    await started(connector, spawner)
    connector.launch(launch("web~1"))
    await settle()
    connector.exited("web~1", Exit(0), is_all=is_all)
    connector.kill("web~1")
    await settle()
    assert (("kill", "web~1") in spawner.asked) is not is_all


async def test_cancelling_a_helper_kills_it(connector: Connector) -> None:
    """A probe that is over does not leave its command behind."""
    spawner = FakeSpawner()
    await started(connector, spawner)
    helper = asyncio.ensure_future(connector.helper(launch("web..probe~1")))
    await settle()
    helper.cancel()
    await settle()
    assert ("kill", "web..probe~1") in spawner.asked


async def test_a_helper_before_the_beginning(connector: Connector, events: list[event.Event]) -> None:
    """A configuration is read by git before anything else is asked; it is no launch that the engine hears of."""
    spawner = FakeSpawner()
    token = "node..git~1"
    helper = asyncio.ensure_future(connector.helper(launch(token)))
    await settle()
    await connector.join(spawner)  # type: ignore[arg-type]
    await settle()
    connector.exited(token, Exit(0))
    spawner.running[token] = spawner.running[token]._replace(exit=Exit(0))
    assert await helper == Exit(0)
    assert await connector.begin() == []
    connector.open()
    await settle()
    assert events == []
    assert any(words[0] == "forget" and token in words[1] for words in spawner.asked)


async def test_a_helper_before_the_beginning_that_is_refused(connector: Connector) -> None:
    """Its error is the answer; one without a spawner in time as well, and nothing is kept of either."""
    spawner = FakeSpawner()
    spawner.fails = LaunchFailed("node..git", "execute", "sh", 2)
    await connector.join(spawner)  # type: ignore[arg-type]
    with pytest.raises(LaunchFailed):
        await connector.helper(launch("node..git~1"))


async def test_helpers_of_a_manager_before(connector: Connector, events: list[event.Event]) -> None:
    """Nobody waits for them: what runs is killed, what ended is forgotten; neither is an instance."""
    spawner = FakeSpawner()
    spawner.running = {
        "web..probe~1": Running("web..probe~1", 5, 5, None, None),
        "web..probe~2": Running("web..probe~2", 6, 5, Exit(0), None),
    }
    await connector.join(spawner)  # type: ignore[arg-type]
    assert await connector.begin() == []
    connector.open()
    await settle()
    assert ("kill", "web..probe~1") in spawner.asked
    assert ("forget", ("web..probe~2",)) in spawner.asked
    connector.exited("web..probe~1", Exit(signal=9))
    await settle()
    assert ("forget", ("web..probe~1",)) in spawner.asked
    assert events == []
