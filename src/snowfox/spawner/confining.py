"""What a launch is confined by: whether it is well formed, allowed and possible here, and the order that is made of it.

Who may launch programs as a user gives them, at most, what policy says beyond that user's rights: capabilities, a
place before others (a `nice` or a score below 0), programs that gain rights. Everything else only takes away.

Memory, processors, processes and io are bounded by control groups. Where this node has none of a kind, memory and
processes are bounded by limits of the single process and of its user; what cannot be bounded at all is refused, with
the reason, before anything starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from posixpath import commonpath, normpath
from typing import Final

from snowfox.contract.record import subject_of
from snowfox.contract.spawner import Confinement as Asked
from snowfox.contract.spawner import Launch
from snowfox.core.named import NamedTuple
from snowfox.core.posix import kernel_file
from snowfox.core.posix.api import Posix
from snowfox.errors import HostError, NotPermitted, SnowFoxError
from snowfox.spawner.groups import Groups
from snowfox.spawner.hierarchy import CPU, IO, MEMORY, PROCESSES
from snowfox.spawner.in_force import InForce
from snowfox.spawner.launch import FREE, Confinement, Limit
from snowfox.spawner.policy import Account
from snowfox.spawner.reach import Blocked, Judge, walk
from snowfox.values import CAPABILITIES, LONGEST_PATH, size_text

MOST_PATHS: Final = 64
"""Paths of one kind in one launch: what the launcher has room for."""

PRIVATE: Final = ("/tmp", "/var/tmp")  # noqa: S108 - it is those that are hidden
"""Folders that a process with a private /tmp has of its own."""

_LARGEST: Final = 1 << 50
_WRITTEN: Final[dict[str, tuple[str, str, Callable[[int], str]]]] = {
    "NOFILE": ("limits.files", "n", str),
    "CORE": ("limits.core", "c", size_text),
}
"""Limits of a process: how users write them and their values, and what a shell calls them."""
_SYS_ADMIN: Final = 1 << CAPABILITIES.index("SYS_ADMIN")
_SYS_RESOURCE: Final = 1 << CAPABILITIES.index("SYS_RESOURCE")
_USER_NAMESPACES: Final = (
    ("/proc/sys/user/max_user_namespaces", "0"),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0"),
    ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"),
)
_NO_LIMITS: Final = Asked()


class _Host(NamedTuple):
    """What the spawner itself may, as it was started.

    Args:
        capabilities: mask of its effective ones.
        score: its own, of running out of memory.
        no_mounts: why it cannot give a process mounts of its own; "" where it can.
    """

    capabilities: int
    score: int
    no_mounts: str


class Confining:
    """Judges and makes confinements.

    Args:
        posix: the kernel.
        rules: what is allowed.
        groups: control groups.
        confines: whether processes can be made with mounts and capabilities of their own.
    """

    def __init__(self, posix: Posix, rules: InForce, groups: Groups, *, confines: bool) -> None:
        self._posix = posix
        self._rules = rules
        self._groups = groups
        self._confines = confines
        self._own = posix.own.ids()
        self._known: _Host | None = None

    def refusals(self, launch: Launch, account: Account) -> list[SnowFoxError]:
        """Why it cannot be limited and confined so: NotPermitted, HostError."""
        action = f"launch {subject_of(launch.token)}"
        found: list[SnowFoxError] = [*self._over_limits(launch, action)]
        asked = launch.confinement
        if asked is None:
            return found
        found += self._not_permitted(asked, account, action)
        found += [
            HostError(f"cannot {action}: {problem}", hint)
            for problem, hint in (
                *self._of_limits(asked, account),
                *self._of_rights(asked),
                *self._of_mounts(asked, launch),
                *self._of_paths(asked, account),
            )
        ]
        return found

    def order(self, launch: Launch, account: Account) -> Confinement:
        """What the maker of processes is told."""
        asked = launch.confinement
        if asked is None:
            return FREE
        is_bound = asked.capabilities is not None and self._own.uid == 0
        return Confinement(
            nice=asked.nice or None,
            score=asked.score,
            new_privileges=asked.new_privileges,
            capabilities=_mask(asked.capabilities) if is_bound and asked.capabilities is not None else None,
            mapped=None if self._own.uid == 0 else account.ids,
            private=tuple(filter(self._is_folder, PRIVATE)) if asked.private_tmp else (),
            read_only=tuple(asked.read_only),
            writable=tuple(asked.writable),
        )

    def limits(self, launch: Launch) -> tuple[Limit, ...]:
        """Those of the process, for what no control group bounds here."""
        asked = launch.confinement or _NO_LIMITS
        found: list[Limit] = []
        if asked.memory and self._groups.lacks(MEMORY):
            found.append(Limit("DATA", asked.memory, asked.memory))
        if asked.processes and self._groups.lacks(PROCESSES):
            found.append(Limit("NPROC", asked.processes, asked.processes))
        return tuple(found)

    def _over_limits(self, launch: Launch, action: str) -> Iterator[HostError]:
        """Root could raise a limit beyond the hard one that the node was started with; a manager may not want it to."""
        for name, value in launch.limits.items():
            hard = self._posix.limits.get(name)[1]
            if hard == -1 or 0 <= value <= hard:
                continue
            key, option, text = _WRITTEN.get(name, (f"limit {name}", "a", str))
            wanted = "unlimited" if value == -1 else text(value)
            yield HostError(
                f"cannot {action}: {key} {wanted} is above the node's hard limit, {text(hard)}",
                f"write less, or start the node where more is allowed: ulimit -H{option}, Limit{name}= of a unit",
            )

    def _not_permitted(self, asked: Asked, account: Account, action: str) -> Iterator[NotPermitted]:
        policy = self._rules.policy
        if self._own.uid != 0:
            return  # it has no rights to give that its kernel would not give it
        if account.ids.uid != 0:
            refused = policy.capabilities_refused(asked.capabilities or (), action)
            if refused is not None:
                yield refused
        for key, value, least in (
            ("nice", asked.nice, policy.nice),
            ("oom-score", asked.score, policy.score),
        ):
            if value is not None and value < min(least, 0):
                yield policy.lower_refused(key, value, action)
        if asked.new_privileges and not policy.new_privileges:
            yield policy.privileges_refused(action)

    def _of_limits(self, asked: Asked, account: Account) -> Iterator[tuple[str, str]]:
        for word, value, controller in (("cpu", asked.cpu, CPU), ("io", asked.io, IO)):
            lacks = self._groups.lacks(controller) if value else ""
            if lacks:
                yield f"limit {word} needs control groups: {lacks}", ""
        lacks = self._groups.lacks(PROCESSES) if asked.processes else ""
        if lacks and (self._own.uid != 0 or account.ids.uid == 0):
            # A limit by user would count all that this user does elsewhere, and none of root's.
            yield f"limit processes needs control groups: {lacks}", ""

    def _of_rights(self, asked: Asked) -> Iterator[tuple[str, str]]:
        host = self._host
        if asked.capabilities is not None:
            if self._own.uid != 0 and asked.capabilities:
                yield "an ordinary user's node has no capabilities to give", "start the node as root"
            elif self._own.uid == 0 and not self._confines:
                yield "capabilities need the launcher, which was not built here", "install a C compiler"
            missing = [name for name in asked.capabilities if not host.capabilities & _mask([name])]
            if self._own.uid == 0 and missing:
                yield f"the node itself has no capability {', '.join(missing)}", ""
        if asked.score is not None and asked.score < host.score and not host.capabilities & _SYS_RESOURCE:
            yield f"oom-score {asked.score} is below the node's own, {host.score}", ""
        if asked.nice < 0 and self._own.uid != 0:
            least = 20 - max(self._posix.limits.get("NICE")[0], 0)
            if asked.nice < least:
                yield f"nice {asked.nice} is below what this user may have, {min(least, 0)}", ""

    def _of_mounts(self, asked: Asked, launch: Launch) -> Iterator[tuple[str, str]]:
        if not (asked.private_tmp or asked.read_only or asked.writable):
            return
        if not self._confines:
            yield "its sandbox needs the launcher, which was not built here", "install a C compiler"
        elif self._host.no_mounts:
            yield f"its sandbox needs a mount namespace: {self._host.no_mounts}", ""
        hidden = PRIVATE if asked.private_tmp else ()
        for path in (*asked.read_only, *asked.writable):
            try:
                walk(self._posix, path, Judge(self._own))
            except Blocked as blocked:
                yield f"cannot reach {path} of its sandbox: {blocked.why}", ""
        for path in (launch.folder, launch.program, *asked.read_only, *asked.writable):
            if path.startswith("/") and any(commonpath((folder, path)) == folder for folder in hidden):
                yield f"private-tmp hides {path}", "keep it elsewhere, or leave private-tmp out"

    def _of_paths(self, asked: Asked, account: Account) -> Iterator[tuple[str, str]]:
        """Paths are followed as root, several times: who may rename on the way could lead its own files over /etc.

        That harms nobody but the process, as long as nothing that it executes gains rights by what is there.
        """
        if self._own.uid == account.ids.uid or not asked.new_privileges:
            return
        if asked.read_only or asked.writable:
            yield (
                "no-new-privileges = false does not go with read-only and writable paths",
                "leave out one of them",
            )

    @property
    def _host(self) -> _Host:
        if self._known is None:
            capabilities = self._capabilities()
            score = self._line("/proc/self/oom_score_adj")
            self._known = _Host(
                capabilities, int(score) if score else 0, self._no_mounts(capabilities=capabilities)
            )
        return self._known

    def _no_mounts(self, *, capabilities: int) -> str:
        if self._own.uid == 0:
            return "" if capabilities & _SYS_ADMIN else "the node has no capability SYS_ADMIN"
        for file, bad in _USER_NAMESPACES:
            if self._line(file) == bad:
                return f"this host keeps user namespaces from ordinary users ({file} is {bad})"
        return ""

    def _capabilities(self) -> int:
        for line in self._content("/proc/self/status").splitlines():
            name, _, value = line.partition(":")
            if name == "CapEff":
                return int(value, 16)
        return 0

    def _line(self, file: str) -> str:
        return self._content(file).strip()

    def _content(self, file: str) -> str:
        """Of a file of /proc; "" where it is not there."""
        return kernel_file.line(self._posix, file, most=8192).decode()

    def _is_folder(self, path: str) -> bool:
        try:
            walk(self._posix, path, Judge(self._own))
        except Blocked:
            return False
        return True


def malformed(asked: Asked) -> str:
    """What no manager of ours would send; "" where it is well formed."""
    amounts = (asked.memory, asked.cpu, asked.processes, asked.io)
    names = asked.capabilities or []
    paths = (asked.read_only, asked.writable)
    if not all(0 <= amount <= _LARGEST for amount in amounts):
        return "a limit"
    if not -20 <= asked.nice <= 19 or not -1000 <= (asked.score or 0) <= 1000:
        return "a priority"
    if len(names) > len(CAPABILITIES) or not all(name in CAPABILITIES for name in names):
        return "a capability"
    if any(len(some) > MOST_PATHS for some in paths) or not all(
        _is_path(path) for some in paths for path in some
    ):
        return "a path of a sandbox"
    return ""


def _is_path(path: str) -> bool:
    return (
        path.startswith("/")
        and not path.startswith("//")
        and normpath(path) == path
        and path.isprintable()
        and len(path) <= LONGEST_PATH
    )


def _mask(names: list[str]) -> int:
    return sum(1 << CAPABILITIES.index(name) for name in set(names))
