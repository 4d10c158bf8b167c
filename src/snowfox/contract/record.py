r"""The record of a launch: what spawner, launcher and daemon write about one process, so that whoever comes later knows.

One small file per launch, `launches/TOKEN` in the node's run folder, beside the FIFO of its output, `TOKEN.out` (and `TOKEN.err`). Only
whoever runs the node can reach it. It is appended to, never rewritten; its `flock(2)` is held from before the process
exists until its program was executed or its launcher is gone. A last line without its newline was cut and is ignored.

```text
sockets KEY\tKEY...                     spawner, first: the listening sockets passed from descriptor 3 on (may be absent)
groups FOLDER\tFOLDER...                 spawner: its control groups, the first holds all of it together (may be absent)
note HEX                                spawner: what the manager wants to know again, the digest of what it launched (may be absent)
launched PID BOOTNS BOOTID PIDNS        launcher, just before it executes the program
failed STEP\tOBJECT\tERRNO              launcher: the program was not executed; nothing follows
main PID AT                             spawner: another process of it that is the main process from now on; an exit
                                        above this line was that of the one before
exit CODE SIGNAL AT REACHED             whoever reaps, before reaping; `-` where there is none; the first one counts;
                                        REACHED is a limit that it reached (`values.REACHED`; may be absent)
```

BOOTNS and AT are nanoseconds of the boot-time clock, PIDNS is the inode of the pid namespace.
"""

from __future__ import annotations

import re
from typing import Final

from snowfox.core.named import NamedTuple
from snowfox.values import LONGEST_NAME, REACHED, Exit

FOLDER: Final = "launches"
"""The folder of records, in the node's run folder."""

OUTPUT: Final = ".out"
"""What the name of a FIFO ends with, after the token."""

BESIDE: Final = ".."
"""Between the instance and the role of a command beside it, in its token: `web@1..before-start~01JD…`. No id holds it."""

ERRORS: Final = ".err"
"""What that of a second one ends with, where streams are kept apart."""

LARGEST: Final = 16384
"""Bytes that a record may have. A path of 4096 and the keys of some hundred sockets fit."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.@-]*~[0-9A-Z]{26}\Z")
_NOTE: Final = re.compile(r"[0-9a-f]{0,64}\Z")
_LONGEST_TOKEN: Final = LONGEST_NAME + 40 + 1 + 26  # an instance of the longest name, or a command beside it


class Started(NamedTuple):
    """A process that was about to execute its program: pid, when (ns of the boot-time clock), in which world."""

    pid: int
    at: int
    boot: str
    namespace: int


class Main(NamedTuple):
    """A main process: its pid, and a time at which it was there (ns of the boot-time clock)."""

    pid: int
    at: int


class Failed(NamedTuple):
    """A step that failed: what was done, to what, the kernel's number."""

    step: str
    object: str
    errno: int


class Record(NamedTuple):
    """What a record says. All None: never launched.

    Args:
        started: the process.
        failed: the step that failed, in which case no program ran.
        exit: how it ended, as its reaper saw it.
        exit_at: when that was written, ns of the boot-time clock.
        sockets: keys of the listening sockets that it got, from descriptor 3 on.
        note: of the manager; "" where there is none.
        groups: folders of its control groups.
        followed: the process that took the place of the one that was launched.
    """

    started: Started | None = None
    failed: Failed | None = None
    exit: Exit | None = None
    exit_at: int = 0
    sockets: tuple[str, ...] = ()
    note: str = ""
    groups: tuple[str, ...] = ()
    followed: Main | None = None

    @property
    def main(self) -> Main | None:
        """The main process: that which is followed, else that which was launched."""
        return self.followed or (self.started and Main(self.started.pid, self.started.at))


def is_token(text: str) -> bool:
    """Whether it is `INSTANCE~ID`: what may be the name of a record. No `/`, nothing that begins with a dot."""
    return len(text) <= _LONGEST_TOKEN and _TOKEN.match(text) is not None


def is_note(text: str) -> bool:
    """Whether it may be the note of a launch: at most 64 hexadecimal digits, small letters."""
    return _NOTE.match(text) is not None


def instance_of(token: str) -> str:
    """`web@1` of `web@1~01JD…`."""
    return token.rpartition("~")[0]


def subject_of(token: str) -> str:
    """What is launched, for people: `web@1`, or `before-start of web@1`."""
    instance, mark, role = instance_of(token).partition(BESIDE)
    return f"{role} of {instance}" if mark else instance


def parse(content: bytes) -> Record:
    """What a record says. What cannot be read is as if it were not there: a record may be cut anywhere."""
    text = content.decode("utf-8", "surrogateescape")
    record = Record()
    at = 0
    while (end := text.find("\n", at)) >= 0:
        kind, _, rest = text[at:end].partition(" ")
        if kind == "failed":  # the last, and a folder's name may hold newlines
            return record._replace(failed=parse_failed(text[at:]))
        record = _with_line(record, kind, rest)
        at = end + 1
    return record


def parse_failed(text: str) -> Failed | None:
    r"""What `failed STEP\tOBJECT\tERRNO\n` says; None for anything else. Status pipes carry it too."""
    kind, _, rest = text.removesuffix("\n").partition(" ")
    step, first, rest = rest.partition("\t")
    about, second, number = rest.rpartition("\t")
    if kind != "failed" or not first or not second or not number.isdigit():
        return None
    return Failed(step, about, int(number))


def sockets_line(keys: list[str]) -> bytes:
    """The line of the sockets passed; keys hold neither tab nor newline."""
    return ("sockets " + "\t".join(keys) + "\n").encode("utf-8", "surrogateescape")


def note_line(note: str) -> bytes:
    """The line of a note."""
    return f"note {note}\n".encode()


def groups_line(folders: tuple[str, ...]) -> bytes:
    """The line of the control groups; none of them has a tab or newline in its name."""
    return ("groups " + "\t".join(folders) + "\n").encode("utf-8", "surrogateescape")


def launched_line(started: Started) -> bytes:
    """The line of a process."""
    return f"launched {started.pid} {started.at} {started.boot} {started.namespace}\n".encode()


def main_line(main: Main) -> bytes:
    """The line of another main process."""
    return f"main {main.pid} {main.at}\n".encode()


def failed_line(failed: Failed) -> bytes:
    """The line of a step that failed."""
    return f"failed {failed.step}\t{failed.object}\t{failed.errno}\n".encode("utf-8", "surrogateescape")


def exit_line(exit: Exit, at: int) -> bytes:
    """The line of an exit, seen at `at` ns of the boot-time clock."""
    code = "-" if exit.code is None else exit.code
    number = "-" if exit.signal is None else exit.signal
    return f"exit {code} {number} {at}{f' {exit.reached}' if exit.reached else ''}\n".encode()


def _with_line(record: Record, kind: str, rest: str) -> Record:
    words = rest.split(" ")
    match kind:
        case "sockets":
            return record._replace(sockets=tuple(rest.split("\t")))
        case "groups":
            return record._replace(groups=tuple(rest.split("\t")))
        case "note" if is_note(rest):
            return record._replace(note=rest)
        case "launched" if (
            len(words) == 4 and words[0].isdigit() and words[1].isdigit() and words[3].isdigit()
        ):
            return record._replace(started=Started(int(words[0]), int(words[1]), words[2], int(words[3])))
        case "main" if len(words) == 2 and words[0].isdigit() and words[1].isdigit():
            return record._replace(followed=Main(int(words[0]), int(words[1])), exit=None, exit_at=0)
        case "exit" if record.exit is None and len(words) in {3, 4} and words[2].isdigit():
            code, number = (int(word) if word.isdigit() else None for word in words[:2])
            reached = words[3] if words[3:] and words[3] in REACHED else ""
            return record._replace(exit=Exit(code, number, reached), exit_at=int(words[2]))
        case _:
            return record
