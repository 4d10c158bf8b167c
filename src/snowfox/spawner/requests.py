"""The table of what the manager may ask: name, argument types (by the interface), check, handler. There is nothing else.

A check ends in one of three ways. It is fine; or the request is *malformed*, which a manager of ours never sends:
ProtocolError, and the session ends; or policy does not allow it: NotPermitted with the line that would, recorded in the
log (which the manager cannot erase), counted, and the session goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from errno import ENAMETOOLONG
from posixpath import normpath
from typing import Any, Final

from snowfox.contract.record import is_note, is_token, subject_of
from snowfox.contract.spawner import Launch, ListenSpec, Refusal, Secret, Spawner
from snowfox.core import log
from snowfox.core.clock import Clock
from snowfox.core.named import NamedTuple
from snowfox.core.posix.address import parse
from snowfox.core.posix.api import Posix
from snowfox.errors import HostError, NotPermitted, ProtocolError, SnowFoxError, UserError, errno_text
from snowfox.spawner.accounts import Accounts
from snowfox.spawner.confining import Confining, malformed
from snowfox.spawner.events import (
    Caller,
    Event,
    FollowAsked,
    ForgetAsked,
    InventoryAsked,
    KillAsked,
    LaunchAsked,
    SignalAllAsked,
    SignalAsked,
)
from snowfox.spawner.in_force import InForce
from snowfox.spawner.knocks import Knocks
from snowfox.spawner.launch import FIRST, LIMITS
from snowfox.spawner.policy import Account, Policy
from snowfox.spawner.ports import Holder, Ports
from snowfox.spawner.rate import Bucket
from snowfox.spawner.reach import Judge, folder_problem, program_problem
from snowfox.spawner.secret import ENVIRONMENT, FORMS, Secrets
from snowfox.spawner.socket_file import SOCKET_MODE, Look
from snowfox.values import LONGEST_PATH, MOST_SECRETS, MOST_SOCKETS, is_secret_name, is_socket_key

MOST_VERIFIED: Final = 200
"""Launches, and further users of them, that one `verify` takes."""

_LAST: Final = 63
_LONGEST_NOTIFY: Final = 107
MOST_TOKENS: Final = 10_000
"""Tokens that one request takes."""

Reached = dict[tuple[str, str, str], Judge]
"""By a folder, a program in it, a PATH: who was found to reach them."""

LONGEST_USER: Final = 256
"""Characters of a user's name: LOGIN_NAME_MAX of limits.h."""

_LAUNCHES: Final = (5000, 500.0)  # a burst as large as a node, then 500 a second
_REFUSALS: Final = (200, 5.0)
_RECORDED: Final = 500  # characters of a refusal's text, which the manager worded in part

_log = log.get("spawner")


class Replied(NamedTuple):
    """The answer of a request that touches no launch. `opened`, `closed`: keys that the daemon is told of."""

    value: object
    opened: str | None = None
    closed: str | None = None


class Desk(NamedTuple):
    """What requests are checked against and carried out with."""

    posix: Posix
    clock: Clock
    rules: InForce
    accounts: Accounts
    ports: Ports
    knocks: Knocks
    secrets: Secrets
    confining: Confining
    holders: Callable[[str], Iterable[Holder]]
    launches: Bucket
    refusals: Bucket

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.rules.policy


class Row(NamedTuple):
    """One request.

    Args:
        check: raises ProtocolError when malformed, NotPermitted (or another error) when it may not be.
        handle: what comes of it: an event for the core, or an answer; raises when it may not be after all.
    """

    check: Callable[..., None]
    handle: Callable[..., Event | Replied]


def desk(
    posix: Posix,
    clock: Clock,
    *,
    confining: Confining,
    rules: InForce,
    knocks: Knocks,
    holders: Callable[[str], Iterable[Holder]],
) -> Desk:
    """A desk with full buckets."""
    now = clock.now()
    accounts = Accounts(posix, clock)
    secrets = Secrets(posix, rules)
    buckets = Bucket(*_LAUNCHES, now), Bucket(*_REFUSALS, now)
    ports = knocks.ports
    return Desk(posix, clock, rules, accounts, ports, knocks, secrets, confining, holders, *buckets)


def handle(desk: Desk, caller: Caller, method: str, arguments: tuple[Any, ...]) -> Event | Replied:
    """Check a request by its row and make an event or an answer of it.

    Raises ProtocolError when the session has to end, any other error of the tree as the answer.
    """
    row = TABLE.get(method)
    if row is None:
        raise ProtocolError(f"no request {method}")
    try:
        row.check(desk, *arguments)
        return row.handle(desk, caller, *arguments)
    except NotPermitted as refused:
        record_refusal(desk, method, refused)
        raise


def record_refusal(desk: Desk, method: str, refused: SnowFoxError) -> None:
    """Log it, unless there are too many: a manager that has gone mad cannot fill the disk."""
    if desk.refusals.take(desk.clock.now()):
        why, advice = str(refused)[:_RECORDED], refused.hint[:_RECORDED]
        _log.warning("refused", request=method, why=why, advice=advice)


def account_of(desk: Desk, launch: Launch) -> Account:
    """Who a launch runs as. Raises UserError (no such user), NotPermitted."""
    action = f"launch {subject_of(launch.token)}"
    try:
        account = desk.accounts.find(launch.user)
    except UserError as error:
        raise UserError(f"cannot {action}: {error}", error.hint) from error
    refused = desk.policy.user_refused(account, action)
    if refused is not None:
        raise refused
    return account


def _check_launch(desk: Desk, launch: Launch) -> None:
    _well_formed(launch)
    desk.rules.look(desk.clock.now())


def _launch(desk: Desk, caller: Caller, launch: Launch) -> Event:
    """Raises what speaks against the account or what it is to get, judged once: it is launched as who was judged."""
    account = account_of(desk, launch)
    for refused in (*desk.secrets.refusals(launch, account), *desk.confining.refusals(launch, account)):
        raise refused
    if not desk.launches.take(desk.clock.now()):
        raise HostError(
            f"cannot launch {subject_of(launch.token)}: too many launches at once", "try again in a second"
        )
    return LaunchAsked(caller, launch, account)


def _well_formed(launch: Launch) -> None:
    """What the interface's types do not say. Raises ProtocolError."""
    _token(launch.token)
    texts = (
        launch.program,
        launch.folder,
        *launch.arguments,
        *launch.environment,
        *launch.environment.values(),
    )
    _require("\0" not in "".join(texts), "a text with a zero byte")
    _user(launch.user)
    _require(bool(launch.program and launch.arguments), "a launch without a program")
    _require(launch.folder.startswith("/"), "a folder that is not absolute")
    names = launch.environment
    _require("" not in names and "=" not in "".join(names), "a variable without a proper name")
    _require(len(launch.sockets) == len(launch.socket_names), "sockets without names")
    _require(len(launch.sockets) <= MOST_SOCKETS, "too many sockets")
    _require(all(map(is_socket_key, launch.sockets)), "a socket's key")
    _require(not any(":" in name or "\0" in name for name in launch.socket_names), "a socket's name")
    _require(0 <= launch.umask <= 0o777, "a umask")
    _require(is_note(launch.note), "a note")
    _require(launch.ready < 0 or _is_place(launch), "a descriptor for readiness")
    _require(len(launch.secrets) <= MOST_SECRETS, "too many secrets")
    _require(len(launch.sockets) + len(launch.secrets) <= MOST_SOCKETS, "too many descriptors")
    _require(len({secret.name for secret in launch.secrets}) == len(launch.secrets), "a secret given twice")
    _require(all(map(_is_secret, launch.secrets)), "a secret")
    if launch.confinement is not None:
        wrong = malformed(launch.confinement)
        _require(not wrong, wrong)
    _require(
        all(name in LIMITS and -1 <= value < 1 << 63 for name, value in launch.limits.items()), "a limit"
    )


def _is_place(launch: Launch) -> bool:
    """Behind all that it gets besides, and not anywhere; heard by an abstract address, which nobody needs rights for."""
    passed = len(launch.sockets) + sum(secret.form != ENVIRONMENT for secret in launch.secrets)
    is_address = (
        launch.notify.startswith("@")
        and launch.notify.isprintable()
        and len(launch.notify) <= _LONGEST_NOTIFY
    )
    return FIRST + passed <= launch.ready <= _LAST and is_address


def _is_secret(secret: Secret) -> bool:
    return (
        is_secret_name(secret.name)
        and secret.file.startswith("/")
        and not secret.file.startswith("//")
        and normpath(secret.file) == secret.file
        and "\0" not in secret.file
        and len(secret.file) <= LONGEST_PATH
        and secret.form in FORMS
    )


def _check_signal(_desk: Desk, token: str, number: int) -> None:
    _token(token)
    _require(1 <= number <= 64, "a signal's number")


def _signal(_desk: Desk, caller: Caller, token: str, number: int) -> Event:
    return SignalAsked(caller, token, number)


def _check_follow(_desk: Desk, token: str, pid: int) -> None:
    _token(token)
    _require(0 <= pid < 1 << 31, "a pid")


def _follow(_desk: Desk, caller: Caller, token: str, pid: int) -> Event:
    return FollowAsked(caller, token, pid)


def _check_signal_all(desk: Desk, tokens: list[str], number: int) -> None:
    _check_tokens(desk, tokens)
    _require(1 <= number <= 64, "a signal's number")


def _signal_all(_desk: Desk, caller: Caller, tokens: list[str], number: int) -> Event:
    return SignalAllAsked(caller, tuple(tokens), number)


def _kill(_desk: Desk, caller: Caller, tokens: list[str]) -> Event:
    return KillAsked(caller, tuple(tokens))


def _check_open(desk: Desk, spec: ListenSpec) -> None:
    _require(is_socket_key(spec.key) and spec.key.partition("=")[2] == spec.address, "a socket's key")
    _require(1 <= spec.backlog <= 65535, "a backlog")
    try:
        address = parse(spec.address)
    except ValueError as error:
        raise ProtocolError(str(error)) from error
    desk.rules.look()
    action = _opening(spec)
    _require(-1 <= spec.mode <= 0o777, "a mode")
    _require(len(spec.user) <= LONGEST_USER and len(spec.group) <= LONGEST_USER, "an owner")
    _require("\0" not in spec.user + spec.group, "an owner")
    if not address.is_unix or address.is_abstract:
        _require(spec.mode == -1 and not spec.user and not spec.group, "an owner of what has no file")
    if not address.is_unix:
        refused = desk.policy.port_refused(address.port, action)
    elif address.is_abstract:
        refused = None  # a name without a file, that anyone may take
    else:
        _require(address.path.startswith("/"), "a path that is not absolute")
        refused = desk.policy.folder_refused(address.path, action)
    if refused is not None:
        raise refused
    if spec.key not in desk.ports and len(desk.ports) >= MOST_SOCKETS:
        is_open = len(desk.ports.all())
        reserved = len(desk.ports) - is_open
        raise HostError(
            f"cannot {action}: {MOST_SOCKETS} sockets are the most, {is_open} are open and {reserved} reserved",
            "those that go are open until the change is done: take them out in an apply of its own first",
        )


def _opening(spec: ListenSpec) -> str:
    return f"open {spec.address} for socket {spec.key.partition('=')[0]}"


def _look(desk: Desk, spec: ListenSpec) -> Look:
    """How its file is to look. Raises UserError (no such user or group), NotPermitted."""
    mode = SOCKET_MODE if spec.mode == -1 else spec.mode
    uid = gid = -1
    action = _opening(spec)
    if spec.user:
        try:
            account = desk.accounts.find(spec.user)
        except UserError as error:
            raise UserError(f"cannot {action}: {error}", error.hint) from error
        uid, gid = account.ids.uid, account.ids.gid
        refused = None if uid == desk.policy.own else desk.policy.user_refused(account, action)
        if refused is not None:
            raise refused
    if spec.group:
        found = desk.posix.users.group_id(spec.group)
        if found is None:
            raise UserError(f"cannot {action}: no group {spec.group}", "getent group lists them")
        gid = found
    return Look(mode, uid, gid)


def _open(desk: Desk, _caller: Caller, spec: ListenSpec) -> Replied:
    is_new = desk.ports.get(spec.key) is None
    desk.ports.open(spec.key, spec.backlog, desk.holders(spec.key), look=_look(desk, spec))
    return Replied(desk.ports.listening(spec.key), opened=spec.key if is_new else None)


def _reserve(desk: Desk, _caller: Caller, spec: ListenSpec) -> Replied:
    was_open = desk.ports.get(spec.key) is not None
    desk.ports.reserve(spec.key, desk.holders(spec.key), look=_look(desk, spec))
    is_new = not was_open and desk.ports.get(spec.key) is not None  # found in a service
    return Replied(desk.ports.listening(spec.key), opened=spec.key if is_new else None)


def _check_key(_desk: Desk, key: str) -> None:
    _require(is_socket_key(key), "a socket's key")


def _close(desk: Desk, _caller: Caller, key: str) -> Replied:
    was_open = desk.ports.get(key) is not None
    desk.knocks.forget(key)
    desk.ports.close(key)
    return Replied(None, closed=key if was_open else None)


def _check_nothing(_desk: Desk) -> None:
    """It says nothing that could be wrong."""


def _sockets(desk: Desk, _caller: Caller) -> Replied:
    return Replied(desk.ports.listings())


def _check_keys(_desk: Desk, keys: list[str]) -> None:
    _require(len(keys) <= MOST_SOCKETS, "too many sockets")
    _require(all(map(is_socket_key, keys)), "a socket's key")


def _watch(desk: Desk, _caller: Caller, keys: list[str]) -> Replied:
    desk.knocks.watch(keys)
    return Replied(None)


def _stirred(desk: Desk, _caller: Caller, keys: list[str]) -> Replied:
    return Replied(desk.knocks.stirred(keys))


def _check_verify(desk: Desk, launches: list[Launch], users: dict[str, list[str]]) -> None:
    _require(len(launches) + sum(map(len, users.values())) <= MOST_VERIFIED, "too many launches")
    for launch in launches:
        _well_formed(launch)
    for names in users.values():
        for user in names:
            _user(user)
    desk.rules.look()


def _verify(desk: Desk, _caller: Caller, launches: list[Launch], users: dict[str, list[str]]) -> Replied:
    reached: Reached = {}
    refusals: list[Refusal] = []
    for launch in launches:
        refusals += _refusals(desk, launch, reached)
        for user in users.get(launch.token, ()):
            refusals += _refusals(desk, launch._replace(user=user, sockets=[], limits={}), reached)
    problem = desk.rules.problem
    if problem is not None and launches:
        refusals.insert(0, Refusal(launches[0].token, str(problem), problem.hint))
    return Replied(refusals)


def _refusals(desk: Desk, launch: Launch, reached: Reached) -> list[Refusal]:
    """All that speaks against a launch, as lines that name its instance.

    `reached` is what was found out about others of the same request: most instances have folder and program in common.
    """
    refusals: list[Refusal] = []
    problems: list[str] = []
    try:
        account = account_of(desk, launch)
    except (UserError, NotPermitted) as error:
        refusals.append(Refusal(launch.token, str(error), error.hint))
    else:
        problems += _way_problems(desk, launch, account, reached)
        refusals += [
            Refusal(launch.token, str(error), error.hint)
            for refused in (desk.secrets.refusals(launch, account), desk.confining.refusals(launch, account))
            for error in refused
        ]
    problems += [
        f"socket {key} is neither open nor reserved" for key in launch.sockets if key not in desk.ports
    ]
    action = f"cannot launch {subject_of(launch.token)}: "
    return [*refusals, *(Refusal(launch.token, action + problem, "") for problem in problems)]


def _way_problems(desk: Desk, launch: Launch, account: Account, reached: Reached) -> list[str]:
    """Of folder and program. A program that is looked for from the folder would only repeat what is wrong with that."""
    folder, program, path = way = (launch.folder, launch.program, launch.environment.get("PATH", ""))
    for long in (folder, program):  # the kernel takes no longer ones, and to follow them takes long
        if len(long) > LONGEST_PATH:
            return [f"{long[:40]}…: {errno_text(ENAMETOOLONG)}"]
    if way in reached and reached[way].holds_for(account.ids):
        return []
    judge, who = Judge(account.ids), account.name
    of_folder = folder_problem(desk.posix, folder, judge, who)
    if of_folder is not None and "/" in program and not program.startswith("/"):
        return [of_folder]
    of_program = program_problem(desk.posix, program, judge, user=who, path=path, folder=folder)
    problems = [problem for problem in (of_folder, of_program) if problem is not None]
    if not problems:
        reached[way] = judge
    return problems


def _check_inventory(_desk: Desk, after: str) -> None:
    _require(not after or is_token(after), "a token")


def _inventory(_desk: Desk, caller: Caller, after: str) -> Event:
    return InventoryAsked(caller, after)


def _forget(_desk: Desk, caller: Caller, tokens: list[str]) -> Event:
    return ForgetAsked(caller, tuple(tokens))


def _user(name: str) -> None:
    _require(len(name) <= LONGEST_USER and "\0" not in name, "a user's name")


def _check_tokens(_desk: Desk, tokens: list[str]) -> None:
    _require(len(tokens) <= MOST_TOKENS, "too many tokens")
    for token in tokens:
        _token(token)


def _token(token: str) -> None:
    _require(is_token(token), "a token")


def _require(holds: bool, what: str) -> None:  # noqa: FBT001 - a condition
    if not holds:
        raise ProtocolError(f"malformed request: {what}")


TABLE: Final[dict[str, Row]] = {
    Spawner.launch.full_name: Row(_check_launch, _launch),
    Spawner.signal.full_name: Row(_check_signal, _signal),
    Spawner.signal_all.full_name: Row(_check_signal_all, _signal_all),
    Spawner.follow.full_name: Row(_check_follow, _follow),
    Spawner.kill.full_name: Row(_check_tokens, _kill),
    Spawner.open_socket.full_name: Row(_check_open, _open),
    Spawner.reserve.full_name: Row(_check_open, _reserve),
    Spawner.close_socket.full_name: Row(_check_key, _close),
    Spawner.sockets.full_name: Row(_check_nothing, _sockets),
    Spawner.watch_sockets.full_name: Row(_check_keys, _watch),
    Spawner.stirred.full_name: Row(_check_keys, _stirred),
    Spawner.verify.full_name: Row(_check_verify, _verify),
    Spawner.inventory.full_name: Row(_check_inventory, _inventory),
    Spawner.forget.full_name: Row(_check_tokens, _forget),
}
"""All requests of the manager. A test compares it with the interface."""
