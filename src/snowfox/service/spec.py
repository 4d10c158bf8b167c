"""What a configuration says, checked and with every default filled in. Values only."""

from __future__ import annotations

from snowfox.core.frozen import Frozen
from snowfox.values import Seconds


class Ready(Frozen):
    """How a service says that it can serve: exactly one of the forms, or none (ready once executed).

    Args:
        notify: it sends `READY=1`.
        tcp: `HOST:PORT` that accepts.
        http: `HOST:PORT` (or `unix:PATH`) that answers GET `path` with 2xx or 3xx.
        command: words; exit 0 is ready. Run as the service's user, in its folder and environment.
        delay: seconds that it must have lived.
        path: for `http`.
        timeout: seconds until a start without readiness counts as failed.
        every: seconds between tries of tcp, http and command.
    """

    notify: bool = False
    tcp: str | None = None
    http: str | None = None
    command: tuple[str, ...] = ()
    delay: Seconds | None = None
    path: str = "/"
    timeout: Seconds = 30.0
    every: Seconds = 0.1

    @property
    def is_immediate(self) -> bool:
        """Whether being executed is being ready."""
        return not (self.notify or self.tcp or self.http or self.command or self.delay is not None)


class Restart(Frozen):
    """When and how it is tried again.

    Args:
        when: `always`, `on-failure` or `never`.
        delay: seconds before the first try; doubles up to `max_delay`.
        limit: failed starts within `window` seconds after which it is `failed`.
        early: seconds; an exit before them is a failed start.
        healthy: seconds of life after which delay and count start over.
        success: exit codes that are no failure.
        final: exit codes that are not tried again.
    """

    when: str = "always"
    delay: Seconds = 0.1
    max_delay: Seconds = 30.0
    limit: int = 5
    window: Seconds = 60.0
    early: Seconds = 1.0
    healthy: Seconds = 10.0
    success: tuple[int, ...] = (0,)
    final: tuple[int, ...] = ()


class Stop(Frozen):
    """How it is stopped: a signal to the main process, after `grace` seconds SIGKILL to all that is left."""

    signal: int = 15
    grace: Seconds = 10.0


class Log(Frozen):
    """Where its output goes: files of `size` bytes, `keep` of them besides the current one."""

    size: int = 20 << 20
    keep: int = 5


class Socket(Frozen):
    """`[socket.NAME]`: addresses as `core.posix` takes them, made absolute for unix paths."""

    name: str
    listen: tuple[str, ...]
    backlog: int = 1024


class Service(Frozen):
    """`[service.NAME]`, and per instance what is filled in by `service.launch`.

    Args:
        name: dotted name.
        command: words, `${NAME}` not yet filled in.
        directory: absolute; "" is the default (the folder of the file, `/` for a dynamic uid).
        environment: what is written, `${NAME}` not yet filled in.
        user: name; "" is the default.
        sockets: names of `Socket`s, in the order of their descriptors.
        instances: how many; 1 has the id NAME, more are NAME@1, NAME@2 ...
        requires: names of services that must be ready (tasks: finished well) before it starts.
        after: names that only order.
        is_task: it runs to its end.
        owner: uid of the file that defines it.
    """

    name: str
    command: tuple[str, ...]
    directory: str = ""
    environment: dict[str, str] = {}
    user: str = ""
    sockets: tuple[str, ...] = ()
    instances: int = 1
    requires: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    is_task: bool = False
    ready: Ready = Ready()
    restart: Restart = Restart()
    stop: Stop = Stop()
    log: Log = Log()
    autostart: bool = True
    owner: int = 0

    def ids(self) -> tuple[str, ...]:
        """Ids of its instances: `web`, or `web@1`, `web@2`."""
        if self.instances == 1:
            return (self.name,)
        return tuple(f"{self.name}@{number}" for number in range(1, self.instances + 1))


class Configuration(Frozen):
    """All of it. `version` is the digest of the files read (64 hex digits); names are in the order of the file."""

    node: str
    services: dict[str, Service]
    sockets: dict[str, Socket]
    version: str
    folder: str
