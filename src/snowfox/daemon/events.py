"""What the daemon's core is told (events) and what it wants done (effects). Values only."""

from __future__ import annotations

from typing import Final, Literal

from snowfox.core.frozen import Frozen
from snowfox.values import Exit, Seconds

Role = Literal["spawner", "manager"]
SPAWNER: Final[Role] = "spawner"
MANAGER: Final[Role] = "manager"

Ask = Literal["welcome", "attach", "restore", "held", "orphan", "stop", "kill"]
"""What the daemon asks of the two, by the name of the method in `contract.control`."""


class Begin(Frozen):
    """The node's folders are there and its lock is held.

    Args:
        keeper: a spawner that outlived its daemon was found; a session with it is open.
        adopting: services of before may run.
    """

    keeper: bool
    adopting: bool


class Started(Frozen):
    """A process that we started runs."""

    role: Role


class NotStarted(Frozen):
    """A process could not be started."""

    role: Role
    reason: str


class Ended(Frozen):
    """A process is gone (by its pidfd), and all that it had sent before was handled."""

    role: Role
    how: str


class Lost(Frozen):
    """A session ended while its process may live on.

    Args:
        hung: it was silent for too long or broke the protocol; else it only closed its end.
    """

    role: Role
    reason: str
    hung: bool


class Answered(Frozen):
    """What we asked is done."""

    role: Role
    what: Ask


class Refused(Frozen):
    """What we asked failed or was not answered in time."""

    role: Role
    what: Ask
    error: str


class RejoinAsked(Frozen):
    """The manager has no session with the spawner any more."""


class StopAsked(Frozen):
    """The manager wants the node to end with this exit code; with `leave` services run on."""

    code: int
    reason: str
    leave: bool = False


class StopSignalled(Frozen):
    """A signal of those that mean "stop" came to us."""

    name: str


class OrphanReaped(Frozen):
    """A service whose spawner died ended; its record has the exit already."""

    token: str
    exit: Exit


class Due(Frozen):
    """A timer that was armed is due."""

    timer: str


Event = (
    Begin
    | Started
    | NotStarted
    | Ended
    | Lost
    | Answered
    | Refused
    | RejoinAsked
    | StopAsked
    | StopSignalled
    | OrphanReaped
    | Due
)


class Start(Frozen):
    """Start this process. Comes back as `Started` or `NotStarted`."""

    role: Role


class Kill(Frozen):
    """SIGKILL, and drop its session. Comes back as `Ended`."""

    role: Role


class Dismiss(Frozen):
    """Drop its session, which tells a manager to leave. Comes back as `Ended`."""

    role: Role


class Greet(Frozen):
    """Welcome the manager, joined with the spawner where that runs. Comes back as `welcome`."""

    joined: bool


class Join(Frozen):
    """Make a new session between both and give each its end. Comes back as `attach` of each."""


class Restore(Frozen):
    """Give the spawner the sockets that we keep. Comes back as `restore`."""


class TakeOver(Frozen):
    """Ask a keeper for its sockets. Comes back as `held`."""


class TellOrphan(Frozen):
    """Tell the spawner of an orphan's end. Comes back as `orphan`."""

    token: str
    exit: Exit


class AskStop(Frozen):
    """Ask it to stop, or to `leave` what runs alone. Comes back as `stop`."""

    role: Role
    leave: bool = False


class AskKill(Frozen):
    """Ask the manager to kill what it still stops. Comes back as `kill`."""


class Arm(Frozen):
    """Set a timer; the same name replaces."""

    timer: str
    seconds: Seconds


class Disarm(Frozen):
    """Drop a timer; one that is not set is fine."""

    timer: str


class Report(Frozen):
    """Tell whoever started us: `up`, or `failed` with the line to show."""

    word: Literal["up", "failed"]
    text: str = ""


class Note(Frozen):
    """A line for the node's log."""

    text: str
    is_warning: bool = False


class Finish(Frozen):
    """End with this exit code. With `leave` what runs stays, and so does a spawner that lives, as its keeper."""

    code: int
    leave: bool = False


Effect = (
    Start
    | Kill
    | Dismiss
    | Greet
    | Join
    | Restore
    | TakeOver
    | TellOrphan
    | AskStop
    | AskKill
    | Arm
    | Disarm
    | Report
    | Note
    | Finish
)
