"""What is run and what its output means: pure, without a repository."""

from __future__ import annotations

import pytest

from snowfox.core.config import source
from snowfox.core.config.source import LARGEST, Names, Sources
from snowfox.core.config.sources import git
from snowfox.core.config.sources.git import (
    Command,
    Git,
    Ran,
    commit_command,
    commit_of,
    is_git,
    parse,
    reading,
)
from snowfox.core.tree import Layout
from snowfox.errors import ConfigurationRefused

NAMES = Names(("alone.toml", "Other"), {"Other": (".env",)}, Layout("node.toml", "services", ".toml"))
GIT = Git("/srv/shop", "main", 1000, "git:.@main")
COMMIT = "c" * 40


def blob(name: str, text: str, mode: str = "100644") -> tuple[str, str, str]:
    """A file of a commit."""
    return mode, name, text


def object_id(name: str) -> str:
    """Of the content of a file of this name."""
    return name.encode(errors="surrogateescape").hex().ljust(40, "0")[-40:]


def listing(*files: tuple[str, str, str]) -> bytes:
    """What the first run prints."""
    rows = "".join(
        f"{mode} {'commit' if mode == '160000' else 'blob'} {object_id(name)} {'-' if mode == '160000' else len(text):>7}\t{name}\0"
        for mode, name, text in files
    )
    return f"{COMMIT}\n{rows}".encode("utf-8", "surrogateescape")


def contents(*files: tuple[str, str, str]) -> bytes:
    """What the second one prints."""
    return "".join(f"{object_id(name)} blob {len(text)}\n{text}\n" for _, name, text in files).encode()


def run(*outputs: bytes | Ran, further=None) -> tuple[Sources, list[Command]]:
    """Read with these outputs, one for each run."""
    asked = reading(GIT, names=NAMES, further=further)
    commands = [next(asked)]
    try:
        for output in outputs:
            command = asked.send(output if isinstance(output, Ran) else Ran(0, output))
            commands.append(command)
    except StopIteration as end:
        return end.value, commands
    raise AssertionError(commands[-1])


def refused(*outputs: bytes | Ran, further=None) -> str:
    """Why it is refused."""
    with pytest.raises(ConfigurationRefused) as caught:
        run(*outputs, further=further)
    return str(caught.value)


TREE = (blob("node.toml", "[node]\n"), blob("services/a/b.toml", "x = 1\n"), blob("services/a-c.toml", ""))


@pytest.mark.parametrize(
    ("text", "path", "ref"),
    [
        ("git:.@main", ".", "main"),
        ("git:", ".", "HEAD"),
        ("git:@main", ".", "main"),
        ("git:/srv/shop", "/srv/shop", "HEAD"),
        ("git:/srv/a@b/shop@v1.2", "/srv/a@b/shop", "v1.2"),
        ("git:.@main@{yesterday}", ".", "main@{yesterday}"),
        ("git:.@feature/x", ".", "feature/x"),
    ],
)
def test_as_a_person_writes_it(text: str, path: str, ref: str) -> None:
    """Path and point, each with its default."""
    assert is_git(text)
    assert parse(text) == (path, ref)


@pytest.mark.parametrize("text", ["git:.@", "git:.@a\nb", "git:\x1b@main"])
def test_no_point(text: str) -> None:
    """Nothing behind the @, or what cannot be printed."""
    with pytest.raises(ConfigurationRefused, match="there is no branch, tag or commit behind @"):
        parse(text)


def test_paths_are_no_repositories() -> None:
    """Only the prefix says so."""
    assert not is_git("./git:x@main")


def test_a_tree() -> None:
    """The files in the order of a walk of folders, with where they come from."""
    sources, commands = run(listing(*TREE), contents(TREE[0], TREE[1], TREE[2]))
    assert [(file.name, file.title, file.owner) for file in sources.files] == [
        ("node.toml", "main:node.toml", 1000),
        ("services/a/b.toml", "main:services/a/b.toml", 1000),
        ("services/a-c.toml", "main:services/a-c.toml", 1000),
    ]
    assert [file.text for file in sources.files] == ["[node]\n", "x = 1\n", ""]
    assert (sources.folder, sources.name, sources.commit) == ("/srv/shop", "main", COMMIT)
    first, second = commands
    assert first.arguments[4:] == ("main", "alone.toml", "Other", ".env", "node.toml", "services")
    assert second.arguments[4:] == tuple(object_id(name) for _, name, _ in TREE)


def test_one_file_and_those_beside() -> None:
    """The same forms as in a folder."""
    alone = blob("alone.toml", "a = 1")
    assert run(listing(alone, blob(".env", "")), contents(alone))[0].main.text == "a = 1"
    other, environment = blob("Other", "web: true"), blob(".env", "A=1")
    sources, _ = run(listing(environment, other), contents(other, environment))
    assert [file.name for file in sources.files] == ["Other", ".env"]
    assert (
        refused(listing(alone, *TREE)) == "cannot read git:.@main: there are alone.toml and node.toml in it"
    )
    assert refused(listing()) == (
        "cannot read git:.@main: there is no alone.toml and no node.toml and no Other in it"
    )


def test_the_same_content_twice() -> None:
    """Is asked for once."""
    twice = (blob("node.toml", "x"), blob("services/a.toml", "y"))
    same = listing(*twice).replace(object_id("services/a.toml").encode(), object_id("node.toml").encode())
    sources, commands = run(same, contents(twice[0]))
    assert [file.text for file in sources.files] == ["x", "x"]
    assert len(commands[1].arguments) == 5


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (blob("services/l.toml", "/etc", "120000"), "services/l.toml: it is a symbolic link"),
        (blob("services/l", "/etc", "120000"), "services/l: it is a symbolic link"),
        (blob("services/m", "", "160000"), "services/m: it is a submodule"),
        (blob("services", "", "160000"), "services: it is a submodule"),
        (blob("services", "", "120000"), "services: it is a symbolic link"),
        (blob("services", ""), "services: it is a file"),
        (blob("services/x.toml/y.toml", ""), "services/x.toml: it is a folder"),
        (
            blob("services/" + "d/" * 33 + "x.toml", ""),
            "services/" + "d/" * 33 + "x.toml: it lies more than 32 folders deep",
        ),
        (blob("services/a\x1b.toml", ""), r"services/a\x1b.toml: its name cannot be printed"),
        (blob("services/a\udce9.toml", ""), r"services/a\udce9.toml: its name cannot be printed"),
        (blob("services/big.toml", "x" * (LARGEST + 1)), "services/big.toml: it has 1.0M, more than 1.0M"),
    ],
    ids=lambda value: "" if isinstance(value, tuple) else value[:30],
)
def test_refused_by_name_before_content_is_read(file: tuple[str, str, str], why: str) -> None:
    """The list says all that is to be refused."""
    assert refused(listing(blob("node.toml", ""), file)) == f"cannot read main:{why}"


def test_a_link_as_main_file() -> None:
    """Is none."""
    assert (
        refused(listing(blob("node.toml", "x", "120000")))
        == "cannot read main:node.toml: it is a symbolic link"
    )


def test_what_is_passed_over() -> None:
    """As in a folder; also links with a dot in front."""
    more = (
        blob("services/.x", "", "120000"),
        blob("services/.git/a.toml", ""),
        blob("services/README.md", "x" * (2 << 20)),
    )
    sources, _ = run(listing(TREE[0], *more), contents(TREE[0]))
    assert len(sources.files) == 1


def test_counts_and_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all together, by the list alone."""
    monkeypatch.setattr(source, "MOST_FILES", 2)
    assert refused(listing(*TREE)) == "cannot read main: it has more than 2 files"
    monkeypatch.setattr(source, "MOST_FILES", 3)
    monkeypatch.setattr(source, "MOST_BYTES", 12)
    assert refused(listing(*TREE)) == "cannot read main: its files have more than 12 together"


def test_many_files_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command line has its bound."""
    monkeypatch.setattr(git, "_AT_ONCE", 2)
    sources, commands = run(listing(*TREE), contents(*TREE[:2]), contents(TREE[2]))
    assert len(sources.files) == 3
    assert [len(command.arguments) for command in commands] == [10, 6, 5]


def test_further_files() -> None:
    """From the commit that was found first, not from where the branch is by then."""
    environment = blob("a/x.env", "A=1")
    outputs = (listing(TREE[0]), contents(TREE[0]), listing(environment), contents(environment))
    sources, commands = run(*outputs, further=lambda _: ["./a/x.env"])
    assert [file.name for file in sources.files] == ["node.toml", "a/x.env"]
    assert commands[2].arguments[4:] == (COMMIT, "a/x.env")
    sources, _ = run(outputs[0], outputs[1], listing(), further=lambda _: ["x.env"])
    assert [file.name for file in sources.files] == ["node.toml"]
    out = refused(outputs[0], outputs[1], further=lambda _: ["../x.env"])
    assert out == "cannot read ../x.env: it is outside of the configuration's folder"
    rows = (blob("x.env", "/", "120000"), blob("y.env", "\0"), environment)
    sources, _ = run(
        *outputs[:2],
        listing(*rows),
        contents(*rows[1:]),
        further=lambda _: ["x.env", "y.env", "a/x.env"],
    )
    assert sources.unread == {
        "x.env": "it is a symbolic link",
        "y.env": "it is a binary file (a NUL byte in line 1)",
    }
    assert [file.name for file in sources.files] == ["node.toml", "a/x.env"]


@pytest.mark.parametrize(
    ("code", "output", "why"),
    [
        (64, b"", "there is no branch, tag or commit main"),
        (65, b"fatal: not a git repository: .git\n", "it is not the top folder of a git repository"),
        (65, b"fatal: detected dubious\x1b ownership\nmore\n", "detected dubious? ownership"),
        (127, b"", "git is not installed"),
        (128, b"", "git ended with exit code 128"),
    ],
)
def test_a_run_that_fails(code: int, output: bytes, why: str) -> None:
    """Each failure in plain words, git's own in one safe line."""
    assert refused(Ran(code, output)) == f"cannot read git:.@main: {why}"


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"x",
        b"\0",
        f"{COMMIT}\n100644 blob".encode(),
        f"{COMMIT}\nhello\0".encode(),
        f"{COMMIT}\n".encode() + b"warning: x\n\0",
    ],
)
def test_a_list_that_cannot_be_understood(output: bytes) -> None:
    """Nothing is guessed."""
    assert refused(output) == "cannot read git:.@main: git answered what cannot be understood"


def test_content_that_does_not_fit() -> None:
    """Too little, too much, of another size, or missing: what was listed is what is read."""
    node = TREE[0]
    first, good = listing(node), contents(node)
    for bad in (
        b"",
        good[:-2],
        good.replace(b" 7\n", b" 8\n"),
        f"{object_id('node.toml')} missing\n".encode(),
    ):
        assert "is not in the repository" in refused(first, bad)
    assert refused(first, good + b"x") == "cannot read git:.@main: git answered what cannot be understood"
    assert refused(first, Ran(1, b"fatal: it broke")) == "cannot read git:.@main: it broke"


def test_nobodys_settings() -> None:
    """The environment is all ours; root's folder is trusted only where that was said."""
    environment = next(reading(GIT, names=NAMES)).environment
    assert environment["GIT_CONFIG_GLOBAL"] == "/dev/null"
    assert environment["GIT_CONFIG_NOSYSTEM"] == environment["GIT_NO_LAZY_FETCH"] == "1"
    assert environment["GIT_CEILING_DIRECTORIES"] == "/srv"
    assert "safe.directory" not in environment.values()
    trusted = next(reading(GIT.replace(is_trusted=True), names=NAMES)).environment
    assert [
        trusted[f"GIT_CONFIG_{part}_{int(trusted['GIT_CONFIG_COUNT']) - 1}"] for part in ("KEY", "VALUE")
    ] == [
        "safe.directory",
        "/srv/shop",
    ]


def test_only_the_commit() -> None:
    """Whether a branch moved is asked without reading anything."""
    assert commit_command(GIT).arguments[4] == "main"
    assert commit_of(GIT, Ran(0, listing())) == COMMIT
    with pytest.raises(ConfigurationRefused, match="no branch, tag or commit main"):
        commit_of(GIT, Ran(64, b""))
