"""What happens to the spawner and what it then does, as values: the input and output of `core.Core`."""

from __future__ import annotations

from snowfox.contract.spawner import Launch
from snowfox.core.frozen import Frozen
from snowfox.errors import SnowFoxError
from snowfox.spawner.policy import Account
from snowfox.values import Exit, Seconds


class Caller(Frozen):
    """A request that waits for its answer: number of the session, number of the request in it."""

    session: int
    request: int


class LaunchAsked(Frozen):
    """The manager wants a process, and policy allows it."""

    caller: Caller
    launch: Launch
    account: Account


class SignalAsked(Frozen):
    """The manager signals a main process."""

    caller: Caller
    token: str
    number: int


class SignalAllAsked(Frozen):
    """The manager signals main processes, and does not ask which were there."""

    caller: Caller
    tokens: tuple[str, ...]
    number: int


class FollowAsked(Frozen):
    """The manager wants another process of a launch to be its main process; 0: none."""

    caller: Caller
    token: str
    pid: int


class KillAsked(Frozen):
    """The manager wants nothing left of launches."""

    caller: Caller
    tokens: tuple[str, ...]


class ForgetAsked(Frozen):
    """The manager wrote these exits down."""

    caller: Caller
    tokens: tuple[str, ...]


class InventoryAsked(Frozen):
    """The manager asks what there is after a token."""

    caller: Caller
    after: str


class OrphanTold(Frozen):
    """The daemon reaped a process that was adopted, and wrote its exit into the record."""

    caller: Caller
    token: str
    exit: Exit


class StopAsked(Frozen):
    """The daemon wants all to end."""

    caller: Caller


class LeaveAsked(Frozen):
    """The daemon wants us to end and the services to stay."""

    caller: Caller


class Begun(Frozen):
    """There is a process, which has not executed its program yet."""

    token: str
    pid: int


class Executed(Frozen):
    """The program was executed; `started` in ns of the boot-time clock."""

    token: str
    started: int


class NotLaunched(Frozen):
    """A step failed; nothing of it is left."""

    token: str
    error: SnowFoxError


class Found(Frozen):
    """At start: a launch of an earlier spawner.

    Args:
        token: its token.
        pid: its process.
        started: as its record says.
        exit: how it ended; None: it runs.
        at: when that was seen.
    """

    token: str
    pid: int
    started: int
    exit: Exit | None = None
    at: int = 0


class FoundUnderWay(Frozen):
    """At start: a launch of an earlier spawner whose child has not executed its program yet."""

    token: str


class NeverLaunched(Frozen):
    """A launch that was under way made no process; nothing of it is left."""

    token: str


class Ended(Frozen):
    """A main process ended, how is not known yet. Executed or NotLaunched come before it."""

    token: str


class Left(Frozen):
    """How a main process ended is known, and it may have named another one that is there."""

    token: str


class NotAnswered(Frozen):
    """The manager cannot say, or not in time, whether one that left named another."""

    token: str


class Followed(Frozen):
    """This process is the main process of a launch, and runs."""

    token: str
    pid: int


class ExitKnown(Frozen):
    """How it ended; the record has it."""

    token: str
    exit: Exit
    at: int


class ManagerCame(Frozen):
    """A session with a manager began; one before is closed."""


class ManagerWent(Frozen):
    """The session with the manager ended."""


class DaemonCame(Frozen):
    """A session with a daemon began."""


class DaemonWent(Frozen):
    """The daemon died."""


class TerminationAsked(Frozen):
    """SIGTERM."""


class StopOverdue(Frozen):
    """The time that stopping may take is over."""


class SocketsHeld(Frozen):
    """How many listening sockets are held now."""

    count: int


Event = (
    LaunchAsked
    | SignalAsked
    | SignalAllAsked
    | FollowAsked
    | KillAsked
    | ForgetAsked
    | InventoryAsked
    | OrphanTold
    | StopAsked
    | LeaveAsked
    | Begun
    | Executed
    | NotLaunched
    | Found
    | FoundUnderWay
    | NeverLaunched
    | Ended
    | Left
    | NotAnswered
    | Followed
    | ExitKnown
    | ManagerCame
    | ManagerWent
    | DaemonCame
    | DaemonWent
    | TerminationAsked
    | StopOverdue
    | SocketsHeld
)


class Begin(Frozen):
    """Make a process. Answered by Begun or NotLaunched."""

    launch: Launch
    account: Account


class Answer(Frozen):
    """Answer with a plain value."""

    caller: Caller
    value: bool | None


class Refuse(Frozen):
    """Answer with an error."""

    caller: Caller
    error: SnowFoxError


class AnswerLaunched(Frozen):
    """Answer with a process and a read end of its output."""

    caller: Caller
    token: str
    pid: int
    started: int
    again: bool


class Listed(Frozen):
    """A line of an inventory."""

    token: str
    pid: int
    started: int
    exit: Exit | None


class AnswerInventory(Frozen):
    """Answer with these and read ends of their output."""

    caller: Caller
    lines: tuple[Listed, ...]


class Signal(Frozen):
    """Signal a main process; answer whether it was there, where somebody asked."""

    caller: Caller | None
    token: str
    number: int


class Kill(Frozen):
    """SIGKILL to all that is left of a launch."""

    token: str


class Follow(Frozen):
    """Make another process the main process, where it is one of the launch's. Said by Followed, and answered."""

    caller: Caller
    token: str
    pid: int


class AskWhoFollows(Frozen):
    """Ask the manager whether its main process named another one. Answered by FollowAsked."""

    token: str


class Bury(Frozen):
    """Nobody follows one that left. Answered by ExitKnown."""

    token: str


class FindExit(Frozen):
    """Find out how it ended and write it into the record. Answered by ExitKnown or Left, sooner or later.

    `told`: what the daemon said, which reaped it.
    """

    token: str
    told: Exit | None = None


class Report(Frozen):
    """Tell the manager of an exit."""

    token: str
    exit: Exit
    at: int


class Forget(Frozen):
    """Drop record, FIFO and descriptors; reap the process where it is ours."""

    token: str


class SetStopTimer(Frozen):
    """Say StopOverdue after this time."""

    seconds: Seconds


class CloseManager(Frozen):
    """End the session with the manager."""


class AwaitDaemon(Frozen):
    """Wait for a new daemon to come."""


class Finish(Frozen):
    """End. `clean`: remove sockets first; else leave all as it is."""

    clean: bool


Effect = (
    Begin
    | Answer
    | Refuse
    | AnswerLaunched
    | AnswerInventory
    | Signal
    | Kill
    | Follow
    | AskWhoFollows
    | Bury
    | FindExit
    | Report
    | Forget
    | SetStopTimer
    | CloseManager
    | AwaitDaemon
    | Finish
)
