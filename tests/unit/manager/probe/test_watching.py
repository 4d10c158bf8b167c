"""Who does what about a launch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from snowfox.manager.probe.watching import Watching
from snowfox.service.spec import Alive, Ready


class Recorder:
    """Keeps what is asked of it."""

    def __init__(self, name: str, calls: list[tuple[Any, ...]]) -> None:
        self.name = name
        self.calls = calls

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *words: self.calls.append((self.name, name, *words))


def test_each_part_does_its_own() -> None:
    """A probe where one is written, a watchdog where it is not 0; at the end nothing is left of a launch."""
    calls: list[tuple[Any, ...]] = []
    prober: Any = Recorder("prober", calls)
    dogs: Any = Recorder("dogs", calls)
    hearing: Any = Recorder("hearing", calls)
    watching = Watching(prober, dogs, hearing)
    ready, alive = Ready(tcp="x:1"), Alive(tcp="x:2")
    watching.start("web", "T", ready)
    watching.stop("T")
    watching.watch("web", "T", alive, 0.0)
    watching.watch("web", "U", Alive(), 3.0)
    assert calls == [
        ("prober", "start", "web", "T", ready),
        ("prober", "stop", "T"),
        ("prober", "watch", "web", "T", alive),
        ("dogs", "start", "U", 3.0),
    ]
    calls.clear()
    watching.forget("T")
    assert set(calls) == {
        ("prober", "stop", "T"),
        ("prober", "unwatch", "T"),
        ("dogs", "stop", "T"),
        ("dogs", "forget", "T"),
        ("hearing", "forget", "T"),
    }
