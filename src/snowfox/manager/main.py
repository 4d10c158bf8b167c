"""The manager's program. Only what must come before asyncio is imported is here."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> int:
    """Serve a node until the session with the daemon ends; the exit code.

    Args:
        arguments: `--home PATH`, for people who look at a list of processes.
    """
    if "ssl" not in sys.modules:
        # asyncio takes it when it is there: 4 MB and 19 ms (performance.md) for what a manager never uses.
        sys.modules["ssl"] = None  # type: ignore[assignment]  # pyright: ignore[reportArgumentType]
    from snowfox.manager.process import run  # noqa: PLC0415 - after the line above

    return run(arguments)
