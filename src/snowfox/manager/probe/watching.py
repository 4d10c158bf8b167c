"""What is done about a launch from its start until it is over: asked, waited for, forgotten."""

from __future__ import annotations

from snowfox.manager.probe.hearing import Hearing
from snowfox.manager.probe.prober import Prober
from snowfox.manager.probe.watchdog import Watchdogs
from snowfox.service.spec import Alive, Ready
from snowfox.values import Seconds


class Watching:
    """Whoever finds out whether launches are ready, and alive.

    Args:
        prober: asks.
        watchdogs: wait for pings.
        hearing: hears them.
    """

    def __init__(self, prober: Prober, watchdogs: Watchdogs, hearing: Hearing) -> None:
        self._prober = prober
        self._watchdogs = watchdogs
        self._hearing = hearing

    def start(self, instance: str, token: str, ready: Ready) -> None:
        """It was executed: ask it whether it is ready."""
        self._prober.start(instance, token, ready)

    def stop(self, token: str) -> None:
        """Ask no more whether it is ready."""
        self._prober.stop(token)

    def watch(self, instance: str, token: str, alive: Alive, watchdog: Seconds) -> None:
        """It is ready: ask it, where it says how, and wait for its pings, where `watchdog` is not 0."""
        if alive.is_probed:
            self._prober.watch(instance, token, alive)
        if watchdog > 0:
            self._watchdogs.start(token, watchdog)

    def unwatch(self, token: str) -> None:
        """It is being ended."""
        self._prober.unwatch(token)
        self._watchdogs.stop(token)

    def forget(self, token: str) -> None:
        """It is over."""
        self.stop(token)
        self.unwatch(token)
        self._watchdogs.forget(token)
        self._hearing.forget(token)
