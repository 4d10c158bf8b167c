"""What comes for listening sockets, on the fake kernel."""

from __future__ import annotations

import pytest

from snowfox.testing.kernel import FakePosix
from snowfox.testing.launches import Bench

KEY = "front=127.0.0.1:8080"
OTHER = "other=127.0.0.1:8081"


@pytest.fixture(autouse=True)
def _open(bench: Bench) -> None:
    """Both sockets are open."""
    bench.ports.open(KEY, 10, [])
    bench.ports.open(OTHER, 10, [])


def connect(bench: Bench, port: int = 8080) -> None:
    """Somebody does."""
    FakePosix(bench.kernel).sockets.connect(f"127.0.0.1:{port}")


def came(bench: Bench) -> list[str | None]:
    """The keys of what the poller says."""
    return [bench.knocks.came(descriptor) for descriptor, _, _ in bench.poller.wait(0)]


def heard(bench: Bench) -> int:
    """What the loop does with what the poller says; how much there was."""
    return sum(bench.knocks.heard(descriptor) for descriptor, _, _ in bench.poller.wait(0))


def stirred(bench: Bench, *keys: str) -> list[str]:
    """As the loop does it."""
    heard(bench)
    return bench.knocks.stirred(keys)


def test_the_first_is_told_once(bench: Bench) -> None:
    """Of a socket that is watched, also where it came before; again when it is watched again and nobody took it."""
    bench.knocks.watch([KEY])
    connect(bench, 8081)
    assert came(bench) == []
    connect(bench)
    connect(bench)
    assert came(bench) == [KEY]
    assert came(bench) == []
    bench.knocks.watch([KEY])
    assert came(bench) == [KEY]


def test_only_what_is_named_last_is_watched(bench: Bench) -> None:
    """Another list takes the place of the one before; what is not open is passed over."""
    bench.knocks.watch([KEY])
    bench.knocks.watch([OTHER, "none=127.0.0.1:1"])
    connect(bench)
    connect(bench, 8081)
    assert came(bench) == [OTHER]
    bench.knocks.watch([])
    assert came(bench) == []


def test_a_socket_that_is_closed_is_no_longer_watched(bench: Bench) -> None:
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
    assert heard(bench) == 0
    assert bench.knocks.stirred([KEY]) == []
    bench.posix.files.close(shared)


def test_what_came_is_told_though_it_was_taken(bench: Bench) -> None:
    """Since it was asked last; what was before the first time is not known."""
    connect(bench)
    assert stirred(bench, KEY, OTHER) == []
    connect(bench)
    listener = bench.ports.get(KEY)
    assert listener is not None
    while bench.posix.sockets.accept(listener) is not None:
        pass
    assert stirred(bench, KEY, OTHER) == [KEY]
    assert stirred(bench, KEY, OTHER) == []


def test_a_busy_socket_costs_one_signal_each_time(bench: Bench) -> None:
    """The first takes the mark away."""
    stirred(bench, KEY)
    connect(bench)
    assert heard(bench) == 1
    connect(bench)
    connect(bench)
    assert heard(bench) == 0
    assert stirred(bench, KEY) == [KEY]


def test_while_nobody_hears_anything_may_have_come(bench: Bench) -> None:
    """A service is not stopped because nobody knows; one that is not open is passed over."""
    bench.ear.hears = False
    assert bench.knocks.stirred([KEY, "none=127.0.0.1:1"]) == [KEY]
    assert bench.knocks.stirred([KEY]) == [KEY]
    bench.ear.hears = True
    assert bench.knocks.stirred([KEY]) == []


def test_the_end_of_who_hears_counts_as_if_something_came(bench: Bench) -> None:
    """Once: the mark is made again for who comes after it."""
    assert stirred(bench, KEY) == []
    connect(bench)
    bench.ear.has_ended = True
    assert heard(bench) == 1
    bench.posix.signals.take(bench.ear.descriptor)
    bench.ear.has_ended = False
    assert stirred(bench, KEY, OTHER) == [KEY]
    assert stirred(bench, KEY, OTHER) == []
    connect(bench)
    assert stirred(bench, KEY, OTHER) == [KEY]
