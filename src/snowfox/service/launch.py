"""From a service to what is launched for one of its instances: pure, with everything about the host given in.

The environment is clean. It holds `HOME USER LOGNAME SHELL LANG PATH`, what `inherit_environment` names of that of the
shell which started the node, what `environment` says, and `NOTIFY_SOCKET` where `ready.notify` or `watchdog` asks for it
(with `WATCHDOG_USEC`); LISTEN_* are added by whoever launches, which alone knows the pid. `SERVICE`, `INSTANCE`,
`INSTANCE_PORT`, `NODE` and `SOCKET_<NAME>_PORT` are there to be filled in (`${INSTANCE}`) and are not put into the
environment: what a service sees is what is written. What is written goes before what is there by itself, and may use
it: `PATH = "/opt/shop/bin:${PATH}"`.
"""

from __future__ import annotations

from collections.abc import Callable
from posixpath import normpath
from typing import Final, TypeVar

from snowfox.core.config.digest import digest
from snowfox.core.frozen import Frozen
from snowfox.core.posix.address import parse as parse_address
from snowfox.core.posix.api import User
from snowfox.errors import UserError
from snowfox.service.confinement import Sandbox
from snowfox.service.filling import LONGEST, TooLong, fill
from snowfox.service.spec import Alive, Configuration, Ready, Secret, Service, Socket
from snowfox.values import LONGEST_PATH, SERVICE_UIDS

SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""PATH of a service in a node run by root."""

_BASE: Final = ("HOME", "USER", "LOGNAME", "SHELL", "LANG", "PATH")
_ALWAYS: Final = ("SERVICE", "INSTANCE", "NODE")
_DEEPEST: Final = 50
P = TypeVar("P", Ready, Alive)


class Node(Frozen):
    """What a launch needs to know about the node.

    Args:
        name: of the node.
        uid: that services run as, where it is not root's.
        user: its name; digits where it has none.
        is_root: whether it can become another user.
        path: PATH of its services; "" for the fixed one.
        notify: address for readiness, as in NOTIFY_SOCKET.
        addresses: by socket key, the address that it really has (port 0 filled in).
        dynamic: uids by service, from `dynamic_uids`.
        shell: of the shell that started the node, variables that services ask for, where they are set.
    """

    name: str
    uid: int
    user: str
    is_root: bool
    path: str = ""
    notify: str = ""
    addresses: dict[str, str] = {}  # noqa: RUF012 - a frozen value's default
    dynamic: dict[str, int] = {}  # noqa: RUF012 - a frozen value's default
    shell: dict[str, str] = {}  # noqa: RUF012 - a frozen value's default


class RunAs(Frozen):
    """Who a service runs as, before the user database was asked: a `name`, else a `uid`.

    A dynamic one has no entry; it is never asked for.
    """

    uid: int = -1
    name: str = ""
    is_dynamic: bool = False


class LaunchPlan(Frozen):
    """All that is known of a launch but its token.

    Args:
        instance: the id, `web@1`.
        program: to execute; without a `/` it is looked for in PATH.
        arguments: argv, its first included.
        environment: all of it, but LISTEN_*.
        folder: absolute.
        user: as `contract.spawner.Launch` takes it: a name, digits of a dynamic uid, or "" for the node's own.
        sockets: keys, `NAME=ADDRESS`, in the order of their descriptors.
        socket_names: as many names, for LISTEN_FDNAMES.
        ready: with everything filled in.
        secrets: their files absolute, with everything filled in.
        alive: with everything filled in.
        service: whose limits, umask, nice and score it has.
        sandbox: its paths absolute, with everything filled in.
    """

    instance: str
    program: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    folder: str
    user: str
    sockets: tuple[str, ...]
    socket_names: tuple[str, ...]
    ready: Ready
    secrets: tuple[Secret, ...]
    alive: Alive
    service: Service
    sandbox: Sandbox


def socket_keys(socket: Socket) -> tuple[str, ...]:
    """The keys of a socket's listeners, one for each address: `NAME=ADDRESS`."""
    return tuple(f"{socket.name}={address}" for address in socket.listen)


def port_name(socket: str) -> str:
    """`SOCKET_FRONT_PORT` of `front`; what no variable may hold becomes `_`."""
    letters = "".join(letter if letter.isalnum() else "_" for letter in socket)
    return f"SOCKET_{letters.upper()}_PORT"


def own_names(service: Service) -> frozenset[str]:
    """Names that are there without being written, but for ports."""
    notify = ("NOTIFY_SOCKET",) if service.is_heard else ()
    watchdog = ("WATCHDOG_USEC",) if service.watchdog else ()
    port = ("INSTANCE_PORT",) if service.port else ()
    return frozenset((*_BASE, *_ALWAYS, *notify, *watchdog, *port, *service.inherit_environment))


def dynamic_uids(configuration: Configuration, taken: frozenset[int]) -> dict[str, int]:
    """A uid of its own for each service that may need one: the same each time, as long as nobody gets in its way.

    Args:
        configuration: its folder and the services' names decide.
        taken: uids of the range that belong to others (the manager's, entries of the user database).

    Raises UserError when the range is used up.
    """
    uids: dict[str, int] = {}
    used = set(taken)
    count = len(SERVICE_UIDS)
    for name in sorted(
        name for name, service in configuration.services.items() if not service.user and not service.owner
    ):
        first = int(digest((configuration.folder.encode(), name.encode()))[:12], 16) % count
        for step in range(count):
            uid = SERVICE_UIDS[(first + step) % count]
            if uid not in used:
                used.add(uid)
                uids[name] = uid
                break
        else:
            msg = f"cannot find a user for service {name}: all uids of {SERVICE_UIDS[0]}-{SERVICE_UIDS[-1]} are in use"
            raise UserError(msg, f'write user = "…" in [service.{name}]')
    return uids


def run_as(service: Service, node: Node) -> RunAs:
    """Who the service runs as. Raises UserError when this node cannot become that user."""
    if not node.is_root:
        if service.user not in ("", node.user):
            msg = f"cannot run service {service.name} as {service.user}: this node is run by {node.user}, who can be no one else"
            raise UserError(msg, "leave user out, or start the node as root")
        return RunAs(uid=node.uid)
    if service.user:
        return RunAs(name=service.user)
    if service.owner:
        return RunAs(uid=service.owner)
    return RunAs(uid=node.dynamic[service.name], is_dynamic=True)


def plan(
    configuration: Configuration, service: Service, number: int, *, node: Node, user: User | None
) -> LaunchPlan:
    """What to launch for instance `number` (from 1) of a service.

    Args:
        configuration: which the service is part of.
        service: from it.
        number: of the instance: its place among all.
        node: facts about the node.
        user: the entry of the user database for `run_as`; None when there is none.

    Raises UserError when that user cannot be, a name to fill in is not set, or what is filled in cannot be launched.
    """
    who = run_as(service, node)
    ids = service.ids()
    instance = ids[number - 1]
    names = _names(configuration, service, number, node)
    entry = _entry(service, who, user)
    environment = _environment(service, instance, names, node, entry)
    known = {**names, **environment}

    def filled(text: str) -> str:
        return _filled(text, known, instance) if "${" in text else text

    words = [filled(word) for word in service.command]
    folder = service.folder or configuration.folder
    if "/" in words[0]:
        words[0] = _in_folder(folder, words[0])
    home = "/" if who.is_dynamic else folder
    sockets = [configuration.sockets[name] for name in service.sockets]
    ready, alive = _probe(service.ready, filled), _probe(service.alive, filled)
    secrets = tuple(
        secret.replace(file=_normal(_in_folder(folder, filled(secret.file)))) for secret in service.secrets
    )
    if any(command and not command[0] for command in (words, ready.command, alive.command)):
        raise UserError(f"cannot launch {instance}: the command begins with an empty word")
    if any(len(secret.file) > LONGEST_PATH for secret in secrets):
        raise UserError(f"cannot launch {instance}: the path of a secret is too long")
    # In the order of the fields: that is half the time of naming them.
    return LaunchPlan(
        instance,
        words[0],
        tuple(words),
        environment,
        _in_folder(folder, filled(service.directory)) if service.directory else home,
        _user(service, who, entry) if node.is_root else "",
        tuple(key for socket in sockets for key in socket_keys(socket)),
        tuple(socket.name for socket in sockets for _ in socket.listen),
        ready,
        secrets,
        alive,
        service,
        _sandbox(service, lambda path: _normal(_in_folder(folder, filled(path))), instance),
    )


def _probe(probe: P, filled: Callable[[str], str]) -> P:
    if not probe.is_probed:
        return probe
    return probe.replace(
        tcp=filled(probe.tcp) if probe.tcp else None,
        http=filled(probe.http) if probe.http else None,
        unix=filled(probe.unix) if probe.unix else None,
        command=tuple(filled(word) for word in probe.command),
    )


def _sandbox(service: Service, absolute: Callable[[str], str], instance: str) -> Sandbox:
    sandbox = service.sandbox
    if not (sandbox.read_only or sandbox.writable):
        return sandbox
    read_only, writable = (tuple(map(absolute, paths)) for paths in (sandbox.read_only, sandbox.writable))
    for path in (*read_only, *writable):
        if len(path) > LONGEST_PATH or not path.isprintable():
            why = "is too long" if len(path) > LONGEST_PATH else "holds characters that cannot be shown"
            raise UserError(f"cannot launch {instance}: a path of its sandbox {why}")
    return sandbox.replace(read_only=read_only, writable=writable)


def _entry(service: Service, who: RunAs, user: User | None) -> User:
    if user is not None and not who.is_dynamic:
        return user
    if who.name:
        msg = f"cannot run service {service.name} as {who.name}: there is no such user"
        raise UserError(msg)
    return User(str(who.uid), who.uid, who.uid, "/", "/bin/sh")


def _user(service: Service, who: RunAs, entry: User) -> str:
    if not who.is_dynamic and not who.name and entry.name == str(who.uid):
        msg = f"cannot run service {service.name}: its file belongs to uid {who.uid}, which has no name"
        raise UserError(msg, 'write user = "…"')
    return entry.name


def _names(configuration: Configuration, service: Service, number: int, node: Node) -> dict[str, str]:
    names = {"SERVICE": service.name, "INSTANCE": service.suffixes()[number - 1], "NODE": node.name}
    if service.port:
        names["INSTANCE_PORT"] = str(service.port + number - 1)
    for socket in configuration.sockets.values():
        for key, listen in zip(socket_keys(socket), socket.listen, strict=True):
            address = parse_address(node.addresses.get(key, listen))
            if not address.is_unix:
                names.setdefault(port_name(socket.name), str(address.port))
    return names


def _environment(
    service: Service, instance: str, names: dict[str, str], node: Node, user: User
) -> dict[str, str]:
    base = {
        "HOME": user.home or "/",
        "USER": user.name,
        "LOGNAME": user.name,
        "SHELL": user.shell or "/bin/sh",
        "LANG": "C.UTF-8",
        "PATH": node.path or SYSTEM_PATH,
        **{name: node.shell[name] for name in service.inherit_environment if name in node.shell},
    }
    ours = {"NOTIFY_SOCKET": node.notify} if service.is_heard and node.notify else {}
    if service.watchdog:
        ours["WATCHDOG_USEC"] = str(round(service.watchdog * 1e6))
    written = service.environment
    if not any("${" in text for text in written.values()):
        return {**base, **written, **ours}
    known = {**names, **base, **ours}
    done: dict[str, str] = {}

    def value(name: str, under_way: tuple[str, ...]) -> str:
        if name in done:
            return done[name]
        if name not in written or name in under_way:
            return known[name]
        if len(under_way) >= _DEEPEST:
            msg = (
                f"cannot launch {instance}: {name} is made of more than {_DEEPEST} variables, one in another"
            )
            raise UserError(msg)
        done[name] = fill(written[name], lambda other: value(other, (*under_way, name)))
        return done[name]

    try:
        return {**base, **{name: value(name, ()) for name in written}, **ours}
    except KeyError as missing:
        raise _not_set(missing, instance) from None
    except TooLong as error:
        raise _too_long(instance) from error


def _filled(text: str, known: dict[str, str], instance: str) -> str:
    try:
        return fill(text, known.__getitem__)
    except KeyError as missing:
        raise _not_set(missing, instance) from None
    except TooLong as error:
        raise _too_long(instance) from error


def _too_long(instance: str) -> UserError:
    msg = f"cannot launch {instance}: what is filled in for ${{…}} has more than {LONGEST} characters"
    return UserError(msg, "the kernel takes no longer argument or variable")


def _not_set(missing: KeyError, instance: str) -> UserError:
    return UserError(f"cannot launch {instance}: ${{{missing.args[0]}}} is not set")


def _in_folder(folder: str, path: str) -> str:
    if path.startswith("/"):
        return path
    path = path.removeprefix("./")
    return folder if path in ("", ".") else f"{folder.rstrip('/')}/{path}"


def _normal(path: str) -> str:
    """Without `..` and doubled slashes: the spawner judges by the path."""
    return "/" + normpath(path).lstrip("/")
