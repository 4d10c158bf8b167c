"""The whole error tree, by whose fault it was.

```text
SnowFoxError
├── UserError                 the person who asked must change something
│   ├── UsageError            wrong words on the command line
│   ├── ConfigurationRefused  a configuration with problems, all of them listed
│   ├── NotFound              no such service, instance, operation
│   ├── NotNow                something else that is under way comes first
│   └── NotPermitted          policy or a right forbids it
├── PeerError                 the other end of a session
│   ├── ProtocolError         it broke the protocol; the session ends
│   ├── ConnectionLost        it went away
│   ├── NoNode                nobody is there to talk to
│   ├── Incompatible          it has no such method, or another of this name
│   └── RemoteError           it failed in a way that has no class here
├── HostError                 the host refused or failed
│   ├── PosixError            a call to the kernel failed
│   ├── LaunchFailed          a step of a launch failed
│   └── StoreError            the store cannot be read or written
├── Degraded                  a change failed and could not be undone
├── DeadlineExceeded          the time that was given is over
├── Cancelled                 whoever asked no longer wants it
└── InternalError             our own mistake
    ├── PosixNotSet · ContextNotSet   used before it was set
    ├── WouldDeadlock         a handler waits for its own subject
    ├── NotRestrictedTo       a process used a kernel call that its role does not list
    ├── HandlersFailed        handlers of an event failed, all their errors
    └── ModuleFailed          setup or teardown of a module failed
```

An error's fields are plain values (str, int, list of str, None), so that it travels over RPC by its class name and
fields and is raised as itself at the other end. `str(error)` is one line, `cannot DO OBJECT: WHY`; `hint` is what to
do about it, or "".
"""

from __future__ import annotations

import errno as _errno
import os
from typing import ClassVar

Plain = str | int | None | list[str]


class SnowFoxError(Exception):
    """The root. Fields are positional, named in `FIELDS`, and available as attributes.

    Args:
        values: the fields, in the order of `FIELDS`; missing ones at the end become None.
    """

    FIELDS: ClassVar[tuple[str, ...]] = ("text",)
    text: str

    def __init__(self, *values: Plain) -> None:
        if len(values) > len(self.FIELDS):
            msg = f"{type(self).__name__} takes {len(self.FIELDS)} fields, not {len(values)}"
            raise TypeError(msg)
        super().__init__(*values)
        padded = [*values, *([None] * (len(self.FIELDS) - len(values)))]
        for name, value in zip(self.FIELDS, padded, strict=True):
            setattr(self, name, value)

    def __str__(self) -> str:
        # A peer may leave a field out: showing an error must not fail.
        return self.text or type(self).__name__

    @property
    def hint(self) -> str:
        """What to do about it, one line or several; "" where there is nothing to say."""
        return ""

    def fields(self) -> list[Plain]:
        """The fields in order, as they travel."""
        return [getattr(self, name) for name in self.FIELDS]


def by_name(name: str) -> type[SnowFoxError] | None:
    """The class of the tree with this name, or None."""
    waiting: list[type[SnowFoxError]] = [SnowFoxError]
    while waiting:
        kind = waiting.pop()
        if kind.__name__ == name:
            return kind
        waiting.extend(kind.__subclasses__())
    return None


class _Hinted(SnowFoxError):
    FIELDS: ClassVar[tuple[str, ...]] = ("text", "advice")
    advice: str | None

    @property
    def hint(self) -> str:
        return self.advice or ""


class UserError(_Hinted):
    """The person who asked must change something."""


class UsageError(UserError):
    """Wrong words on the command line."""


class ConfigurationRefused(UserError):
    """A configuration has problems; `problems` holds each as it is shown, one or several lines."""

    FIELDS = ("text", "advice", "problems")
    problems: list[str]


class NotFound(UserError):
    """No such service, instance or operation; `advice` names the nearest."""


class NotNow(UserError):
    """Something else that is under way comes first; `advice` is what to do about it."""


class NotPermitted(UserError):
    """Policy or a right forbids it; `advice` is the line that would allow it."""


class PeerError(_Hinted):
    """The other end of a session."""


class ProtocolError(PeerError):
    """The other end broke the protocol."""


class ConnectionLost(PeerError):
    """The session ended before the answer came."""


class NoNode(PeerError):
    """Nobody is there to talk to; `advice` says how to start a node."""


class Incompatible(PeerError):
    """The other end has no such method, or another one of this name: it is of another version, or serves something else."""


class RemoteError(PeerError):
    """The other end failed; `kind` is the name of its error's class."""

    FIELDS = ("text", "advice", "kind")
    kind: str


class HostError(_Hinted):
    """The host refused or failed."""


def errno_text(number: int | None) -> str:
    """`permission denied (EACCES)`: the kernel's words and the name of an errno; `unknown error` without one."""
    if number is None or not 0 <= number < 1 << 31:
        return "unknown error"
    words = os.strerror(number)
    name = _errno.errorcode.get(number, str(number))
    return f"{words[:1].lower()}{words[1:]} ({name})"


class PosixError(HostError):
    """A call to the kernel failed: `cannot bind 0.0.0.0:80: permission denied (EACCES)`.

    Args:
        call: the operation's name, as in `core.posix`.
        object: what it was done to, as a person would name it; may be "".
        errno: the kernel's number.
        advice: what is known about the cause, `held by nginx (pid 812)`; or nothing.
    """

    FIELDS = ("call", "object", "errno", "advice")
    call: str
    object: str
    errno: int

    def __str__(self) -> str:
        what = f"{self.call} {self.object}" if self.object else self.call
        return f"cannot {what}: {errno_text(self.errno)}"


class LaunchFailed(HostError):
    """A step of a launch failed.

    `cannot launch web@1: change to folder /srv/x: no such file or directory (ENOENT)`

    Args:
        instance: the instance's id, `web@1`.
        step: what was being done, `change to folder`.
        object: to what, `/srv/x`; may be "".
        errno: the kernel's number.
        advice: what to do about it, or nothing.
    """

    FIELDS = ("instance", "step", "object", "errno", "advice")
    instance: str
    step: str
    object: str
    errno: int

    def __str__(self) -> str:
        what = f"{self.step} {self.object}" if self.object else self.step
        return f"cannot launch {self.instance}: {what}: {errno_text(self.errno)}"


class StoreError(HostError):
    """The store cannot be read or written."""


class Degraded(SnowFoxError):
    """A change failed and could not be undone: which step, and what is as it should not be."""


class DeadlineExceeded(_Hinted):
    """The time that was given is over."""


class Cancelled(_Hinted):
    """Whoever asked no longer wants it."""


class InternalError(_Hinted):
    """Our own mistake."""


class PosixNotSet(InternalError):
    """The posix interface was used before it was set."""


class ContextNotSet(InternalError):
    """A context was used before it was set."""


class WouldDeadlock(InternalError):
    """A handler waits for an event on its own subject, which waits for the handler."""


class NotRestrictedTo(InternalError):
    """A process used a kernel call that its role does not list."""


class HandlersFailed(InternalError):
    """Handlers of an event failed; `errors` holds what each said."""

    FIELDS = ("text", "advice", "errors")
    errors: list[str]


class ModuleFailed(InternalError):
    """Setup or teardown of a module failed; module and level are in the text."""
