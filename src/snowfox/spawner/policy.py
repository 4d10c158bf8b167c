"""What the manager may have: users, ports, unix sockets, secrets, rights. Written by root, widened by nobody else.

```toml
# /etc/snowfox/policy.toml, owned by root, writable by nobody else
users = ["shop", "61184-64495"]      # names, uids, ranges of uids; "*" is everybody but root and the manager
ports = ["80", "443", "1024-65535"]  # ports and ranges; "0" lets the kernel choose one
sockets = ["/run/shop"]              # folders below which unix sockets may be opened, besides the configuration's
secrets = ["/etc/shop/*"]            # files that may be given to services as secrets; `*` within one part of the path
capabilities = ["NET_BIND_SERVICE"]  # that services of other users than root may have
nice = -5                            # the lowest that a service may have
oom-score = -500                     # likewise
new-privileges = true                # services may execute programs that gain rights (set-user-ID)
```

A key that is absent has its default: users `["*"]`, ports `["0", "1024-65535"]`, sockets, secrets and
capabilities none, nice and oom-score 0, new privileges none. Root has to
be named to be allowed; the user of a manager, this node's or another's, never is, because a service could then trace it. In the
node of an ordinary user there is only that user; ports and paths are the kernel's business unless a file says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from posixpath import commonpath, dirname, normpath
from stat import S_IMODE, S_ISCHR, S_ISREG
from typing import Any, Final

from snowfox.contract.start import HOME
from snowfox.core.frozen import Frozen
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Ids, Posix
from snowfox.errors import NotPermitted, UserError
from snowfox.values import CAPABILITIES, MANAGER_UIDS

DEFAULT_FILE: Final = "/etc/snowfox/policy.toml"
"""Where the policy is looked for."""

EVERYBODY: Final = "*"
"""The word for all users but root and the manager's."""

_LARGEST: Final = 1 << 20
_UNPRIVILEGED: Final = ("0", "1024-65535")
_LISTS: Final = ("users", "ports", "sockets", "secrets", "capabilities")
_LEAST: Final = {"nice": -20, "oom-score": -1000}
_PRIVILEGES: Final = "new-privileges"
_KEYS: Final = (*_LISTS, *_LEAST, _PRIVILEGES)
_SECRETS: Final = "secrets"


class Account(NamedTuple):
    """A user as a process gets it. `stays`: it is the spawner's own, nothing is changed."""

    name: str
    ids: Ids
    stays: bool


class Policy(Frozen):
    """The rules in force.

    Args:
        own: the spawner's uid: 0, or that of the ordinary user whose node it is.
        manager: the manager's uid.
        users: entries as written; None: the default.
        ports: entries as written; None: the default.
        sockets: folders for unix sockets, absolute.
        secrets: patterns of files, absolute; None: the default.
        capabilities: that services of other users than root may have.
        nice: the lowest that is allowed.
        score: of running out of memory, the lowest that is allowed.
        new_privileges: whether services may execute programs that gain rights.
        home: the folder of the configuration, where unix sockets are allowed too.
        file: the name of the file, for messages.
    """

    own: int
    manager: int
    users: tuple[str, ...] | None = None
    ports: tuple[str, ...] | None = None
    sockets: tuple[str, ...] = ()
    secrets: tuple[str, ...] | None = None
    capabilities: tuple[str, ...] = ()
    nice: int = 0
    score: int = 0
    new_privileges: bool = False
    home: str = "/"
    file: str = DEFAULT_FILE

    def user_refused(self, account: Account, action: str) -> NotPermitted | None:
        """Why no process may run as this user, or None. `action` as in `launch web@1`."""
        uid = account.ids.uid
        if self.own != 0:
            if uid != self.own:
                return NotPermitted(
                    f"cannot {action}: an ordinary user's node runs services as that user only", ""
                )
        elif uid == self.manager:
            return NotPermitted(f"cannot {action}: user {account.name} is the manager's own", "")
        elif uid in MANAGER_UIDS:
            return NotPermitted(f"cannot {action}: uid {uid} is kept for the managers of nodes", "")
        if self.users is None:
            if self.own != 0 or uid != 0:
                return None
        elif _lists_user(self.users, account):
            return None
        line = self._line("users", self.users if self.users is not None else (EVERYBODY,), account.name)
        return NotPermitted(f"cannot {action}: user {account.name} is not allowed by policy", line)

    def port_refused(self, port: int, action: str) -> NotPermitted | None:
        """Why this port may not be opened, or None. `action` as in `open 0.0.0.0:80 for socket front`."""
        entries = self.ports
        if entries is None:
            if self.own != 0:
                return None
            entries = _UNPRIVILEGED
        if _lists_number(entries, port):
            return None
        return NotPermitted(
            f"cannot {action}: not allowed by policy", self._line("ports", entries, str(port))
        )

    def folder_refused(self, path: str, action: str) -> NotPermitted | None:
        """Why no unix socket may be opened at this path, or None."""
        if self.base(path) is not None:
            return None
        if normpath(path) != path:
            return NotPermitted(
                f"cannot {action}: the path is not written straight", f"write {normpath(path)}"
            )
        if self._is_of_node(path):
            text = f"cannot {action}: {self.home.rstrip('/')}/{HOME} is the node's own, for its records and sockets"
            return NotPermitted(text, "put it into another folder, for example run beside it")
        line = self._line("sockets", self.sockets, dirname(path))
        return NotPermitted(f"cannot {action}: not allowed by policy", line)

    def base(self, path: str) -> str | None:
        """The allowed folder that holds this path; None when there is none. An ordinary user's node: `/`."""
        if normpath(path) != path or not path.startswith("/"):
            return None
        if self._is_of_node(path):
            return None
        if self.own != 0 and not self.sockets:
            return "/"
        for folder in (self.home, *self.sockets):
            if commonpath((folder, dirname(path))) == folder:
                return folder
        return None

    def _is_of_node(self, path: str) -> bool:
        """Whether it is in the node's own folder: a socket there could be in the way of its records."""
        own = f"{self.home.rstrip('/')}/{HOME}"
        return path.startswith("/") and commonpath((own, path)) == own

    @property
    def secrets_folder(self) -> str:
        """The folder of the configuration's own secrets."""
        return f"{self.home.rstrip('/')}/{_SECRETS}"

    def names_secret(self, file: str) -> bool:
        """Whether a pattern names this file."""
        return any(_matches(pattern, file) for pattern in self.secrets or ())

    def secret_refused(self, file: str, action: str) -> NotPermitted:
        """Why a file is not given as a secret. `action` as in `cannot launch web: secret PASSWORD`."""
        line = self._line("secrets", self.secrets or (), file)
        return NotPermitted(
            f"{action}: {file} is not allowed by policy", f"{line}\nor keep it in {self.secrets_folder}"
        )

    def capabilities_refused(self, names: Iterable[str], action: str) -> NotPermitted | None:
        """Why a service of another user than root may not have these capabilities, or None."""
        missing = [name for name in dict.fromkeys(names) if name not in self.capabilities]
        if not missing:
            return None
        what = "capability" if len(missing) == 1 else "capabilities"
        words = ", ".join(f'"{entry}"' for entry in (*missing, *self.capabilities))
        text = f"cannot {action}: {what} {', '.join(missing)} not allowed by policy"
        return NotPermitted(text, f"allow it with  capabilities = [{words}]  in {self.file}")

    def lower_refused(self, key: str, value: int, action: str) -> NotPermitted:
        """Why `nice` or `oom-score` may not be as low as this."""
        text = f"cannot {action}: {key} {value} is not allowed by policy"
        return NotPermitted(text, f"allow it with  {key} = {value}  in {self.file}")

    def privileges_refused(self, action: str) -> NotPermitted:
        """Why what a service executes may not gain rights."""
        text = f"cannot {action}: no-new-privileges = false is not allowed by policy"
        return NotPermitted(text, f"allow it with  {_PRIVILEGES} = true  in {self.file}")

    def _line(self, key: str, entries: tuple[str, ...], more: str) -> str:
        words = ", ".join(f'"{entry}"' for entry in (more, *entries))
        return f"allow it with  {key} = [{words}]  in {self.file}"


def load(posix: Posix, descriptor: int, start: Policy) -> Policy:
    """The policy of an open file; `start` (who is who, the defaults) when it is no file but a device: /dev/null.

    Raises UserError with one clear line when others than its owner may write it, when it is not root's (an ordinary
    user's node: nor that user's), or when it cannot be read.
    """
    found = posix.files.stat(descriptor)
    if S_ISCHR(found.mode):
        return start
    if not S_ISREG(found.mode):
        raise UserError(f"cannot use policy {start.file}: it is not a file")
    if found.uid not in {0, start.own}:
        raise UserError(
            f"cannot use policy {start.file}: it belongs to uid {found.uid}", f"chown root {start.file}"
        )
    if S_IMODE(found.mode) & 0o022:
        raise UserError(
            f"cannot use policy {start.file}: others may write it (mode {S_IMODE(found.mode):04o})",
            f"chmod 644 {start.file}",
        )
    if found.size > _LARGEST:
        raise UserError(f"cannot read policy {start.file}: {found.size} bytes are too many")
    return parse(posix.files.read_at(descriptor, found.size, offset=0), start)


def parse(content: bytes, start: Policy) -> Policy:
    """The policy of a file's content. Raises UserError that says which entry is wrong."""
    import tomllib  # noqa: PLC0415 - 17 ms, only where there is a policy

    try:
        document = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read policy {start.file}: {error}") from error
    unknown = [key for key in document if key not in _KEYS]
    if unknown:
        raise UserError(
            f'cannot read policy {start.file}: unknown key "{unknown[0]}"', f"known are {', '.join(_KEYS)}"
        )
    users, ports = _entries(document, "users", start), _entries(document, "ports", start)
    sockets = _entries(document, "sockets", start) or ()
    for entry in ports or ():
        _range(entry, "ports", start)
    for entry in users or ():
        if entry[:1].isdigit():
            _range(entry, "users", start)
    secrets = _entries(document, "secrets", start)
    for entry in sockets:
        _absolute(entry, "sockets", "a folder", start)
    for entry in secrets or ():
        _absolute(entry, "secrets", "a file", start)
    return start.replace(
        users=users, ports=ports, sockets=sockets, secrets=secrets, **_rights(document, start)
    )


def _rights(document: Mapping[str, Any], start: Policy) -> dict[str, Any]:
    """What services may have beyond the rights of their users."""
    capabilities = _entries(document, "capabilities", start) or ()
    for name in capabilities:
        if name not in CAPABILITIES:
            raise UserError(
                f'cannot read policy {start.file}: capabilities: "{name}" is no capability',
                "without CAP_, for example NET_BIND_SERVICE",
            )
    least = {key: document.get(key, 0) for key in _LEAST}
    for key, value in least.items():
        if type(value) is not int or not _LEAST[key] <= value <= 0:
            raise UserError(f"cannot read policy {start.file}: {key} is not a number from {_LEAST[key]} to 0")
    privileges = document.get(_PRIVILEGES, False)
    if not isinstance(privileges, bool):
        raise UserError(f"cannot read policy {start.file}: {_PRIVILEGES} is not true or false")
    return {
        "capabilities": capabilities,
        "nice": least["nice"],
        "score": least["oom-score"],
        "new_privileges": privileges,
    }


def _entries(document: Mapping[str, Any], key: str, start: Policy) -> tuple[str, ...] | None:
    value = document.get(key)
    if value is None:
        return None
    if not isinstance(value, list):
        raise UserError(
            f"cannot read policy {start.file}: {key} is not a list", f'for example  {key} = ["…"]'
        )
    entries: list[str] = []
    for entry in value:  # pyright: ignore[reportUnknownVariableType] - looked at one by one
        if not isinstance(entry, str) or not entry:
            raise UserError(f"cannot read policy {start.file}: {key}: {entry!r} is not a text in quotes")
        entries.append(entry)
    return tuple(entries)


def _absolute(entry: str, key: str, what: str, start: Policy) -> None:
    if not entry.startswith("/") or normpath(entry) != entry:
        raise UserError(
            f'cannot read policy {start.file}: {key}: "{entry}" is not the absolute path of {what}'
        )


def _range(entry: str, key: str, start: Policy) -> None:
    low, dash, high = entry.partition("-")
    if not low.isdecimal() or (dash and not high.isdecimal()) or (dash and int(high) < int(low)):
        raise UserError(
            f'cannot read policy {start.file}: {key}: "{entry}" is not a number or a range as "1-9"'
        )


def _matches(pattern: str, path: str) -> bool:
    """Part by part; `*` is any part of a name, but of one that begins with a dot."""
    parts, names = pattern.split("/"), path.split("/")
    return len(parts) == len(names) and all(map(_part_matches, parts, names))


def _part_matches(part: str, name: str) -> bool:
    if "*" not in part:
        return part == name
    if name in {"", "..", "."} or (name.startswith(".") and not part.startswith(".")):
        return False
    return re.fullmatch(".*".join(map(re.escape, part.split("*"))), name, re.DOTALL) is not None


def _lists_number(entries: tuple[str, ...], number: int) -> bool:
    for entry in entries:
        low, _, high = entry.partition("-")
        if low.isdecimal() and int(low) <= number <= int(high or low):
            return True
    return False


def _lists_user(entries: tuple[str, ...], account: Account) -> bool:
    if account.name in entries:
        return True
    uid = account.ids.uid
    if uid == 0:  # never by a range or `*`
        return "0" in entries
    return EVERYBODY in entries or _lists_number(entries, uid)
