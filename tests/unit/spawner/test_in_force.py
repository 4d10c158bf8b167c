"""The policy in force, on the fake kernel."""

from __future__ import annotations

import errno
import os

import pytest

from snowfox.contract.spawner import ListenSpec, Spawner
from snowfox.core import log
from snowfox.errors import NotPermitted
from snowfox.spawner import requests
from snowfox.spawner.events import Caller, LaunchAsked
from snowfox.spawner.in_force import InForce
from snowfox.spawner.policy import DEFAULT_FILE, Policy, load
from snowfox.spawner.requests import Desk
from snowfox.testing.kernel import FakePosix
from snowfox.testing.launches import LAUNCH, Bench

CALLER = Caller(1, 1)


@pytest.fixture
def desk(bench: Bench) -> Desk:
    """A desk in the node of root."""
    return requests.desk(
        bench.posix,
        bench.kernel.clock,
        confining=bench.confining,
        rules=bench.rules,
        knocks=bench.knocks,
        holders=bench.held.holders,
    )


def test_changed_between_verify_and_launch(bench: Bench, desk: Desk) -> None:
    """What `verify` found to be fine is refused at the launch, with the line that would allow it; then allowed again."""
    assert requests.handle(desk, CALLER, Spawner.verify.full_name, ([LAUNCH], {})).value == []  # type: ignore[union-attr]
    bench.kernel.write(DEFAULT_FILE, b'users = ["other"]')
    with pytest.raises(NotPermitted) as caught:
        requests.handle(desk, CALLER, Spawner.launch.full_name, (LAUNCH,))
    assert caught.value.hint == f'allow it with  users = ["shop", "other"]  in {DEFAULT_FILE}'
    bench.kernel.write(DEFAULT_FILE, b'users = ["shop", "other"]')
    bench.kernel.clock.advance("20ms")
    assert isinstance(requests.handle(desk, CALLER, Spawner.launch.full_name, (LAUNCH,)), LaunchAsked)


@pytest.mark.parametrize("method", [Spawner.reserve, Spawner.open_socket])
def test_changed_between_reserve_and_open(bench: Bench, desk: Desk, method: object) -> None:
    """A port that is no longer allowed is refused, be it reserved already."""
    spec = ListenSpec("front=127.0.0.1:8080", "127.0.0.1:8080")
    requests.handle(desk, CALLER, Spawner.reserve.full_name, (spec,))
    bench.kernel.write(DEFAULT_FILE, b'ports = ["443"]')
    with pytest.raises(NotPermitted):
        requests.handle(desk, CALLER, method.full_name, (spec,))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("content", "mode"), [(b"users = [", 0o644), (b'users = ["root"]', 0o666), (b"user = []", 0o644)]
)
def test_unusable(bench: Bench, desk: Desk, content: bytes, mode: int) -> None:
    """A file that cannot be used changes nothing; it is logged once, and `verify` says so."""
    bench.kernel.write(DEFAULT_FILE, b'users = ["shop"]')
    bench.rules.look()
    before = bench.rules.policy
    bench.kernel.write(DEFAULT_FILE, content, mode=mode)
    heard: list[log.Record] = []
    sink = log.set_sink(heard.append)
    try:
        for _ in range(3):
            (refusal,) = requests.handle(desk, CALLER, Spawner.verify.full_name, ([LAUNCH], {})).value  # type: ignore[union-attr]
    finally:
        log.set_sink(sink)
    assert bench.rules.policy == before
    assert DEFAULT_FILE in refusal.text
    assert refusal.hint.endswith("until then the one before stays in force")
    assert [record.level for record in heard] == ["error"]
    assert isinstance(requests.handle(desk, CALLER, Spawner.launch.full_name, (LAUNCH,)), LaunchAsked)
    bench.kernel.write(DEFAULT_FILE, b'users = ["shop"]')
    assert requests.handle(desk, CALLER, Spawner.verify.full_name, ([LAUNCH], {})).value == []  # type: ignore[union-attr]


def test_a_start_of_many(bench: Bench, desk: Desk) -> None:
    """Launches of one moment look once."""
    counted: list[str] = []
    doing = bench.kernel.doing

    def count(process: object, call: str, *rest: object, **details: object) -> object:
        counted.append(call)
        return doing(process, call, *rest, **details)  # type: ignore[arg-type]

    bench.kernel.doing = count  # type: ignore[assignment, method-assign]
    for _ in range(100):
        requests.handle(desk, CALLER, Spawner.launch.full_name, (LAUNCH,))
    assert counted.count("files.stat") == 1
    bench.kernel.clock.advance("20ms")
    requests.handle(desk, CALLER, Spawner.launch.full_name, (LAUNCH,))
    assert counted.count("files.stat") == 2


def test_gone(bench: Bench) -> None:
    """A file that is removed, as some editors do for a moment, allows nothing more."""
    bench.kernel.write(DEFAULT_FILE, b'ports = ["443"]')
    bench.rules.look()
    bench.posix.folders.remove(DEFAULT_FILE)
    bench.rules.look()
    assert bench.rules.policy.ports == ("443",)


def test_keys_that_are_gone(bench: Bench) -> None:
    """A key that is no longer written has its default again."""
    bench.kernel.write(DEFAULT_FILE, b'ports = ["443"]')
    bench.rules.look()
    bench.kernel.write(DEFAULT_FILE, b'users = ["shop"]')
    bench.rules.look()
    assert (bench.rules.policy.ports, bench.rules.policy.users) == (None, ("shop",))


def test_not_read_again_unless_it_changed(bench: Bench) -> None:
    """The file that was read at the start is not opened again."""
    bench.kernel.write(DEFAULT_FILE, b'ports = ["443"]')
    opened = bench.posix.files.open(DEFAULT_FILE, os.O_RDONLY)
    policy = load(bench.posix, opened, bench.policy)
    rules = InForce(bench.posix, policy, start=bench.policy, seen=bench.posix.files.stat(opened))
    bench.kernel.fail("files.open", errno.EIO)
    rules.look()
    assert (rules.policy, rules.problem) == (policy, None)


def test_a_user_who_may_not_read_it(bench: Bench) -> None:
    """The system's policy that an ordinary user may not read is no problem: it could widen nothing."""
    posix = FakePosix(bench.kernel, uid=1000)
    rules = InForce(posix, Policy(own=1000, manager=1000, home="/home/a"))
    bench.kernel.write(DEFAULT_FILE, b"ports = []", mode=0o600)
    rules.look()
    assert (rules.policy.ports, rules.problem) == (None, None)
