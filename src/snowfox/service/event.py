"""What the engine is told. Frozen values; `now` comes with each call of `Engine.handle`.

What came late is told as it is: the engine compares tokens and ignores what belongs to an earlier launch. The driver
owes exactly one `Launched` or `LaunchRefused` per `Launch`, and one `Ended` per `Launched`; an `Ended` may overtake
the `Launched` of its token. A process that nobody could see ending ended with `UNKNOWN_EXIT`.
"""

from __future__ import annotations

from snowfox.core.frozen import Frozen
from snowfox.service.spec import Configuration
from snowfox.service.status import Status
from snowfox.values import Exit, Seconds


class Found(Frozen):
    """A launch that the spawner knows when the manager begins: alive (`exit` is None), or ended and not forgotten.

    Args:
        token: of the launch; names its instance.
        pid: its process.
        started: when it began, ns of the boot-time clock.
        age: seconds since it began.
        exit: how it ended, or None while it lives.
        digest: what it was launched from (`service.identity`); "" where nobody knows.
    """

    token: str
    pid: int
    started: int
    age: Seconds
    exit: Exit | None = None
    digest: str = ""


class Begin(Frozen):
    """The first event, once: start what is wanted and take over what runs.

    Args:
        operation: id of the operation "the node comes up"; its steps are the progress of `up`.
        wanted: what people asked for and what lasts, by instance (or service): `started` or `stopped`.
        found: everything in the spawner's inventory.
        remembered: the last `Changed.status` of each instance as the store kept it; empty after a reboot of the host
            (boot ids differ). After an orderly stop all of them are `stopped`, so that a task runs again.
    """

    operation: str
    wanted: dict[str, str] = {}  # noqa: RUF012 - a frozen value's default
    found: tuple[Found, ...] = ()
    remembered: dict[str, Status] = {}  # noqa: RUF012 - a frozen value's default


class Launched(Frozen):
    """A launch succeeded: the program was executed. `started` is in ns of the boot-time clock."""

    instance: str
    token: str
    pid: int
    started: int


class LaunchRefused(Frozen):
    """A launch failed or was not permitted; no process is there.

    Args:
        instance: of the launch.
        token: of the launch.
        text: one line, `cannot launch web@1: change to folder /srv/x: no such file or directory (ENOENT)`.
        hint: what to do about it, or "".
        is_temporary: the host was out of processes, memory or descriptors, or the spawner went away: try again
            later, and never count it as a failed start of the service.
    """

    instance: str
    token: str
    text: str
    hint: str = ""
    is_temporary: bool = False


class Ended(Frozen):
    """The main process of a launch ended."""

    token: str
    exit: Exit


class Notified(Frozen):
    """A process of this launch said something: the words of sd_notify(3), as far as the engine minds them.

    Args:
        token: of the launch.
        is_ready: READY=1. As the end of a start it counts only where the service says `notify = true`.
        status: STATUS; None where it did not say.
        error: ERRNO; 0 where it did not say.
        is_reloading: RELOADING=1: until it is ready again.
        since: MONOTONIC_USEC.
        is_stopping: STOPPING=1: it is about to end by itself.
        extend: EXTEND_TIMEOUT_USEC, in seconds: its start or stop may take so long from now on; 0.0: as before.
    """

    token: str
    is_ready: bool = True
    status: str | None = None
    error: int = 0
    is_reloading: bool = False
    since: int = 0
    is_stopping: bool = False
    extend: Seconds = 0.0


class Followed(Frozen):
    """A process of this launch named its main process (MAINPID), which is followed from now on; `error`: why it is not."""

    token: str
    pid: int
    error: str = ""


class Signalled(Frozen):
    """A person has us send a signal to the main process of a launch: told before it is sent."""

    token: str
    number: int
    who: str


class ProbeAnswered(Frozen):
    """It was found ready: by the probe that `StartProbe` asked for, which is over (`probed`), or by what it `printed` or has `written`."""

    token: str
    by: str = "probed"


class ProbeFailed(Frozen):
    """A try of the probe failed; it goes on. Told when `text` differs from the time before (not for each try)."""

    token: str
    text: str


class Ailing(Frozen):
    """A try of `alive` failed, and not yet so often that it is `Unwell`; `text` says how. "": it answers again."""

    token: str
    text: str


class Unwell(Frozen):
    """A process that is ready does not do what it should: it is to be ended, and started again.

    Told again, as long as it is so, until `StopWatch`.

    Args:
        token: of its launch.
        cause: `probe`: `alive` failed too often in a row; `watchdog`: it was silent for too long, or said so itself.
        text: what is the matter, for people.
        silent: seconds since it last did what it should: got ready, answered, said that it is alive.
    """

    token: str
    cause: str
    text: str
    silent: Seconds = 0.0


class Wanted(Frozen):
    """A connection or datagram waits at a socket of this service, as `Demand` asked; `key` says at which."""

    service: str
    key: str = ""


class Idle(Frozen):
    """Nothing came for this service for so long, as `Demand` asked, and no connection is open."""

    service: str


class Recycle(Frozen):
    """What runs under this token is older, or takes more memory, than its service lets it; told until it is replaced."""

    token: str
    reason: str


class HookEnded(Frozen):
    """What `RunHook` asked for has ended: well, or `text` says why not, without the hook's name."""

    token: str
    name: str
    text: str = ""


class TimerFired(Frozen):
    """The timer that `SetTimer` asked for is due."""

    subject: str
    name: str


class Ask(Frozen):
    """A person asks. `verb` is `start`, `stop` or `restart`; `instances` are ids that the engine knows."""

    operation: str
    verb: str
    instances: tuple[str, ...]


class Reconfigure(Frozen):
    """Another configuration is to be what runs.

    What did not change is left alone. What is new starts and what is outdated is replaced, each in its turn; what is
    no longer there stays until `Retire`. The end comes as `Arrived`. Telling it again, with the same configuration or
    another (to go back), is fine at any time: whatever is half done goes on from where it is.

    Args:
        operation: id of the operation that this is a part of.
        configuration: checked.
    """

    operation: str
    configuration: Configuration


class Retire(Frozen):
    """Stop what the last `Reconfigure` left without a place in the configuration. The end comes as `Arrived`."""

    operation: str


class Abandon(Frozen):
    """Wait no more for what `Reconfigure` or `Retire` began under this operation; what runs goes on."""

    operation: str


class Planned(Frozen):
    """When a service with a schedule runs next; ignored for one without.

    Args:
        service: its name.
        at: the engine's time; None: never.
        text: for people, `10:15`.
    """

    service: str
    at: Seconds | None
    text: str = ""


class Due(Frozen):
    """It is time for a run of a service with a schedule.

    Args:
        service: its name.
        planned: the instant that its schedule names, wall clock ms.
        late: seconds since then.
        is_missed: the node or the host was down, or slept, at that time.
    """

    service: str
    planned: int
    late: Seconds = 0.0
    is_missed: bool = False


class Missed(Frozen):
    """A time that its schedule names (wall clock ms) is over, and the schedule says `missed = "skip"`."""

    service: str
    planned: int


class StopAll(Frozen):
    """The node goes down: stop everything in order; nothing starts from now on. Not a stop by a person."""

    operation: str


class KillAll(Frozen):
    """A second Ctrl-C: all that still runs is killed at once. Without a `StopAll` before, it is one as well."""


Event = (
    Begin
    | Launched
    | LaunchRefused
    | Ended
    | Notified
    | Followed
    | Signalled
    | ProbeAnswered
    | ProbeFailed
    | Ailing
    | Unwell
    | Wanted
    | Idle
    | Recycle
    | HookEnded
    | TimerFired
    | Ask
    | Reconfigure
    | Retire
    | Abandon
    | Planned
    | Due
    | Missed
    | StopAll
    | KillAll
)
