"""What the engine wants done: data, performed by its driver in the order in which they were returned.

```text
Launch        -> later one Launched or LaunchRefused, then one Ended
StartProbe    -> ProbeFailed (when its text changes), at the end ProbeAnswered, unless StopProbe comes before
StartWatch    -> Ailing, Unwell, any number of them until StopWatch
SetTimer      -> TimerFired once, unless ClearTimer or another SetTimer of the subject comes before
Scheduled     -> Planned, Due, Missed of these services, until the next one
```
"""

from __future__ import annotations

from snowfox.core.event.fact import Fact
from snowfox.core.frozen import Frozen
from snowfox.service.schedule import Schedule
from snowfox.service.status import Status
from snowfox.values import Exit, Seconds


class Launch(Frozen):
    """Make the process of an instance, under this new token. What exactly, the driver takes from the configuration.

    `digest` says what it is made from (`service.identity`), and is kept with the process.
    """

    instance: str
    token: str
    digest: str = ""


class Signal(Frozen):
    """Signal the main process of a launch. That it is gone already is fine."""

    instance: str
    token: str
    number: int


class Kill(Frozen):
    """SIGKILL to all that is left of a launch. That nothing is left is fine."""

    instance: str
    token: str


class Forget(Frozen):
    """The exit of this launch was taken note of: record and FIFO may go, once the facts before it are stored."""

    token: str


class StartProbe(Frozen):
    """Try the `ready` of the instance (`tcp`, `http`, `unix`, `command`) at once and then `every` until it answers."""

    instance: str
    token: str


class StopProbe(Frozen):
    """Stop trying."""

    instance: str
    token: str


class StartWatch(Frozen):
    """It is ready: ask by its `alive`, mind its `watchdog`, until `StopWatch`. Of one that is watched: by what is written now."""

    instance: str
    token: str


class StopWatch(Frozen):
    """Watch no more. That it is not watched is fine."""

    token: str


class RunHook(Frozen):
    """Run a command beside an instance, as its user; later one HookEnded, unless StopHook or another RunHook comes first.

    Args:
        instance: whose.
        token: of the launch that it belongs to; one runs at a time for each.
        name: `before-start`, `after-ready`, `before-stop`, `after-exit`, `stop 1`, `reload`.
        command: words, `${NAME}` not filled in yet.
        timeout: seconds after which it is killed.
        environment: variables that it gets besides.
    """

    instance: str
    token: str
    name: str
    command: tuple[str, ...]
    timeout: Seconds
    environment: tuple[tuple[str, str], ...] = ()


class StopHook(Frozen):
    """Kill the hook that runs for this launch. That there is none is fine."""

    token: str


class SetTimer(Frozen):
    """Tell in `seconds`. `subject` is an instance or an operation; it has one timer, a new one replaces it."""

    subject: str
    name: str
    seconds: Seconds


class ClearTimer(Frozen):
    """Forget the timer of a subject. That there is none is fine."""

    subject: str


class Changed(Frozen):
    """An instance changed in something that `status` shows. To be kept for `Begin.remembered`."""

    status: Status


class Removed(Frozen):
    """An instance that is no longer in the configuration has ended: it is gone from `status` and from the store."""

    instance: str


class Renamed(Frozen):
    """An instance has another id from now on; its process and its output go on. `Removed` of the old id follows."""

    was: str
    instance: str


class WantedChanged(Frozen):
    """What people want of an instance, to be kept for `Begin.wanted`: `started`, `stopped`, or None: drop the entry."""

    instance: str
    wanted: str | None


class Demand(Frozen):
    """What is to be told of a service that starts on demand, from now on, in the place of what was before.

    Args:
        service: its name.
        awaits: `connection` (then `Wanted`), `idle` (nothing came for `idle` seconds and no connection is open: then
            `Idle`), or "": nothing.
        keys: of its sockets.
        idle: seconds.
    """

    service: str
    awaits: str
    keys: tuple[str, ...] = ()
    idle: Seconds = 0.0


class Emit(Frozen):
    """Something happened; for bus and journal."""

    subject: str
    fact: Fact


class Joined(Frozen):
    """What these instances do from now on is part of this operation: what was asked of others makes them do it."""

    operation: str
    instances: tuple[str, ...]


class Stepped(Frozen):
    """An instance of an operation has got where the operation wants it, or will not get there (`is_well` False).

    It may come twice for an instance: ready, then crashed within the second that is watched.
    """

    operation: str
    instance: str
    state: str
    message: str
    is_well: bool


class OperationDone(Frozen):
    """The end of an operation.

    Args:
        operation: its id.
        outcome: `done` or `failed`.
        message: one line that sums it up.
        code: exit code of the command.
    """

    operation: str
    outcome: str
    message: str
    code: int


class Arrived(Frozen):
    """What `Reconfigure` or `Retire` began has come to its end: all got there, or one will not.

    Args:
        operation: its id.
        is_well: whether all got there.
        message: where not, who did not and why.
        lost: the instances that did not.
    """

    operation: str
    is_well: bool
    message: str
    lost: tuple[str, ...] = ()


class EssentialLost(Frozen):
    """A service without which the node has no sense has failed for good: the node is to end, as `exit` says.

    It may come more than once.
    """

    instance: str
    exit: Exit


class Scheduled(Frozen):
    """These services have a schedule from now on, and no others -> `Planned` of each, then `Due` and `Missed`."""

    schedules: dict[str, Schedule]


class PhaseChanged(Frozen):
    """The node is `starting`, `up`, `stopping` or, when nothing of it runs any more, `down`."""

    phase: str


Effect = (
    Launch
    | Signal
    | Kill
    | Forget
    | StartProbe
    | StopProbe
    | StartWatch
    | StopWatch
    | RunHook
    | StopHook
    | SetTimer
    | ClearTimer
    | Changed
    | Removed
    | Renamed
    | WantedChanged
    | Demand
    | Emit
    | Joined
    | Stepped
    | OperationDone
    | Arrived
    | EssentialLost
    | Scheduled
    | PhaseChanged
)
