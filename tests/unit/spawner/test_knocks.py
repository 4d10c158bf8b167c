"""What comes for listening sockets, on the fake kernel."""

from __future__ import annotations

import pytest

from snowfox.spawner.knocks import NOTICES
from snowfox.testing.kernel import FakePosix
from snowfox.testing.launches import Bench

KEY = "front=127.0.0.1:8080"
OTHER = "other=127.0.0.1:8081"


@pytest.fixture
def signals(bench: Bench) -> int:
    """The descriptor of watched signals; both sockets are open."""
    bench.ports.open(KEY, 10, [])
    bench.ports.open(OTHER, 10, [])
    return bench.posix.signals.watch(NOTICES)


def connect(bench: Bench, port: int = 8080) -> None:
    """Somebody does."""
    FakePosix(bench.kernel).sockets.connect(f"127.0.0.1:{port}")


def came(bench: Bench) -> list[str | None]:
    """The keys of what the poller says."""
    return [bench.knocks.came(descriptor) for descriptor, _, _ in bench.poller.wait(0)]


def stirred(bench: Bench, signals: int, *keys: str) -> list[str]:
    """As the loop does it."""
    bench.knocks.signalled(bench.posix.signals.take(signals))
    return bench.knocks.stirred(keys)


def test_the_first_is_told_once(bench: Bench, signals: int) -> None:
    """Of a socket that is watched, also where it came before; again when it is watched again and nobody took it."""
    assert signals
    bench.knocks.watch([KEY])
    connect(bench, 8081)
    assert came(bench) == []
    connect(bench)
    connect(bench)
    assert came(bench) == [KEY]
    assert came(bench) == []
    bench.knocks.watch([KEY])
    assert came(bench) == [KEY]


def test_only_what_is_named_last_is_watched(bench: Bench, signals: int) -> None:
    """Another list takes the place of the one before; what is not open is passed over."""
    assert signals
    bench.knocks.watch([KEY])
    bench.knocks.watch([OTHER, "none=127.0.0.1:1"])
    connect(bench)
    connect(bench, 8081)
    assert came(bench) == [OTHER]
    bench.knocks.watch([])
    assert came(bench) == []


def test_a_socket_that_is_closed_is_no_longer_watched(bench: Bench, signals: int) -> None:
    """Nothing of it stays in the poller, though a service shares it."""
    bench.knocks.watch([KEY])
    bench.knocks.stirred([KEY])
    held = bench.ports.get(KEY)
    assert held is not None
    shared = bench.posix.files.duplicate(held)
    bench.knocks.forget(KEY)
    bench.ports.close(KEY)
    connect(bench)
    assert came(bench) == []
    assert bench.posix.signals.take(signals) == ()
    assert bench.knocks.stirred([KEY]) == []
    bench.posix.files.close(shared)


def test_what_came_is_told_though_it_was_taken(bench: Bench, signals: int) -> None:
    """Since it was asked last; what was before the first time is not known."""
    connect(bench)
    assert stirred(bench, signals, KEY, OTHER) == []
    connect(bench)
    listener = bench.ports.get(KEY)
    assert listener is not None
    while bench.posix.sockets.accept(listener) is not None:
        pass
    assert stirred(bench, signals, KEY, OTHER) == [KEY]
    assert stirred(bench, signals, KEY, OTHER) == []


def test_a_busy_socket_costs_one_signal_each_time(bench: Bench, signals: int) -> None:
    """The first takes the mark away."""
    stirred(bench, signals, KEY)
    connect(bench)
    numbers = bench.posix.signals.take(signals)
    assert len(numbers) == 1
    bench.knocks.signalled(numbers)
    connect(bench)
    connect(bench)
    assert bench.posix.signals.take(signals) == ()
    assert stirred(bench, signals, KEY) == [KEY]
