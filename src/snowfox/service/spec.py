"""What a configuration says, checked and with every default filled in. Values only.

`Ready`, `Restart`, `Stop` and `Log` are tables as users write them: their fields are the keys, their types say what
is taken. `service.section` declares the rest and makes these values.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from snowfox.core.config.effect import LIVE, REPLACE
from snowfox.core.config.kind import Items, Number, Whole
from snowfox.core.config.section import Section
from snowfox.core.frozen import Frozen
from snowfox.service.confinement import Limits, Sandbox
from snowfox.service.hook import STEPS, Hook, Step
from snowfox.service.renewal import Recycle, Reload
from snowfox.service.schedule import Schedule
from snowfox.service.written import (
    COMMAND,
    DURATION,
    ENDPOINT,
    REGEX,
    SHARE,
    SIGNAL,
    SIZE,
    SYSLOG,
    TCP,
    UNIX,
    URL_PATH,
    part,
)
from snowfox.values import Seconds

FIRST_DESCRIPTOR: Final = 3
LAST_DESCRIPTOR: Final = 63
"""Numbers that `ready.descriptor` may have."""

Duration = Annotated[Seconds, DURATION]


class Ready(Section):
    """How a service says that it can serve: exactly one of the forms, or none (ready once executed).

    Args:
        notify: it sends `READY=1`.
        descriptor: the number of one that it is given, into which it writes a line.
        tcp: `HOST:PORT` that accepts.
        http: `HOST:PORT` (or `unix:PATH`) that answers GET `path` with 2xx or 3xx.
        unix: path of a socket that accepts.
        command: words; exit 0 is ready. Run as the service's user, in its folder and environment.
        log: a regular expression that a line of its output matches, anywhere in the line.
        delay: seconds that it must have lived.
        path: for `http`.
        timeout: seconds until a start without readiness counts as failed.
        every: seconds between tries of tcp, http, unix and command.
    """

    EXAMPLE: ClassVar[str] = "{ notify = true }"
    WHOLE: ClassVar[bool] = True

    notify: Annotated[bool, REPLACE] = False
    descriptor: Annotated[int | None, Whole(FIRST_DESCRIPTOR, LAST_DESCRIPTOR), REPLACE] = None
    tcp: Annotated[str, TCP] | None = None
    http: Annotated[str, ENDPOINT] | None = None
    unix: Annotated[str, UNIX] | None = None
    command: Annotated[tuple[str, ...], COMMAND] = ()
    log: Annotated[str, REGEX] | None = None
    delay: Duration | None = None
    path: Annotated[str, URL_PATH] = "/"
    timeout: Duration = 30.0
    every: Duration = 0.1

    @property
    def is_immediate(self) -> bool:
        """Whether being executed is being ready."""
        others = (self.descriptor, self.log, self.delay)
        return not (self.notify or self.is_probed or any(one is not None for one in others))

    @property
    def is_probed(self) -> bool:
        """Whether it is asked for."""
        return bool(self.tcp or self.http or self.unix or self.command)


class Alive(Section):
    """How it is found out, while it is ready, that it still answers: one of the forms, or none.

    Args:
        tcp: `HOST:PORT` that accepts.
        http: `HOST:PORT` (or `unix:PATH`) that answers GET `path` with 2xx or 3xx.
        unix: path of a socket that accepts.
        command: words; exit 0 is alive. Run as the service's user, in its folder and environment.
        path: for `http`.
        every: seconds between tries; default: 10.
        timeout: seconds that a try may take; default: 2.
        failures: tries in a row that fail after which it is ended and started again; default: 3.
    """

    EXAMPLE: ClassVar[str] = '{ http = "127.0.0.1:8000", path = "/health" }'
    WHOLE: ClassVar[bool] = True

    tcp: Annotated[str, TCP] | None = None
    http: Annotated[str, ENDPOINT] | None = None
    unix: Annotated[str, UNIX] | None = None
    command: Annotated[tuple[str, ...], COMMAND] = ()
    path: Annotated[str, URL_PATH] = "/"
    every: Duration = 10.0
    timeout: Duration = 2.0
    failures: Annotated[int, Whole(1, 1000)] = 3

    @property
    def is_probed(self) -> bool:
        """Whether it is asked for."""
        return bool(self.tcp or self.http or self.unix or self.command)


class Restart(Section):
    """When and how it is tried again.

    Args:
        when: `always`, `on-failure` or `never`.
        delay: seconds before the first try; grows up to `max_delay`; default: 0.1.
        max_delay: the longest delay, in seconds.
        limit: failed starts within `window`, by exit, probe or watchdog alike, after which it is `failed`; default: 5.
        window: seconds, without those that failed starts took; default: 60.
        early: seconds; a start that ends, or was last known to be well, before them has failed; default: 1.
        reset: seconds of life after which delay and count start over; default: 10.
        growth: what the delay is multiplied by from one try to the next; default: 2.
        jitter: the part of a delay that chance may take off, from the third try on; default: 0.5.
        success: exit codes that are no failure.
        final: exit codes that are not tried again.
    """

    EXAMPLE: ClassVar[str] = '{ when = "always" }'

    when: Literal["always", "on-failure", "never"] = "always"
    delay: Duration = 0.1
    max_delay: Duration = 30.0
    limit: Annotated[int, Whole(1, 1_000_000)] = 5
    window: Duration = 60.0
    early: Duration = 1.0
    reset: Duration = 10.0
    growth: Annotated[float, Number(1, 100)] = 2.0
    jitter: Annotated[float, Number(0, 1)] = 0.5
    success: Annotated[tuple[int, ...], Items(Whole(0, 255))] = (0,)
    final: Annotated[tuple[int, ...], Items(Whole(0, 255))] = ()


class Stop(Section):
    """How it is stopped: a signal to the main process, after `grace` seconds SIGKILL to all that is left.

    With `steps` these come one after another, while it runs, before that.

    Args:
        signal: a name without SIG; default: TERM.
        grace: seconds until all that is left is killed; default: 10.
        steps: signals and commands, each with the time until the next; in place of `signal` and `grace`.
    """

    EXAMPLE: ClassVar[str] = '{ signal = "TERM", grace = "10s" }'

    signal: Annotated[int, SIGNAL] = 15
    grace: Duration = 10.0
    steps: Annotated[tuple[Step, ...], STEPS] = ()


class Forward(Section):
    """Where its output goes besides.

    Args:
        syslog: a server's address: "udp:127.0.0.1:514", "10.0.0.7:601" (TCP), "unix:/dev/log".
        facility: for syslog, as its configuration calls it.
        journal: whether it goes to the journal of systemd.
        command: words; it reads the lines, as the service's user, one process for all instances.
        form: what the command reads: the lines as they are, or what `snowfox logs --json` prints.
    """

    EXAMPLE: ClassVar[str] = '{ syslog = "udp:127.0.0.1:514" }'

    syslog: Annotated[str, SYSLOG] = ""
    facility: Literal[
        "user", "daemon", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"
    ] = "daemon"
    journal: bool = False
    command: Annotated[tuple[str, ...], COMMAND] = ()
    form: Literal["text", "json"] = "text"


class Log(Section):
    """Where its output goes: files of `size` bytes, `keep` of them besides the current one.

    Args:
        size: bytes of a file; default: 20M.
        keep: how many besides the current one; default: 5.
        age: how old the first line of a file gets before the next line begins another file; default: any age.
        compress: whether files that were put aside are compressed (gzip).
        total: bytes that all files of all instances together may have; default: as many as size and keep allow.
        rate: bytes a second of each instance and stream that are kept, what is more is dropped and counted; default: all.
        forward: where it goes besides.
        streams: whether output and errors go into one log in the order they come, or each into its own.
    """

    EXAMPLE: ClassVar[str] = '{ size = "20M", keep = 5 }'

    size: Annotated[int, SIZE] = 20 << 20
    keep: Annotated[int, Whole(0, 1000)] = 5
    age: Duration = 0.0
    compress: bool = False
    total: Annotated[int, SIZE] = 0
    rate: Annotated[int, SIZE] = 0
    forward: Forward = Forward()
    streams: Annotated[Literal["together", "apart"], REPLACE] = "together"

    @property
    def is_apart(self) -> bool:
        """Whether there are two logs."""
        return self.streams == "apart"


class Rolling(Section):
    """How a rolling replacement goes on: how many at once, and how sure of each.

    Args:
        surge: how many new instances there may be beside those that they take the place of, or a share of all, rounded
            up; default: 1.
        max_unavailable: how many instances may be away at once, or a share of all, rounded down; default: 0.
        pause: how long a new one must have been ready before it counts; default: 0.
    """

    EXAMPLE: ClassVar[str] = '{ surge = 1, max-unavailable = 0, pause = "5s" }'

    surge: Annotated[int | str, SHARE] = 1
    max_unavailable: Annotated[int | str, SHARE] = 0
    pause: Duration = 0.0

    def among(self, count: int) -> tuple[int, int]:
        """Surge and max-unavailable of so many instances; where shares come to nothing, one may be away."""
        surge, away = part(self.surge, count, up=True), part(self.max_unavailable, count, up=False)
        return (surge, away) if surge or away else (0, 1)


class Secret(Frozen):
    """`secrets.NAME`: a file that the spawner reads at launch.

    Args:
        name: of the variable.
        file: absolute, or relative to the configuration's folder; `${NAME}` not yet filled in.
        form: `environment`, `file` or `descriptor`: how the service gets it.
    """

    name: str
    file: str
    form: str = "environment"


class Socket(Frozen):
    """`[socket.NAME]`.

    Args:
        name: of the socket.
        listen: addresses as `core.posix` takes them, made absolute for unix paths.
        backlog: connections that wait to be accepted.
        mode: of the files of unix addresses; -1: 0666.
        user: their owner's name; "" is the node's own.
        group: name; "" is the owner's.
    """

    name: str
    listen: tuple[str, ...]
    backlog: Annotated[int, LIVE] = 1024
    mode: Annotated[int, LIVE] = -1
    user: Annotated[str, LIVE] = ""
    group: Annotated[str, LIVE] = ""


class Service(Frozen):
    """`[service.NAME]`, and per instance what is filled in by `service.launch`.

    Args:
        name: dotted name.
        command: words, `${NAME}` not yet filled in (`service.filling`); a path of a program is absolute.
        directory: absolute, or begins with `${`; "" is the default (`folder`, `/` for a dynamic uid).
        environment: what is written, `${NAME}` not yet filled in.
        inherit_environment: names of variables that it has from the shell that started the node, where they are set.
        user: name; "" is the default.
        sockets: names of `Socket`s, in the order of their descriptors.
        instances: how many (1 has the id NAME, more are NAME@1, NAME@2 ...), or their names (NAME@blue, NAME@green).
        port: `INSTANCE_PORT` of the first instance, one more of each that follows; 0 is none.
        requires: names of services that must be ready (tasks: finished well) before it starts.
        on_restart: of what it requires, what is done with it when that crashed and is ready again: `restart`, `reload`.
        wants: names of services that are started too, and have their chance before it starts.
        after: names that only order.
        conflicts: names of services that do not run beside it.
        is_task: it runs to its end.
        ready: how it says that it can serve.
        alive: how it is found out that it still does.
        watchdog: seconds without WATCHDOG=1 after which it is not alive; 0: it is not waited for.
        restart: when it is tried again.
        stop: how it is stopped.
        log: where its output goes.
        limits: what each instance may use at most.
        sandbox: what it is kept from; paths as `directory`.
        umask: bits that its new files lack.
        nice: its priority.
        oom_score: of running out of memory; None: the node's.
        autostart: whether it starts with the node.
        owner: uid of the file that defines it.
        description: for people.
        labels: names for patterns (`@public`).
        replacement: `rolling` (a new instance is ready, then the old one stops) or `restart`.
        rolling: how a rolling replacement goes on.
        is_on_demand: whether it starts only when something comes for one of its sockets.
        idle: seconds without anything after which one that is on demand stops; 0.0: it does not.
        was: the name that it had in the configuration before.
        secrets: in the order of the file.
        folder: of the file that defines it, absolute; "" is the configuration's.
        timeout: of a task: seconds after which it is ended, and has failed; None: it may take as long as it likes.
        essential: when it fails for good the node stops in order and ends with its exit code.
        reload: what a reload does; None: a replacement.
        recycle: when an instance that is well is replaced by a fresh one; None: never.
        before_start: runs before each launch, which comes only when it ends well.
        after_ready: runs once it is ready.
        before_stop: runs before it is stopped, when it was ready.
        after_exit: runs after each end of its process.
        schedule: when it runs; one that is not set: once it may.
    """

    name: str
    command: tuple[str, ...]
    directory: str = ""
    environment: dict[str, str] = {}  # noqa: RUF012 - a frozen value's default
    inherit_environment: tuple[str, ...] = ()
    user: str = ""
    sockets: tuple[str, ...] = ()
    instances: Annotated[int | tuple[str, ...], LIVE] = 1
    port: Annotated[int, LIVE] = 0
    requires: Annotated[tuple[str, ...], LIVE] = ()
    on_restart: Annotated[dict[str, str], LIVE] = {}  # noqa: RUF012 - a frozen value's default
    wants: Annotated[tuple[str, ...], LIVE] = ()
    after: Annotated[tuple[str, ...], LIVE] = ()
    conflicts: Annotated[tuple[str, ...], LIVE] = ()
    is_task: bool = False
    ready: Annotated[Ready, LIVE] = Ready()
    alive: Annotated[Alive, LIVE] = Alive()
    watchdog: Seconds = 0.0
    restart: Annotated[Restart, LIVE] = Restart()
    stop: Annotated[Stop, LIVE] = Stop()
    log: Annotated[Log, LIVE] = Log()
    limits: Limits = Limits()
    sandbox: Sandbox = Sandbox()
    umask: int = 0o022
    nice: int = 0
    oom_score: int | None = None
    autostart: Annotated[bool, LIVE] = True
    owner: int = 0
    description: Annotated[str, LIVE] = ""
    labels: Annotated[tuple[str, ...], LIVE] = ()
    replacement: Annotated[str, LIVE] = "restart"
    rolling: Annotated[Rolling, LIVE] = Rolling()
    is_on_demand: Annotated[bool, LIVE] = False
    idle: Annotated[Seconds, LIVE] = 0.0
    was: Annotated[str, LIVE] = ""
    secrets: tuple[Secret, ...] = ()
    folder: str = ""
    timeout: Annotated[Seconds | None, LIVE] = None
    essential: Annotated[bool, LIVE] = False
    reload: Annotated[Reload | None, LIVE] = None
    recycle: Annotated[Recycle | None, LIVE] = None
    before_start: Annotated[Hook | None, LIVE] = None
    after_ready: Annotated[Hook | None, LIVE] = None
    before_stop: Annotated[Hook | None, LIVE] = None
    after_exit: Annotated[Hook | None, LIVE] = None
    schedule: Annotated[Schedule, LIVE] = Schedule()

    @property
    def is_rolling(self) -> bool:
        """Whether some of it serves while it is replaced."""
        surge, away = self.rolling.among(self.count)
        return self.replacement == "rolling" and (surge > 0 or away < self.count)

    def before(self) -> tuple[str, ...]:
        """Names of all that it starts after, as they are written."""
        return (*self.requires, *self.wants, *self.after)

    @property
    def is_heard(self) -> bool:
        """Whether it gets NOTIFY_SOCKET: what it says there counts."""
        return self.ready.notify or self.watchdog > 0

    @property
    def count(self) -> int:
        """How many instances it has."""
        return self.instances if isinstance(self.instances, int) else len(self.instances)

    def ids(self) -> tuple[str, ...]:
        """Ids of its instances: `web`, or `web@1`, `web@2`, or `web@blue`."""
        if self.instances == 1:
            return (self.name,)
        return tuple(f"{self.name}@{each}" for each in self.suffixes())

    def suffixes(self) -> tuple[str, ...]:
        """What tells its instances apart, `${INSTANCE}`: their names, or `1`, `2` ..."""
        if isinstance(self.instances, tuple):
            return self.instances
        return tuple(map(str, range(1, self.instances + 1)))


class Configuration(Frozen):
    """All of it.

    Args:
        node: its name.
        services: by name, in the order of the files.
        sockets: by name.
        version: the digest of the files read, 64 hex digits.
        folder: of the main file, absolute.
        sections: tables of modules, by name.
    """

    node: str
    services: dict[str, Service]
    sockets: dict[str, Socket]
    version: str
    folder: str
    sections: dict[str, Section] = {}  # noqa: RUF012 - a frozen value's default
