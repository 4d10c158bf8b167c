"""What `status` shows of an instance."""

from __future__ import annotations

from snowfox.core.frozen import Frozen
from snowfox.values import Seconds

STATES = (
    "stopped",
    "waiting",
    "starting",
    "ready",
    "failing",
    "stopping",
    "backoff",
    "failed",
    "finished",
    "stuck",
)


NEXT_RUN = "next run in "
"""What the message of one that runs by a schedule begins with, between its runs; up to the first `; `."""


class Status(Frozen):
    """An instance as it is now. All fields are plain, so that it can be stored and read back as it is.

    Args:
        id: the instance, `web@1`.
        service: its service.
        state: one of `STATES`.
        light: `green` as wanted, `yellow` on its way, `red` not as wanted.
        since: monotonic clock, of the last change of state.
        pid: of its process; 0 without one.
        started: start of the process, ns of the boot-time clock; 0 without one.
        token: of its launch; "" without one.
        restarts: how often it was started by itself since the node began or a person started it.
        message: why, in one line; may be "".
        last: token of its last launch, also when that is over: its end was taken note of.
        digest: what its last launch was made from (`service.identity`); "" where nobody knows.
        due: runs by its schedule that are due and not over.
    """

    id: str
    service: str
    state: str
    light: str
    since: Seconds
    pid: int = 0
    started: int = 0
    token: str = ""
    restarts: int = 0
    message: str = ""
    last: str = ""
    digest: str = ""
    due: int = 0
