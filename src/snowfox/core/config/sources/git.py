"""A configuration in a git repository, read from its objects at one commit: what to run, and what its output means.

`git` is asked twice. First which commit a branch, tag or commit is, and which of its files are there, with kind and size;
all that is to be refused is refused by that. Then for the content of those that are taken, by their ids: a branch that
moves in between changes nothing. Both are plumbing that reads objects and does not run what a repository may name: no
filter, attribute, hook, pager, diff driver or file monitor; the work tree is not looked at. (`git archive` changes content
by attributes; `git show` may run a text conversion.) Replacement refs are not followed and missing objects of a partial
clone not fetched: the id shown is the id of what was read.

Nobody's own settings apply, and git itself refuses a repository of another user than the one that it runs as.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from snowfox.core.config.source import (
    LARGEST,
    MOST_BYTES,
    Gathering,
    Names,
    Sources,
    refuse_too_much,
    too_large,
)
from snowfox.core.config.sources.folder import Further, further_name, main_of
from snowfox.core.frozen import Frozen
from snowfox.core.named import NamedTuple
from snowfox.core.tree import DEEPEST, Layout, refusal
from snowfox.errors import ConfigurationRefused
from snowfox.values import Seconds, size_text

PREFIX: Final = "git:"
"""What a person writes before `PATH@REF`."""
DEADLINE: Final[Seconds] = 30.0
"""Seconds for one run of git."""
MOST_OUTPUT: Final = MOST_BYTES + (4 << 20)
"""Bytes that one run may print: all files and what stands between them."""

_AT_ONCE: Final = 1000  # ids that one command line names
_FILE, _LINK, _MODULE = "100", "120000", "160000"

# What each line refuses has an exit code of its own. Above the folder no repository is looked for.
_LIST: Final = """
command -v git >/dev/null || exit 127
git rev-parse --git-dir >/dev/null || exit 65
commit=$(git rev-parse --quiet --verify --end-of-options "$1^{commit}" 2>/dev/null) || exit 64
shift
printf '%s\\n' "$commit"
exec git ls-tree -r -l -z --full-tree "$commit" -- "$@"
"""
_READ: Final = """
printf '%s\\n' "$@" | git cat-file --batch
"""
_WRITTEN: Final = re.compile(r"(.*?)(?:@((?:[^@]|@(?=\{))*))?")
_ROW: Final = re.compile(rb"(\d{6}) ([a-z]+) ([0-9a-f]{40}|[0-9a-f]{64}) +(\d+|-)\t(.+)", re.DOTALL)
_COMMIT: Final = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64})\n")


class Command(NamedTuple):
    """A run of git: argv, its program first, looked for in PATH; the whole environment; the folder to be in."""

    arguments: tuple[str, ...]
    environment: dict[str, str]
    folder: str


class Ran(NamedTuple):
    """How it ended: exit code and what it printed, to both outputs."""

    code: int
    output: bytes


class Git(Frozen):
    """A repository at a point of its history, as a person names both.

    Args:
        folder: absolute, without links; its top.
        ref: branch, tag or commit.
        owner: uid of the folder's owner, whom git has to run as.
        shown: what a person calls it.
        is_trusted: the folder belongs to root and is read by somebody else, which git refuses unless told.
    """

    folder: str
    ref: str
    owner: int
    shown: str
    is_trusted: bool = False


Reading = Generator[Command, Ran, Sources]
"""Gives what to run, wants to be sent how it ended, returns what was read. Raises ConfigurationRefused."""


def is_git(text: str) -> bool:
    """Whether a PATH means a repository."""
    return text.startswith(PREFIX)


def parse(text: str) -> tuple[str, str]:
    """`(PATH, REF)` of `git:PATH@REF`; a PATH that is left out is `.`, a REF `HEAD`. Raises ConfigurationRefused.

    An `@` before `{` belongs to the REF (`main@{yesterday}`), so the last other one divides.
    """
    found = _WRITTEN.fullmatch(text.removeprefix(PREFIX))
    path, ref = (found[1], found[2]) if found else ("", "")
    ref = "HEAD" if ref is None else ref
    if not ref or not text.isprintable():
        raise refusal(text, "there is no branch, tag or commit behind @", "for example git:.@main")
    return path or ".", ref


def reading(git: Git, *, names: Names, further: Further | None = None) -> Reading:
    """Read a configuration from a repository; who runs what it yields decides as whom and how.

    Args:
        git: where.
        names: what its top may hold.
        further: asked for more files once the others are read.
    """
    tree = names.tree
    wanted = [*names.main, *(name for more in names.beside.values() for name in more)]
    wanted += [tree.main, tree.folder] if tree else []
    commit, rows = _listed(git, (yield _command(git, _LIST, (git.ref, *wanted))))
    there = {row.name: row for row in rows}
    main = main_of(names, there.__contains__, git.shown)
    if tree is not None and main == tree.main:
        taken = [there.pop(main), *_of_tree(git, tree, rows)]
    else:
        taken = [there[name] for name in (main, *names.beside.get(main, ())) if name in there]
    files = Gathering(_title(git, ""))
    yield from _contents(git, files, taken)
    sources = Sources(git.folder, tuple(files.files), git.ref, commit)
    asked = [further_name(name) for name in further(sources)] if further is not None else []
    if not asked:
        return sources
    _, rows = _listed(git, (yield _command(git, _LIST, (commit, *asked))))
    there = {row.name: row for row in rows}
    found = [there[name] for name in dict.fromkeys(asked) if name in there]
    yield from _contents(git, files, found, guard=files.perhaps)
    return Sources(git.folder, tuple(files.files), git.ref, commit, unread=files.unread)


def commit_command(git: Git) -> Command:
    """What prints the commit that the branch, tag or commit is now; for `commit_of`."""
    return _command(git, _LIST, (git.ref, ".snowfox-no-such-file"))


def commit_of(git: Git, ran: Ran) -> str:
    """Its id. Raises ConfigurationRefused."""
    return _listed(git, ran)[0]


def too_much(shown: str) -> ConfigurationRefused:
    """Of a run that prints more than `MOST_OUTPUT`."""
    return refusal(shown, f"git printed more than {size_text(MOST_OUTPUT)}")


def too_slow(shown: str) -> ConfigurationRefused:
    """Of a run that lasts longer than `DEADLINE`."""
    return refusal(shown, f"git did not end within {DEADLINE:g} s")


class _Row(NamedTuple):
    """A line of `ls-tree`."""

    mode: str
    id: str
    size: int
    name: str


def _command(git: Git, script: str, arguments: Iterable[str]) -> Command:
    settings = {
        "core.fsmonitor": "false",
        "core.hooksPath": "/dev/null",
        "protocol.allow": "never",
        **({"safe.directory": git.folder} if git.is_trusted else {}),
    }
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": git.folder.rpartition("/")[0] or "/",
        "GIT_CONFIG_COUNT": str(len(settings)),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_PAGER": "cat",
        "GIT_TERMINAL_PROMPT": "0",
    }
    for index, (key, value) in enumerate(settings.items()):
        environment |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    return Command(("sh", "-c", script, "sh", *arguments), environment, git.folder)


def _listed(git: Git, ran: Ran) -> tuple[str, list[_Row]]:
    """The commit and what is in it."""
    if ran.code:
        raise _failed(git, ran)
    head = _COMMIT.match(ran.output)
    rows = ran.output[head.end() :].split(b"\0") if head else [b"?"]
    if head is None or rows.pop() != b"":
        raise _garbled(git)
    return head[1].decode(), [_row(git, row) for row in rows]


def _row(git: Git, text: bytes) -> _Row:
    found = _ROW.fullmatch(text)
    if found is None:
        raise _garbled(git)
    mode, _, blob, size, name = found.groups()
    length = 0 if size == b"-" else int(size)
    return _Row(mode.decode(), blob.decode(), length, name.decode(errors="surrogateescape"))


def _of_tree(git: Git, tree: Layout, rows: Iterable[_Row]) -> list[_Row]:
    """The files of the tree besides its main one, in the order of a walk of folders."""
    taken: list[_Row] = []
    for row in sorted(rows, key=lambda row: row.name.split("/")):
        folder, *parts = row.name.split("/")
        if folder != tree.folder or any(part.startswith(".") for part in parts):
            continue
        title = _title(git, row.name)
        if not parts:
            raise refusal(title, f"it is {_kind(row)}")
        if not row.mode.startswith(_FILE):
            raise refusal(title, f"it is {_kind(row)}")
        suffixed = next((n for n, part in enumerate(parts[:-1], 2) if part.endswith(tree.suffix)), 0)
        if suffixed:
            raise refusal(_title(git, "/".join(row.name.split("/")[:suffixed])), "it is a folder")
        if not tree.takes(row.name):
            continue
        if not row.name.isprintable():
            raise refusal(title, "its name cannot be printed")
        if len(parts) > DEEPEST:
            raise refusal(title, f"it lies more than {DEEPEST} folders deep")
        taken.append(row)
    return taken


def _contents(
    git: Git,
    files: Gathering,
    found: Sequence[_Row],
    guard: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext(),
) -> Generator[Command, Ran, None]:
    """Read the content of these files, each within `guard` of its name."""
    rows: list[_Row] = []
    for row in found:
        with guard(row.name):
            if not row.mode.startswith(_FILE):
                raise refusal(_title(git, row.name), f"it is {_kind(row)}")
            if row.size > LARGEST:
                raise too_large(_title(git, row.name), row.size)
            rows.append(row)
    refuse_too_much(git.ref, len(files.files) + len(rows), sum(row.size for row in rows))
    ids = list(dict.fromkeys(row.id for row in rows))
    sizes = {row.id: row.size for row in rows}
    blobs: dict[str, bytes] = {}
    for begin in range(0, len(ids), _AT_ONCE):
        part = ids[begin : begin + _AT_ONCE]
        ran = yield _command(git, _READ, part)
        if ran.code:
            raise _failed(git, ran)
        at = 0
        for blob in part:
            head = b"%s blob %d\n" % (blob.encode(), sizes[blob])
            end = at + len(head) + sizes[blob]
            if not ran.output.startswith(head, at) or ran.output[end : end + 1] != b"\n":
                raise refusal(
                    git.shown,
                    f"object {blob} is not in the repository",
                    "it may be a partial clone: git fetch",
                )
            blobs[blob] = ran.output[at + len(head) : end]
            at = end + 1
        if at != len(ran.output):
            raise _garbled(git)
    for row in rows:
        with guard(row.name):
            files.add(row.name, blobs[row.id], owner=git.owner)


def _kind(row: _Row) -> str:
    return {_LINK: "a symbolic link", _MODULE: "a submodule"}.get(
        row.mode, "a file" if row.mode.startswith(_FILE) else "no regular file"
    )


def _title(git: Git, name: str) -> str:
    """As git itself writes it."""
    return f"{git.ref}:{name}"


def _failed(git: Git, ran: Ran) -> ConfigurationRefused:
    """A run that did not end well."""
    said = ran.output.decode(errors="replace").strip().splitlines()
    first = next(
        (line.removeprefix("fatal: ") for line in said if line), f"git ended with exit code {ran.code}"
    )
    first = "".join(letter if letter.isprintable() else "?" for letter in first[:300])
    match ran.code:
        case 64:
            hint = "see them: git branch --all; git tag"
            return refusal(git.shown, f"there is no branch, tag or commit {git.ref}", hint)
        case 65 if first.startswith("not a git repository"):
            return refusal(git.shown, "it is not the top folder of a git repository")
        case 127:
            return refusal(git.shown, "git is not installed")
        case _:
            return refusal(git.shown, first)


def _garbled(git: Git) -> ConfigurationRefused:
    return refusal(git.shown, "git answered what cannot be understood")
