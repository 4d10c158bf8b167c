"""From the configuration in force to requests for the spawner: sockets, launches, helpers."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Final

from snowfox.contract.record import BESIDE
from snowfox.contract.spawner import Confinement, Launch, ListenSpec, Secret
from snowfox.core.config.digest import digest
from snowfox.core.ids import LENGTH
from snowfox.core.posix.address import parse
from snowfox.core.posix.api import User, Users
from snowfox.errors import UserError
from snowfox.service.beside import Beside, hooks
from snowfox.service.confinement import Limits, Sandbox
from snowfox.service.launch import LaunchPlan, Node, dynamic_uids, plan, run_as, socket_keys
from snowfox.service.renewal import Recycle
from snowfox.service.spec import Alive, Configuration, Log, Ready, Service, Socket
from snowfox.values import SERVICE_UIDS, Seconds

_LEAST_SIZE: Final = 1024
_NO_ID: Final = "0" * LENGTH
_FREE: Final = Confinement()


def listen_specs(configuration: Configuration) -> list[ListenSpec]:
    """All listening sockets of a configuration."""
    return [spec for socket in configuration.sockets.values() for spec in specs_of(socket)]


def specs_of(socket: Socket) -> tuple[ListenSpec, ...]:
    """What to ask the spawner for, address by address."""
    return tuple(
        ListenSpec(key, address, socket.backlog, *_look(socket, address))
        for key, address in zip(socket_keys(socket), socket.listen, strict=True)
    )


def helper_uid(folder: str, users: Users, manager: int) -> int:
    """The uid of helpers that are nobody in particular: neither the manager's, a service's, nor one of the user database.

    Args:
        folder: of the configuration.
        users: the user database.
        manager: the manager's uid.
    """
    count = len(SERVICE_UIDS)
    first = int(digest((folder.encode(),))[:12], 16) % count
    uids = (SERVICE_UIDS[(first + step) % count] for step in range(count))
    return next(uid for uid in uids if uid != manager and users.by_uid(uid) is None)


def free_uids(configuration: Configuration, users: Users, manager: int) -> dict[str, int]:
    """Dynamic uids that nobody else has: manager, helpers, or an entry of the user database. Raises UserError."""
    taken = frozenset((manager, helper_uid(configuration.folder, users, manager)))
    while True:
        uids = dynamic_uids(configuration, taken)
        others = users.taken(uids.values())
        if not others:
            return uids
        taken |= others


def kept(service: Service) -> Log:
    """How each log of a service is kept: what all write at one time is at most half of the total."""
    log = service.log
    if not log.total:
        return log
    return log.replace(
        size=max(_LEAST_SIZE, min(log.size, log.total // (2 * len(service.ids()) * (1 + log.is_apart))))
    )


class Blueprints:
    """What to launch for each instance.

    What `prepare` makes (for verify) is used by the first launch and then dropped: making it takes less than a launch,
    keeping 1,000 of them takes megabytes.

    Args:
        configuration: in force.
        node: facts about the node.
        users: the user database.
    """

    def __init__(self, configuration: Configuration, node: Node, users: Users) -> None:
        self._configuration = configuration
        self._node = node
        self._users = users
        self._places: dict[str, tuple[Service, int]] = {
            instance: (service, number)
            for service in configuration.services.values()
            for number, instance in enumerate(service.ids(), 1)
        }
        self._entries: dict[str, User | None] = {}
        self._prepared: dict[str, Launch] = {}

    @property
    def addresses(self) -> dict[str, str]:
        """Of the sockets, by key: those that they really have."""
        return self._node.addresses

    def prepare(self, only: Container[str] | None = None) -> tuple[list[Launch], list[UserError]]:
        """Launches of all instances, and of what runs beside them, for verify; and why others cannot be made, once per service.

        Args:
            only: names of services; None is all.
        """
        launches: list[Launch] = []
        errors: dict[str, UserError] = {}
        for instance, (service, _) in self._places.items():
            if only is not None and service.name not in only:
                continue
            try:
                made = self._plan(instance)
            except UserError as error:
                errors.setdefault(service.name, error)
            else:
                self._prepared[instance] = launch = _launch(made, f"{instance}~{_NO_ID}")
                launches.append(launch)
                try:
                    launches += self._beside(instance, made)
                except UserError as error:
                    errors.setdefault(service.name, error)
        return launches, list(errors.values())

    def _beside(self, instance: str, made: LaunchPlan) -> Iterator[Launch]:
        """What runs beside an instance that is launched by this plan. Raises UserError."""
        for hook in hooks(made.service):
            yield self.hook(instance, hook, _NO_ID, {})
        for role, words in (("ready", made.ready.command), ("alive", made.alive.command)):
            if words:
                yield _helper(made, Beside(role, words), _NO_ID)

    def launch(self, instance: str, token: str, note: str = "") -> Launch:
        """What to launch for an instance; `note` is kept with it. Raises UserError."""
        launch = self._prepared.pop(instance, None)
        if launch is None:
            launch = self.sample(instance)
        descriptor = self._place(instance)[0].ready.descriptor
        if descriptor is None:
            return launch._replace(token=token, note=note)
        return launch._replace(token=token, note=note, ready=descriptor, notify=self._node.notify)

    def helper(self, instance: str, command: Beside, id: str) -> Launch:
        """A command beside an instance: as its user, in its folder and environment, without its sockets and output."""
        return _helper(self._plan(instance), command, id)

    def hook(self, instance: str, command: Beside, id: str, environment: Mapping[str, str]) -> Launch:
        """A command as of the instance itself, but for its sockets, with further variables. Raises UserError."""
        service, number = self._place(instance)
        hooked = service.replace(command=command.words)
        made = plan(self._configuration, hooked, number, node=self._node, user=self._entry(service))
        variables = {name: text for name, text in made.environment.items() if name != "NOTIFY_SOCKET"}
        bare = made.replace(sockets=(), socket_names=(), environment={**variables, **environment})
        return _launch(bare, f"{instance}{BESIDE}{command.role}~{id}")._replace(errors=False)

    def recycled(self) -> dict[str, Recycle]:
        """When instances are replaced by fresh ones, of those that ever are."""
        return {
            instance: service.recycle
            for instance, (service, _) in self._places.items()
            if service.recycle is not None
        }

    def command(self, instance: str) -> tuple[str, ...]:
        """Of its service, nothing filled in. Raises UserError."""
        return self._place(instance)[0].command

    def knows(self, instance: str) -> bool:
        """Whether it is of this configuration."""
        return instance in self._places

    def sample(self, instance: str) -> Launch:
        """As `launch`, to look at. Raises UserError."""
        return _launch(self._plan(instance), f"{instance}~{_NO_ID}")

    def ready(self, instance: str) -> Ready:
        """How its readiness is found out, everything filled in. Raises UserError."""
        return self._plan(instance).ready

    def alive(self, instance: str) -> Alive:
        """How it is found out that it is alive, everything filled in. Raises UserError."""
        return self._plan(instance).alive

    def watchdog(self, instance: str) -> Seconds:
        """Seconds after which its silence counts; 0 where it may be silent."""
        place = self._places.get(instance)
        return place[0].watchdog if place else 0.0

    def line(self, instance: str) -> str | None:
        """What a line of its output matches once it is ready; None where that is found out in another way."""
        place = self._places.get(instance)
        return place[0].ready.log if place else None

    def log(self, instance: str) -> Log:
        """Where its output goes; what is not of this configuration gets the defaults."""
        place = self._places.get(instance)
        return kept(place[0]) if place else Log()

    def _plan(self, instance: str) -> LaunchPlan:
        service, number = self._place(instance)
        return plan(self._configuration, service, number, node=self._node, user=self._entry(service))

    def _place(self, instance: str) -> tuple[Service, int]:
        place = self._places.get(instance)
        if place is None:
            msg = f"cannot launch {instance}: it is no longer in the configuration"
            raise UserError(msg)
        return place

    def _entry(self, service: Service) -> User | None:
        who = run_as(service, self._node)
        if who.is_dynamic:
            return None
        key = who.name or str(who.uid)
        if key not in self._entries:
            self._entries[key] = self._users.by_name(who.name) if who.name else self._users.by_uid(who.uid)
        return self._entries[key]


def _look(socket: Socket, address: str) -> tuple[int, str, str]:
    """Mode, user and group, of an address that has a file."""
    has_file = address.startswith("unix") and not parse(address).is_abstract
    return (socket.mode, socket.user, socket.group) if has_file else (-1, "", "")


def _helper(made: LaunchPlan, command: Beside, id: str) -> Launch:
    words = made.replace(program=command.words[0], arguments=command.words, sockets=(), socket_names=())
    return _launch(words, f"{made.instance}{BESIDE}{command.role}~{id}", output=False)


def _launch(made: LaunchPlan, token: str, *, output: bool = True) -> Launch:
    return Launch(
        token,
        made.program,
        list(made.arguments),
        made.environment,
        made.folder,
        made.user,
        list(made.sockets),
        list(made.socket_names),
        made.service.umask,
        _rlimits(made.service.limits),
        output=output,
        secrets=[Secret(secret.name, secret.file, secret.form) for secret in made.secrets],
        confinement=_confinement(made.service, made.sandbox),
        errors=output and made.service.log.is_apart,
    )


def _rlimits(limits: Limits) -> dict[str, int]:
    """Those that every process has for itself."""
    named = (("NOFILE", limits.files), ("CORE", limits.core))
    return {name: value for name, value in named if value is not None}


def _confinement(service: Service, sandbox: Sandbox) -> Confinement | None:
    limits = service.limits
    made = Confinement(
        limits.memory or 0,
        round((limits.cpu or 0) * 1000),
        limits.processes or 0,
        limits.io or 0,
        service.nice,
        service.oom_score,
        not sandbox.no_new_privileges,
        None if sandbox.capabilities is None else [*sandbox.capabilities],
        sandbox.private_tmp,
        [*sandbox.read_only],
        [*sandbox.writable],
    )
    return None if made == _FREE else made
