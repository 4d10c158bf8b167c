"""What happens to services and to the node, as told on the bus and kept in the journal.

The subject of an event is the instance (`web@1`), of the node's own `node`, of an operation's its id.
"""

from __future__ import annotations

from snowfox.core.event.fact import Fact


class ServiceStarted(Fact, kind="service.started", kept=True):
    """A process runs. `started` is its start in ns of the boot-time clock."""

    pid: int
    token: str
    started: int


class ServiceAdopted(Fact, kind="service.adopted", kept=True):
    """A process that was found running when the manager began was taken over."""

    pid: int
    token: str
    started: int


class ServiceReady(Fact, kind="service.ready", kept=True):
    """It can serve.

    `by` says how it was found out: `executed`, `notified`, `probed`, `printed`, `written`, `delay`, `adopted`.
    """

    pid: int
    by: str
    seconds: float


class ServiceExited(Fact, kind="service.exited", kept=True):
    """The main process ended. Neither code nor signal: nobody could see it. `asked`: we had asked for it.

    `by`: the person who had us send that signal. `reached`: the limit that it reached (`values.REACHED`).
    """

    pid: int
    token: str
    code: int | None
    signal: int | None
    asked: bool
    seconds: float
    by: str = ""
    reached: str = ""


class ServiceFollowed(Fact, kind="service.followed", kept=True):
    """It said that this is its main process, which is so from now on; `error`: why it is not."""

    pid: int
    error: str


class ServiceSignalled(Fact, kind="service.signalled", kept=True):
    """A person has us send a signal to the main process."""

    pid: int
    number: int
    who: str


class ServiceRestarting(Fact, kind="service.restarting", kept=True):
    """It is tried again in `seconds`: try `attempt` of `limit` (failed starts within the window), and why."""

    reason: str
    seconds: float
    attempt: int
    limit: int


class ServiceFailed(Fact, kind="service.failed", kept=True):
    """It failed for good: not tried again until somebody starts it."""

    reason: str


class ServiceStopped(Fact, kind="service.stopped", kept=True):
    """It was stopped because it is not wanted."""

    reason: str


class ServiceFinished(Fact, kind="service.finished", kept=True):
    """It ran to its end, well."""

    reason: str


class ServiceCalled(Fact, kind="service.called", kept=True):
    """It starts on demand, and something came for it: at `socket`, by its key."""

    socket: str


class ServiceIdle(Fact, kind="service.idle", kept=True):
    """It starts on demand, nothing came for it for `seconds`, and no connection is open: it stops until something comes."""

    seconds: float


class ServiceReplacing(Fact, kind="service.replacing", kept=True):
    """A new process is to take the place of its own; `beside`: which serves until the new one is ready."""

    reason: str
    beside: bool


class ServiceKept(Fact, kind="service.kept", kept=True):
    """The new process that was to take the place of its own ends, and its own serves on."""

    reason: str


class ServiceStuck(Fact, kind="service.stuck", kept=True):
    """SIGKILL did not end it."""

    pid: int
    token: str


class ServiceDue(Fact, kind="service.due", kept=True):
    """It runs because its schedule names this instant (wall clock ms), `late` seconds ago; `missed`: nobody was there then."""

    planned: int
    late: float
    missed: bool


class ServiceSkipped(Fact, kind="service.skipped", kept=True):
    """It does not run at the instant that its schedule names (wall clock ms)."""

    planned: int
    reason: str


class LaunchFailedFact(Fact, kind="service.launch-failed", kept=True):
    """A launch was refused or failed at a step."""

    text: str
    hint: str


class ServiceUnready(Fact, kind="service.unready", kept=True):
    """It did not get ready in time and is ended. `text`: what its probe said last, or ""."""

    seconds: float
    text: str


class ServiceFollows(Fact, kind="service.follows", kept=True):
    """It is restarted (`verb`) because `after`, an instance that it requires, crashed and is ready again."""

    verb: str
    after: str


class ServiceUnwell(Fact, kind="service.unwell", kept=True):
    """It runs, does not do what it should, and is ended for it.

    `cause`: `probe`; `watchdog`; `stopping`: it said that it stops, and did not; `timeout`: a task takes too long.
    """

    cause: str
    text: str


class ServiceReloaded(Fact, kind="service.reloaded", kept=True):
    """A reload has ended; why it failed, or ""."""

    error: str


class ServiceRecycled(Fact, kind="service.recycled", kept=True):
    """It is replaced by a fresh one, because it is old or takes much memory."""

    reason: str


class HookFailed(Fact, kind="service.hook-failed", kept=True):
    """A hook, or a command of its stop, failed or was not done in time."""

    hook: str
    text: str


class ServiceRan(Fact, kind="service.ran", kept=True):
    """A person ran a command beside it, which ended so."""

    who: str
    command: list[str]
    code: int | None
    signal: int | None
    seconds: float


class ProbeFailedFact(Fact, kind="service.probe-failed"):
    """A try of `ready` or `alive` failed in another way than before; "": `alive` answers again."""

    text: str


class PhaseFact(Fact, kind="node.phase", kept=True):
    """The node is `starting`, `up`, `stopping` or `down`."""

    phase: str


class OperationStarted(Fact, kind="operation.started", kept=True):
    """An operation began: `up`, `down`, `start`, `stop` or `restart` of so many instances."""

    verb: str
    instances: int


class OperationEnded(Fact, kind="operation.ended", kept=True):
    """An operation ended: `done` or `failed`."""

    outcome: str
    message: str
    seconds: float
