"""The tables of `snowfox.toml`, declared: each field is a key, its type what is taken. See `core.config.section`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal

from snowfox.core.config.kind import Choice, Findings, Items, Whole, is_list, is_table
from snowfox.core.config.problem import quoted
from snowfox.core.config.scanner import Path
from snowfox.core.config.section import Key, Nested, Section
from snowfox.service.confinement import UMASK, Limits, Sandbox
from snowfox.service.hook import HOOK, Hook
from snowfox.service.renewal import Recycle, Reload
from snowfox.service.requirement import Required, Requirement
from snowfox.service.schedule import Schedule, Schedules
from snowfox.service.spec import Alive, Log, Ready, Restart, Rolling, Stop
from snowfox.service.written import (
    AT_LEAST,
    COMMAND,
    DURATION,
    ENVIRONMENT,
    FILE,
    GROUP,
    INSTANCE,
    LISTEN,
    MODE,
    NAME,
    NAMES,
    TEMPLATE,
    USER,
    VARIABLE,
    FilePath,
    Variables,
)
from snowfox.values import MOST_INHERITED, Seconds, is_secret_name

MOST_INSTANCES: Final = 1000

TABLES: Final = ("node", "defaults", "socket", "template", "service")
"""Tables at the top of a file."""

LATER_TABLES: Final = frozenset({"access", "http", "metrics", "on", "trace"})
"""Designed, and not there yet."""


class _Directory(FilePath):
    words = "the path of a folder"
    example = '"app"'
    here = 'the folder of this file is "."'


class _Instances(Whole):
    """How many, or what they are called."""

    _names = Items(INSTANCE, most=MOST_INSTANCES)

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        if not is_list(value):
            return super().read(value, path, findings)
        if not value:
            findings.wrong(path, "instances is empty", hint='for example 2, or ["blue", "green"]')
        names = self._names.read(value, path, findings)
        for index, name in enumerate(names):
            if name is not None and name in names[:index]:
                findings.wrong((*path, index), f"{quoted(name)} is written twice")
        return names

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [super().schema(), self._names.schema() | {"minItems": 1, "uniqueItems": True}]}


class _Replacement(Nested):
    """One of two words, or a table that says how a rolling one goes on."""

    words = '"rolling", "restart" or a table'

    def __init__(self) -> None:
        super().__init__(Rolling)
        self._choice = Choice("rolling", "restart")

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        if isinstance(value, str):
            return self._choice.read(value, path, findings)
        fields = super().read(value, path, findings)
        if fields and not fields.get("surge", 1) and not fields.get("max_unavailable", 0):
            why = "with surge = 0 and max-unavailable = 0 nothing could be replaced"
            findings.wrong((*path, "surge"), why, hint="one of them must be more")
        return fields

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self._choice.schema(), super().schema()]}

    def over(self, upper: Any, lower: Any) -> Any:
        return super().over(upper, lower) if is_table(upper) and is_table(lower) else upper

    def finish(self, value: Any) -> Any:
        return value if isinstance(value, str) else super().finish(value)


class NodeTable(Section):
    """The node itself.

    Args:
        name: how it calls itself; default: the host's name.
    """

    EXAMPLE: ClassVar[str] = '[node] and below it name = "shop-1"'

    name: Annotated[str, NAME] | None = None


class SocketTable(Section):
    """A listening socket that Snow Fox opens and keeps, while services that use it come and go.

    Args:
        listen: one address or several: "127.0.0.1:8080", "[::]:80", "unix:run/front.sock", "udp:127.0.0.1:5353".
        backlog: connections that wait to be accepted; default: 1024.
        mode: of the files of unix addresses, such as "0660"; default: what the umask leaves.
        user: their owner.
        group: their group.
    """

    EXAMPLE: ClassVar[str] = '[socket.front] and below it listen = "127.0.0.1:8080"'

    listen: Annotated[tuple[str, ...], LISTEN]
    backlog: Annotated[int, Whole(1, 65535)] = 1024
    mode: Annotated[int, MODE] = -1
    user: Annotated[str, USER] = ""
    group: Annotated[str, GROUP] = ""


class SecretTable(Section):
    """A file that is read at launch, with the rights of the node, and handed to the service alone.

    Args:
        file: what is read at launch, by the spawner.
        as_: how the service gets it: as the text itself, the path of a copy, or the number of a descriptor.
    """

    EXAMPLE: ClassVar[str] = '{ file = "secrets/key", as = "file" }'

    file: Annotated[str, FILE]
    as_: Literal["environment", "file", "descriptor"] = "environment"


class Secrets(Variables):
    """A table of secrets by the variable that each ends in."""

    words = "a table"
    example = '{ KEY = { file = "secrets/key" } }'
    pattern = "^[A-Za-z_][A-Za-z0-9_]{0,200}$"
    hint = 'at most 201 letters, digits and "_", no digit first'

    def __init__(self) -> None:
        super().__init__(Nested(SecretTable))

    def is_name(self, name: str) -> bool:
        """Whether the spawner takes it."""
        return is_secret_name(name)

    def finish(self, value: Any) -> Any:
        """A dict of `SecretTable`s."""
        return {name: self.item.finish(table) for name, table in value.items()}


class ServiceTable(Section):
    """A service, or a task that runs to its end.

    Args:
        command: a list of words, or a string that is split as a shell would; no shell runs.
        directory: where it runs; default: the folder of the file, "/" for a dynamic uid.
        environment: its variables, which may use ${NAME} and ${NAME:-default}.
        environment_files: files of KEY=VALUE lines, relative to this file; what environment says goes before them.
        inherit_environment: variables that it has from the shell that started the node, where they are set there.
        secrets: files that the service alone gets, by the variable that says how.
        user: whom it runs as, in a node of root.
        sockets: names of sockets, passed from descriptor 3 on in this order.
        instances: how many (more than one are called NAME@1, NAME@2), or what they are called.
        port: ${INSTANCE_PORT} of the first instance; that of each that follows is one more.
        requires: services that must be ready, and tasks that must have finished well, before it starts.
        wants: services that are started too; if one of them fails, it starts anyway.
        after: services that it starts after, when they start at all.
        conflicts: services that do not run beside it: who is started stops the others.
        type: "task" runs to its end.
        ready: how it says that it can serve; default: it does once it is executed.
        alive: how it is found out, again and again, that it still does; default: not at all.
        watchdog: how long it may say nothing (WATCHDOG=1 to NOTIFY_SOCKET) before it is restarted; default: not at all.
        restart: when and how it is tried again.
        stop: how it is stopped.
        log: where its output goes.
        limits: what each instance may use at most.
        sandbox: what it is kept from.
        umask: the bits that its new files lack, such as "0027"; default: "0022".
        nice: its priority, 19 the last to get a processor, -20 the first; default: 0.
        oom_score: 1000 the first to be ended when the host has no memory left, -1000 never; default: the node's.
        timeout: of a task: how long it may take; default: as long as it likes.
        reload: what snowfox reload does; default: as snowfox restart.
        recycle: when an instance that is well is replaced by a fresh one.
        before_start: a command that runs before each start, which comes only when it ends well.
        after_ready: a command that runs once it is ready.
        before_stop: a command that runs before it is stopped, when it was ready.
        after_exit: a command that runs after each end of its process.
        essential: true: when it fails for good, the node stops in order and ends with its exit code.
        autostart: false waits for `snowfox start`.
        start: "on-demand" waits for the first connection or datagram at one of its sockets; default: "with-node".
        idle: how long one that is on demand runs without a connection before it is stopped; default: for ever.
        extends: the template that it has what it does not say itself from.
        description: what it is, for people.
        labels: names for patterns: @public.
        replace_: how a changed one takes the place of what runs; default: rolling where it has sockets. A table is
            rolling, too.
        was: the name that it had before, so that it is kept when it is renamed.
        schedule: when a task runs: cron fields, "@daily", "every 15m", or a table.
        override: what a second file of the same service does with the first.
    """

    EXAMPLE: ClassVar[str] = '[service.web] and below it command = "python3 app.py"'

    command: Annotated[tuple[str, ...], COMMAND]
    directory: Annotated[str, _Directory()] = ""
    environment: Annotated[dict[str, str], ENVIRONMENT] = {}  # noqa: RUF012 - a default value of a frozen field
    environment_files: Annotated[tuple[str, ...], Items(FILE)] = ()
    inherit_environment: Annotated[tuple[str, ...], Items(VARIABLE, most=MOST_INHERITED)] = ()
    secrets: Annotated[dict[str, SecretTable], Secrets()] = {}  # noqa: RUF012 - a default value of a frozen field
    user: Annotated[str, USER] = ""
    sockets: Annotated[tuple[str, ...], NAMES] = ()
    instances: Annotated[int | tuple[str, ...], _Instances(1, MOST_INSTANCES)] = 1
    port: Annotated[int, Whole(1, 65535)] = 0
    requires: Annotated[tuple[Required, ...], Items(Requirement())] = ()
    wants: Annotated[tuple[str, ...], NAMES] = ()
    after: Annotated[tuple[str, ...], NAMES] = ()
    conflicts: Annotated[tuple[str, ...], NAMES] = ()
    type: Literal["service", "task"] = "service"
    ready: Ready = Ready()
    alive: Alive = Alive()
    watchdog: Annotated[Seconds, AT_LEAST] | None = None
    restart: Restart = Restart()
    stop: Stop = Stop()
    log: Log = Log()
    limits: Limits = Limits()
    sandbox: Sandbox = Sandbox()
    umask: Annotated[int, UMASK] = 0o022
    nice: Annotated[int, Whole(-20, 19)] = 0
    oom_score: Annotated[int, Whole(-1000, 1000)] | None = None
    timeout: Annotated[Seconds, DURATION] | None = None
    essential: bool = False
    reload: Reload | None = None
    recycle: Recycle | None = None
    before_start: Annotated[Hook, HOOK] | None = None
    after_ready: Annotated[Hook, HOOK] | None = None
    before_stop: Annotated[Hook, HOOK] | None = None
    after_exit: Annotated[Hook, HOOK] | None = None
    autostart: bool = True
    start: Literal["with-node", "on-demand"] = "with-node"
    idle: Annotated[Seconds, DURATION] = 0.0
    extends: Annotated[str, TEMPLATE] | None = None
    description: str = ""
    labels: Annotated[tuple[str, ...], NAMES] = ()
    replace_: Annotated[str | Rolling | None, _Replacement()] = None
    was: Annotated[str, NAME] = ""
    schedule: Annotated[Schedule, Schedules()] = Schedule()
    override: Literal["merge", "replace"] | None = None

    @classmethod
    def advise(cls, value: Any, path: Path) -> str:
        """`[service.shop.web]` was meant to be one name."""
        if len(path) == 3 and is_table(value) and "command" in value:
            return f'a dotted name is quoted: [service."{path[1]}.{path[2]}"]'
        return ""

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """With a command that may also be that of a template, or of the file that this one adds to."""
        whole = super().schema()
        if whole.pop("required", None) is None:
            return whole
        return whole | {"anyOf": [{"required": [key]} for key in ("command", "extends", "override")]}


class TemplateTable(ServiceTable):
    """What services have that say `extends = "NAME"`; nothing in it must be written."""

    EXAMPLE: ClassVar[str] = '[template.python] and below it user = "shop"'
    LEFT_OUT: ClassVar[frozenset[str]] = frozenset({"description", "override", "was"})

    @classmethod
    def keys(cls) -> dict[str, Key]:
        """Those of a service, but for `LEFT_OUT`."""
        keys = super().keys()
        return {
            name: key._replace(is_required=False) for name, key in keys.items() if name not in cls.LEFT_OUT
        }

    @classmethod
    def advise(cls, value: Any, path: Path) -> str:
        """A key of services that cannot be here."""
        return "this is for a service of its own" if path[-1] in cls.LEFT_OUT else super().advise(value, path)


class DefaultsTable(TemplateTable):
    """What all services have, unless they or their templates say otherwise."""

    EXAMPLE: ClassVar[str] = "[defaults] and below it log = { keep = 5 }"
    LEFT_OUT: ClassVar[frozenset[str]] = frozenset(
        {
            *TemplateTable.LEFT_OUT,
            "command",
            "sockets",
            "instances",
            "port",
            "requires",
            "wants",
            "after",
            "conflicts",
            "type",
            "timeout",
            "extends",
            "start",
            "idle",
            "schedule",
        }
    )
