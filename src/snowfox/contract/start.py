r"""How a daemon is started: the words on its command line, the names in a node's folder, and what it says back.

```text
python -I -S boot.py daemon --project FOLDER --configuration NAME [--policy FILE] [--ready FD]
                            [--viewer PID] [--detached] [--go FD] [--early PID,FD,FD] [--path FOLDER]...
                            [--shown PREFIX]
```

With `--go` it touches nothing until a line NAME\0PREFIX (as `--configuration` and `--shown`) comes on that pipe, and ends without
a word when the pipe ends first: its imports then cost no time while the command line looks for a node and a
configuration.
`--early` names a manager that was started before the daemon itself, and waits; see `Early`.

What it says on the pipe `--ready`, a line each, then its end:

```text
listening PID      the lock is ours; who connects now is served once the manager is up
busy PID           another daemon has the lock (0: it did not say who it is); the end
up                 the manager was welcomed; the end
failed TEXT\tHINT  the line to show, and what to do about it, newlines written as `\n`; the end
```
"""

from __future__ import annotations

import sys
from typing import Final, Literal

from snowfox.core.frozen import Frozen
from snowfox.core.named import NamedTuple
from snowfox.errors import UsageError

POLICY: Final = "/etc/snowfox/policy.toml"
"""The policy where none is named; it may be absent."""
HOME: Final = ".snowfox"
"""The node's own folder, in the project's."""
LOCK: Final = "lock"
"""In `HOME`: locked by the daemon, whose pid it holds."""
NODE_LOG: Final = "node.log"
"""In `HOME`: what the three processes have to say."""
RUN: Final = "run"
"""In `HOME`: sockets and records."""
MANAGER_SOCKET: Final = "manager.sock"
"""In `RUN`: where commands are taken."""
SPAWNER_SOCKET: Final = "spawner.sock"
"""In `RUN`: where a spawner that outlived its daemon waits."""
SOURCES: Final = ("snowfox.toml", "Procfile", ".env")
"""Files of the project that the manager may read, besides environment files and those of the folder form."""
GIT: Final = "git:"
"""Before a branch, tag or commit in place of a configuration's file: it is read from the project's repository."""
STORE: Final = "store"
"""In `HOME` of root's node: the name of its store in `STORES`."""
STORES: Final = "/var/lib/snowfox/projects"
"""Where root's nodes keep their stores."""
INHERITED: Final = ("LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LC_TIME", "TZ", "PATH")
"""Of the environment, what the three processes get."""
SHARED: Final = "SNOWFOX_SHELL_"
"""Before the names of all others, in the environment of the daemon: there they change nothing, and services may ask."""
LONGEST_SHARED: Final = 8192
"""Bytes of a variable that a service can have from the shell that started the node."""


class Early(NamedTuple):
    """A manager that was started before the daemon, by the process that became it; it touches nothing until greeted.

    Args:
        pid: its number, ours to reap.
        session: our end of its session.
        errors: the read end of its stderr.
    """

    pid: int
    session: int
    errors: int


class Node(Frozen):
    """A node to run.

    Args:
        project: the folder of the configuration, absolute, without links.
        configuration: its main file there, `snowfox.toml`, `node.toml` or `Procfile`, or `git:REF`.
        shown: what stands before the names of its files in messages, as whoever started us wrote it: "" or `FOLDER/`.
        policy: the policy's file; "": `POLICY`, where that exists.
        ready: a descriptor to tell how the start went; -1: none.
        go: a descriptor that says when to begin, and with which configuration; -1: now.
        viewer: pid of our child that shows what happens, and is waited for at the end; 0: none.
        early: a manager that was started already.
        is_detached: there is no terminal; a hangup means nothing.
        paths: folders of third-party packages, for the manager.
        python: the interpreter.
        boot: path of `boot.py`.
        services_path: PATH that services of an ordinary user's node get.
    """

    project: str
    configuration: str = "snowfox.toml"
    shown: str = ""
    policy: str = ""
    ready: int = -1
    go: int = -1
    viewer: int = 0
    early: Early | None = None
    is_detached: bool = False
    paths: tuple[str, ...] = ()
    python: str = sys.executable
    boot: str = ""
    services_path: str = ""

    def words(self) -> list[str]:
        """The arguments that `parse` reads back, but for python, boot and services_path."""
        words = ["--project", self.project, "--configuration", self.configuration]
        for option, value in (
            ("--shown", self.shown),
            ("--policy", self.policy),
        ):
            words += [option, value] if value else []
        words += ["--ready", str(self.ready)] if self.ready >= 0 else []
        words += ["--go", str(self.go)] if self.go >= 0 else []
        words += ["--viewer", str(self.viewer)] if self.viewer else []
        words += ["--detached"] if self.is_detached else []
        words += ["--early", ",".join(map(str, self.early))] if self.early is not None else []
        for path in self.paths:
            words += ["--path", path]
        return words

    def child_words(self, role: Literal["spawner", "manager"]) -> list[str]:
        """The command line of one of the two, as far as it is known before the node's folders are open."""
        words = [self.python, "-I", "-S", self.boot, role]
        if role == "manager":
            words += [word for path in self.paths for word in ("--path", path)]
        return [*words, "--home", f"{self.project}/{HOME}"]


_TEXTS = {
    "--project": "project",
    "--configuration": "configuration",
    "--shown": "shown",
    "--policy": "policy",
}
_NUMBERS = {"--ready": "ready", "--go": "go", "--viewer": "viewer"}


def parse(words: list[str]) -> Node:
    """What the command line says. Raises UsageError."""
    given: dict[str, str | int | bool | Early] = {}
    paths: list[str] = []
    rest = list(words)
    while rest:
        option = rest.pop(0)
        if option == "--detached":
            given["is_detached"] = True
            continue
        if not rest:
            msg = f"cannot start the daemon: {option} needs a value"
            raise UsageError(msg, "")
        value = rest.pop(0)
        if option == "--path":
            paths.append(value)
        elif option == "--early" and (early := _early(value)) is not None:
            given["early"] = early
        elif option in _TEXTS:
            given[_TEXTS[option]] = value
        elif option in _NUMBERS and value.isdigit():
            given[_NUMBERS[option]] = int(value)
        else:
            msg = f"cannot start the daemon: what is {option} {value}?"
            raise UsageError(msg, "snowfox up starts it")
    if not str(given.get("project", "")).startswith("/"):
        msg = "cannot start the daemon: --project needs an absolute path"
        raise UsageError(msg, "snowfox up starts it")
    return Node("/").replace(**given, paths=tuple(paths))


def _early(value: str) -> Early | None:
    parts = value.split(",")
    if len(parts) != len(Early._fields) or not all(part.isdecimal() for part in parts):
        return None
    return Early(*map(int, parts))


class Said(NamedTuple):
    """A line of the pipe: its word, a pid, and text with a hint."""

    word: str
    pid: int = 0
    text: str = ""
    hint: str = ""


def said_line(said: Said) -> bytes:
    """A line as it is written."""
    if said.word == "failed":
        parts = (part.replace("\t", " ").replace("\n", "\\n") for part in (said.text, said.hint))
        return f"failed {chr(9).join(parts)}\n".encode("utf-8", "surrogateescape")
    return (
        f"{said.word} {said.pid}\n".encode() if said.pid or said.word == "busy" else f"{said.word}\n".encode()
    )


def said(line: bytes) -> Said:
    """A line as it is read, with or without its newline."""
    word, _, rest = line.decode("utf-8", "surrogateescape").rstrip("\n").partition(" ")
    if word == "failed":
        text, _, hint = rest.partition("\t")
        return Said(word, 0, text.replace("\\n", "\n"), hint.replace("\\n", "\n"))
    return Said(word, int(rest) if rest.isdigit() else 0)
