"""Where forwarded lines go, as their forwarder sees it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from snowfox.contract.manager import LogLine


class Sink(ABC):
    """Takes lines. One that failed may be given the same lines again: it begins anew."""

    @abstractmethod
    async def send(self, lines: list[LogLine]) -> None:
        """Return when they are on their way. Raises SnowFoxError or OSError when they cannot be sent now."""

    @abstractmethod
    async def close(self) -> None:
        """Nothing more comes: let what was sent arrive, and let go."""
