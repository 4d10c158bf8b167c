"""What a node offers to whoever asks: the command line, later the gateway and other nodes."""

# Declarations have no bodies.
# pyright: reportReturnType=false

from __future__ import annotations

from snowfox.contract.links import LinkLine, Promises
from snowfox.core.named import NamedTuple
from snowfox.core.rpc.interface import Interface, Right, call, stream


class InstanceStatus(NamedTuple):
    """One row of `snowfox status`.

    Args:
        id: as users see it: `cache`, or `web@1` where the service has several.
        service: the service's name.
        state: one of `stopped waiting starting ready failing stopping backoff failed finished stuck`.
        light: `green` as wanted, `yellow` on its way, `red` not as wanted.
        since: wall clock, ms since 1970, of the last change of state.
        pid: 0 without a process.
        memory: resident bytes of all its processes; 0 without one.
        restarts: by itself, since the node began or a person started it.
        message: why, in one line; may be "".
        started: start of the process, ns of the boot-time clock; 0 without one.
    """

    id: str
    service: str
    state: str
    light: str
    since: int
    pid: int
    memory: int
    restarts: int
    message: str
    started: int


class NodeStatus(NamedTuple):
    """A node: name, version of its configuration (a digest), instances, whether all is as wanted.

    `notes` are lines about the node itself (files changed since, a socket that was lost); `phase` is
    `starting`, `up` or `stopping`. `source` is what a person calls where the configuration came from (`main`,
    `snowfox.toml`), `commit` the id of its commit; "" but for git.
    """

    node: str
    version: str
    phase: str
    as_wanted: bool
    notes: list[str]
    instances: list[InstanceStatus]
    source: str = ""
    commit: str = ""


class Progress(NamedTuple):
    """A step of an operation, or its end.

    Args:
        instance: as users see it; "" at the end, and for a warning about the configuration.
        state: its state, `warning`, or at the end `done`, `failed` or `refused`; of a change also `unchanged` (it was in
            force already), `rolled back` or `degraded`.
        message: why; at the end the one line that sums it up.
        milliseconds: since the operation began.
        last: whether this is the end.
        code: exit code of the command, at the end.
        details: at the end, lines to show before the message (the problems of a configuration).
        is_well: of an instance: False once it will not get where the operation wants it, whatever its state. At the end:
            False where the code is not 0; of a start: when the node goes.
        is_settled: of an instance: it got there, or will not; else it tells what it does meanwhile.
    """

    instance: str
    state: str
    message: str
    milliseconds: int
    last: bool = False
    code: int = 0
    details: list[str] = []
    is_well: bool = True
    is_settled: bool = False


class LogLine(NamedTuple):
    """Output of one instance.

    Args:
        instance: whose.
        at: wall clock ms; 0: unknown.
        text: whole lines without the last newline, or a part of a long line.
        stream: `errors` where streams are kept apart; "" for the other, and for both together.
        is_part: the line goes on in the next item of this instance and stream.
    """

    instance: str
    at: int
    text: bytes
    stream: str = ""
    is_part: bool = False


class EventLine(NamedTuple):
    """An event, as the journal keeps it. `fact` is JSON."""

    id: str
    at: int
    kind: str
    subject: str
    trace: str
    cause: str
    fact: str


class ModuleLine(NamedTuple):
    """A module: name, level, state, who brought it (a package)."""

    name: str
    level: str
    state: str
    package: str
    essential: bool


class VersionLine(NamedTuple):
    """A version of the configuration that was in force, or is to be.

    Args:
        id: digest of what was read; people see its first seven digits.
        name: what it was read from: a file, a folder, a branch.
        commit: of git, or "".
        at: wall clock ms at which it came into force last; 0: it did not yet.
        who: who had it applied, for people.
        is_current: whether it is in force.
        confirm_by: wall clock ms until which it has to be confirmed; 0: it needs not.
    """

    id: str
    name: str
    commit: str
    at: int
    who: str
    is_current: bool = False
    confirm_by: int = 0


class Reason(NamedTuple):
    """Why a resource changes: a field as it is written (`environment.DEBUG`), and its values as they are written.

    "" is a value that is not there. `effect` is `live`, `reload` or `replace`.
    """

    field: str
    before: str
    after: str
    effect: str


class PlanLine(NamedTuple):
    """What becomes of a resource.

    Args:
        action: `create`, `update`, `replace`, `restart` or `remove`. `restart` is a service that differs in nothing and
            stops and starts again with one that it requires; what else is kept is only counted.
        kind: `service`, `socket`, or what a module brings.
        name: its name.
        was: the name that it had before, where it was renamed; else "".
        reasons: why, for update and replace.
        how: how, for people: `live, same pid`, `rolling: always one ready`, `after cache`.
        away: ms that it is away, by what was measured before; 0: not at all; -1: nobody knows.
        undoable: whether a rollback brings back what was.
    """

    action: str
    kind: str
    name: str
    was: str
    reasons: list[Reason]
    how: str
    away: int
    undoable: bool


class Plan(NamedTuple):
    """The steps from the version in force to another, in their order.

    `refusals` are lines that speak against it, each perhaps followed by indented ones with advice; `warnings` do not.
    """

    before: VersionLine
    after: VersionLine
    kept: int
    steps: list[PlanLine]
    refusals: list[str] = []
    warnings: list[str] = []


class Effective(NamedTuple):
    """A key of a service as it is in force, and where it comes from.

    Args:
        key: its path: `restart.limit`, `environment.DEBUG`.
        value: as a person writes it.
        origin: `snowfox.toml:12`, `template python snowfox.toml:3`, `[defaults] node.toml:4`; a file alone, where the
            line is not known; `default`.
    """

    key: str
    value: str
    origin: str


class Ending(NamedTuple):
    """How a process of an instance ended, in words, and the wall clock ms at which it did."""

    at: int
    instance: str
    text: str


class ServiceView(NamedTuple):
    """All about a service.

    Args:
        name: its name.
        keys: all of them, also those that nobody wrote: their origin is `default`.
        instances: as they are now.
        exits: how they ended last, the newest first.
        lines: what they printed last, each line for itself, the newest last.
        next_runs: the next times that its schedule names, for people: `10:15`, `Thu 03:00`.
    """

    name: str
    keys: list[Effective]
    instances: list[InstanceStatus]
    exits: list[Ending]
    lines: list[LogLine]
    next_runs: list[str] = []


class InstanceFigures(NamedTuple):
    """A row of `snowfox top`.

    Args:
        instance: how it is.
        at: ms of the node's monotonic clock at which this was so.
        cpu: ms of processor time that its processes took since it was launched.
        memory: resident bytes of its processes.
        descriptors: that they have open; -1 where the kernel does not tell.
        processes: how many it has.
    """

    instance: InstanceStatus
    at: int
    cpu: int
    memory: int
    descriptors: int
    processes: int


class Happened(NamedTuple):
    """Something that happened to an instance, in words.

    Args:
        at: wall clock, ms since 1970.
        text: one line.
        pid: whose process; 0 where it is about none.
        trace: id of the story that it belongs to.
        operation: number of the operation that it was a part of; 0: of none.
        verb: of that operation.
        who: asked for that operation.
    """

    at: int
    text: str
    pid: int
    trace: str
    operation: int = 0
    verb: str = ""
    who: str = ""


class Why(NamedTuple):
    """What led to how an instance is.

    Args:
        instance: how it is now.
        happened: what happened to it last, the newest last.
        version: the version of the configuration in force; None where the store does not have it.
        operation: number of the operation that brought it into force; 0: nobody knows.
        lines: what it printed last, the newest last, where it does not run as wanted.
    """

    instance: InstanceStatus
    happened: list[Happened]
    version: VersionLine | None
    operation: int
    lines: list[LogLine]


class RunOutput(NamedTuple):
    """What a command printed, errors included; or its end, with its exit code or the signal that ended it."""

    text: bytes
    code: int | None = None
    signal: int | None = None
    last: bool = False


class Variable(NamedTuple):
    """A variable of an environment.

    Args:
        name: its name.
        value: what it holds; "" where only the launch knows.
        note: where that comes from then, for people: `secret, from /srv/shop/secrets/key`; "" for others.
    """

    name: str
    value: str
    note: str = ""


class Manager(Interface):
    """The node. Patterns are globs over instance ids and service names; "" is not a pattern."""

    @call(right=Right.READ, repeatable=True)
    def status(self, pattern: str = "*") -> NodeStatus:
        """Raises NotFound when a pattern other than `*` matches nothing."""

    @stream(right=Right.READ)
    def starting(self) -> Progress:
        """How the node comes up: each instance once it is settled, then the end. At once when it is up already."""

    @stream(right=Right.OPERATE)
    def start(self, pattern: str) -> Progress:
        """Start; clears `failed`. Dependencies start too."""

    @stream(right=Right.OPERATE)
    def stop(self, pattern: str) -> Progress:
        """Stop, what requires it first; lasts until `start`."""

    @stream(right=Right.OPERATE)
    def restart(self, pattern: str) -> Progress:
        """Stop and start again."""

    @stream(right=Right.OPERATE)
    def reload(self, pattern: str) -> Progress:
        """Have what runs read anew, by the same process where the service says how; else as `restart`."""

    @call(right=Right.OPERATE)
    def signal(self, number: int, pattern: str) -> list[str]:
        """Signal the main processes; the ids of those that got it."""

    @stream(right=Right.OPERATE)
    def down(self, leave: bool = False) -> Progress:  # noqa: FBT002 - the wire knows no names
        """Stop all in order, then the node, as `stopping` tells.

        With `leave` the services run on, for the next node here. Raises HostError where they cannot.
        """

    @stream(right=Right.OPERATE)
    def stopping(self) -> Progress:
        """How the node goes down, as `starting`; ends with the session."""

    @stream(right=Right.READ)
    def logs(self, pattern: str, lines: int, follow: bool, since: int = 0, until: int = 0) -> LogLine:
        """The last `lines` of each (-1: all), then (with `follow`) what comes; all in the order of time.

        Args:
            pattern: whose.
            lines: how many of each instance and stream.
            follow: whether to go on. A line without an instance comes between what was there and what comes.
            since: wall clock ms, what is older is left out; 0: nothing is.
            until: wall clock ms, what is younger is left out; 0: nothing is.
        """

    @call(right=Right.OPERATE)
    def rotate(self, pattern: str) -> list[str]:
        """Begin new files for logs; the ids of those that had something in them."""

    @stream(right=Right.READ)
    def events(self, lines: int, follow: bool) -> EventLine:
        """The last `lines` of the journal, then (with `follow`) what comes."""

    @call(right=Right.READ, deadline="1d")
    def wait(self, pattern: str, state: str, milliseconds: int) -> bool:
        """True once all matches are in `state` (`ready` counts `finished` for tasks); False when time is over."""

    @call(right=Right.READ)
    def modules(self) -> list[ModuleLine]:
        """The modules of the manager, in the order of their setup."""

    @call(right=Right.OPERATE, deadline="2m")
    def plan(self, source: str) -> Plan:
        """What `apply` would do; verified by the spawner, then everything is given back.

        Args:
            source: a path below the node's folder or `git:PATH@REF`; "" is where the version in force came from.

        Raises ConfigurationRefused when it cannot be read or is wrong in itself, also for another folder; NotNow while a
        change is under way.
        """

    @stream(right=Right.OPERATE)
    def apply(self, source: str, keep: bool, confirm: int, supersede: bool) -> Progress:
        """Make another configuration the one in force.

        Args:
            source: as for `plan`.
            keep: stay with it also when something does not get ready.
            confirm: ms after which it goes back by itself unless it is confirmed; 0: it stays.
            supersede: take the place of one that is under way.

        The end has code 0 (done), 3 (refused), 4 (rolled back), 5 (degraded), 1 (`keep`, and something is not ready).
        A caller that goes away changes nothing. Raises NotNow while another is under way.
        """

    @stream(right=Right.OPERATE)
    def rollback(self, version: str, supersede: bool = False) -> Progress:  # noqa: FBT002 - as `apply`
        """As `apply`, with a version that is kept: by the first digits of its id; "" is the one before this.

        Digits that none has, or several have, are refused. With "" and `supersede` an apply that is under way is undone
        instead, and that is all (`done`), where it is not in force yet.
        """

    @stream(right=Right.OPERATE)
    def scale(self, services: dict[str, int]) -> Progress:
        """Have so many instances of these services, over restarts of the node; 0: as many as are written.

        It lasts until another number is written. Ends as `apply`: where a new instance does not get ready, all is as it
        was. Raises NotNow while a change is under way, NotFound, UserError.
        """

    @call(right=Right.OPERATE)
    def confirm(self) -> VersionLine:
        """Let the version in force stay. Raises UserError when nothing is to be confirmed, NotNow when it goes back already."""

    @call(right=Right.READ)
    def versions(self) -> list[VersionLine]:
        """Those that are kept, the newest last."""

    @call(right=Right.READ)
    def show(self, service: str) -> ServiceView:
        """Raises NotFound."""

    @call(right=Right.READ, repeatable=True)
    def figures(self, pattern: str) -> list[InstanceFigures]:
        """What these take now. Raises NotFound."""

    @call(right=Right.READ)
    def why(self, pattern: str, count: int) -> list[Why]:
        """What led to how these are now: the newest `count` moments of each. Raises NotFound."""

    @call(right=Right.READ)
    def links(self) -> list[LinkLine]:
        """The sessions of the manager, each pinged, in the order in which they began."""

    @call(right=Right.READ)
    def promises(self, count: int) -> Promises:
        """What the manager waits for, of that the oldest `count`."""

    @stream(right=Right.OPERATE)
    def run(self, service: str, command: list[str]) -> RunOutput:
        """Run a command with the environment, secrets, user, folder and limits of an instance, without its sockets.

        Without a command that of the service. It reads nothing. A caller that goes away ends it, with all that it made.
        Of several instances it is as the first. Raises NotFound, UserError also for several services, LaunchFailed.
        """

    @call(right=Right.OPERATE)
    def env(self, instance: str) -> list[Variable]:
        """Its environment as the next launch gets it, by name; of a secret only where it comes from.

        Of several instances that of the first. Raises NotFound, UserError also for several services.
        """
