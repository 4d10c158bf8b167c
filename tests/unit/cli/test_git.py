"""A configuration in a real repository: the points of its history, and that nothing of what it names is run."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from snowfox.cli import git
from snowfox.core.config.source import Sources
from snowfox.errors import ConfigurationRefused
from snowfox.service.configuration import NAMES

SOMEBODY = 61199
is_root = os.geteuid() == 0


class Repository:
    """A repository in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.run("init", "--quiet", "--initial-branch=main")

    def run(self, *words: str) -> str:
        """Run git as somebody with a name."""
        names = {
            f"GIT_{role}_{part}": "a@example"
            for role in ("AUTHOR", "COMMITTER")
            for part in ("NAME", "EMAIL")
        }
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "GIT_CONFIG_NOSYSTEM": "1",
            **names,
        }
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "-c", "protocol.file.allow=always", *words],
            cwd=self.folder,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def put(self, name: str, text: str) -> None:
        """A file of the work tree."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, **files: str) -> str:
        """A commit of the whole work tree with these files; its id."""
        for name, text in files.items():
            self.put(name.replace("__", "/").replace("_", "."), text)
        self.run("add", "--all")
        self.run("commit", "--quiet", "--allow-empty", "--message=x")
        return self.run("rev-parse", "HEAD")

    def read(self, ref: str = "main") -> Sources:
        """What the command line reads."""
        return git.read(str(self.folder), ref, names=NAMES, shown=f"git:shop@{ref}")

    def refused(self, ref: str = "main") -> str:
        """Why it is refused."""
        with pytest.raises(ConfigurationRefused) as caught:
            self.read(ref)
        return str(caught.value)


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    """With one commit of `node.toml` and a service."""
    made = Repository(tmp_path / "shop")
    made.commit(node_toml="# one\n", services__web_toml='command = "true"\n')
    return made


def test_points_of_history(shop: Repository) -> None:
    """A branch, a tag, whole and short ids, a way from one of them; the id is shown, the work tree is not read."""
    first = shop.run("rev-parse", "HEAD")
    shop.run("tag", "--annotate", "--message=x", "v1")
    second = shop.commit(node_toml="# two\n")
    shop.put("node.toml", "# not committed\n")
    for ref in ("main", "HEAD", second, second[:10], "refs/heads/main"):
        sources = shop.read(ref)
        assert (sources.main.text, sources.name, sources.commit) == ("# two\n", ref, second)
        assert [file.name for file in sources.files] == ["node.toml", "services/web.toml"]
    for ref in ("v1", "main~1", first, "main@{1}"):
        assert (shop.read(ref).main.text, shop.read(ref).commit) == ("# one\n", first)
    assert shop.read().main.owner == os.stat(shop.folder).st_uid


@pytest.mark.parametrize(
    "ref", ["nothing", "--help", "-h", "HEAD:node.toml", "main^{tree}", "0" * 40, "a..b", "*"]
)
def test_no_such_point(shop: Repository, ref: str) -> None:
    """Whatever it looks like, it is no option and no command."""
    assert shop.refused(ref) == f"cannot read git:shop@{ref}: there is no branch, tag or commit {ref}"


def test_a_branch_that_moves(shop: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is read at the commit that was found first."""
    first = shop.run("rev-parse", "HEAD")
    given = git._run
    runs: list[str] = []

    def run_and_move(*arguments):
        ran = given(*arguments)
        runs.append(shop.commit(node_toml=f"# moved {len(runs)}\n", services__web_toml="# moved\n"))
        return ran

    monkeypatch.setattr(git, "_run", run_and_move)
    sources = shop.read()
    assert len(runs) == 2
    assert (sources.commit, sources.main.text) == (first, "# one\n")


def test_links_and_submodules(shop: Repository, tmp_path: Path) -> None:
    """Are refused by name, wherever they lead."""
    (shop.folder / "services/passwd.toml").symlink_to("/etc/passwd")
    shop.commit()
    assert shop.refused() == "cannot read main:services/passwd.toml: it is a symbolic link"
    (shop.folder / "services/passwd.toml").unlink()
    other = Repository(tmp_path / "other")
    other.commit(x_toml="")
    shop.run("submodule", "--quiet", "add", str(other.folder), "services/other")
    shop.commit()
    assert shop.refused() == "cannot read main:services/other: it is a submodule"


def test_a_large_file(shop: Repository) -> None:
    """By its name."""
    shop.commit(services__big_toml="#" * ((1 << 20) + 1))
    assert shop.refused() == "cannot read main:services/big.toml: it has 1.0M, more than 1.0M"


def test_no_repository(tmp_path: Path, shop: Repository) -> None:
    """A folder, a folder inside of one, nothing at all."""
    (tmp_path / "plain").mkdir()
    for path in (tmp_path / "plain", shop.folder / "services"):
        with pytest.raises(ConfigurationRefused, match="it is not the top folder of a git repository"):
            git.read(str(path), "main", names=NAMES, shown="git:x")
    with pytest.raises(
        ConfigurationRefused, match=r"cannot read git:x: no such file or directory \(ENOENT\)"
    ):
        git.read(str(tmp_path / "none"), "main", names=NAMES, shown="git:x")


def test_what_a_repository_names_is_not_run(shop: Repository, tmp_path: Path) -> None:
    """Filters, attributes, hooks, monitors, pagers, drivers, aliases, transports: none, and content stays as it is."""
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung-$$\ncat\n")
    trap.chmod(0o755)
    shop.commit(
        _gitattributes="*.toml filter=evil diff=evil text eol=crlf ident export-subst\nnode.toml export-ignore\n",
        services__web_toml="# $Format:%H$ $Id$\n",
    )
    for key in (
        "filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.textconv", "diff.evil.command",
        "diff.external", "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.gitProxy", "core.askPass",
        "core.alternateRefsCommand", "pager.ls-tree", "pager.cat-file", "pager.rev-parse", "credential.helper",
        "gpg.program", "interactive.diffFilter", "uploadpack.packObjectsHook", "sequence.editor",
    ):  # fmt: skip
        shop.run("config", key, str(trap))
    for name in ("ls-tree", "cat-file", "rev-parse"):
        shop.run("config", f"alias.{name}", f"!{trap}")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("fsmonitor-watchman", "post-index-change", "reference-transaction", "post-checkout"):
        (hooks / name).symlink_to(trap)
    shop.run("config", "core.hooksPath", str(hooks))
    shop.run("cat-file", "--filters", "HEAD:services/web.toml")
    assert list(tmp_path.glob("sprung-*")), "the trap is set"
    for path in tmp_path.glob("sprung-*"):
        path.unlink()
    sources = shop.read()
    assert sources.files[1].text == "# $Format:%H$ $Id$\n"
    assert not list(tmp_path.glob("sprung-*"))


def test_nothing_is_fetched(shop: Repository, tmp_path: Path) -> None:
    """Of a partial clone what is missing is missing: to fetch would run what its remote names."""
    shop.run("config", "uploadpack.allowFilter", "true")
    Repository(tmp_path / "unused")
    clone = Repository.__new__(Repository)
    clone.folder = tmp_path / "clone"
    shop.run(
        "clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{shop.folder}", str(clone.folder)
    )
    clone.run("config", "remote.origin.url", f"ext::sh -c touch% {tmp_path}/sprung")
    clone.run("config", "remote.origin.uploadpack", f"touch {tmp_path}/sprung;")
    clone.run("config", "protocol.ext.allow", "always")
    assert "cannot read " in clone.refused("origin/main")
    clone.run("config", "remote.origin.url", str(shop.folder))
    assert "cannot read " in clone.refused("origin/main")
    assert not (tmp_path / "sprung").exists()


def test_replaced_objects(shop: Repository) -> None:
    """What is read is what the id stands for."""
    first = shop.run("rev-parse", "HEAD")
    second = shop.commit(node_toml="# two\n")
    shop.run("replace", second, first)
    sources = shop.read()
    assert (sources.commit, sources.main.text) == (second, "# two\n")


def test_a_git_that_does_not_end(shop: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its deadline, then it and its children are killed."""
    monkeypatch.setattr(git, "DEADLINE", 0.3)
    os.mkfifo(shop.folder / "forever")
    shop.run("config", "include.path", "/dev/null")
    config = shop.folder / ".git/config"
    config.write_text(config.read_text().replace("/dev/null", str(shop.folder / "forever")))
    begun = time.monotonic()
    assert shop.refused() == "cannot read git:shop@main: git did not end within 30 s"
    assert time.monotonic() - begun < 10


def test_a_git_that_prints_too_much(shop: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed at the bound."""
    monkeypatch.setattr(git, "MOST_OUTPUT", 64)
    assert shop.refused() == "cannot read git:shop@main: git printed more than 68.0M"


def owned(folder: Path, uid: int) -> None:
    """Give a whole tree to somebody, who can reach it."""
    for above in folder.parents:
        if above.stat().st_mode & 0o001 == 0:
            above.chmod(above.stat().st_mode | 0o011)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, uid, follow_symlinks=False)


@pytest.mark.skipif(not is_root, reason="only root reads the repositories of others")
def test_root_reads_as_the_owner(shop: Repository) -> None:
    """What the owner may not read root does not read for it, and nothing runs as root."""
    owned(shop.folder, SOMEBODY)
    assert shop.read().main.owner == SOMEBODY
    (shop.folder / ".git/config").chmod(0o644)
    os.chown(shop.folder / ".git/HEAD", 0, 0)
    (shop.folder / ".git/HEAD").chmod(0o600)
    assert shop.refused().startswith("cannot read git:shop@main: ")


@pytest.mark.skipif(not is_root, reason="only root can give files away")
def test_a_repository_whose_own_folder_is_anothers(shop: Repository) -> None:
    """git's own check holds: who owns the folder does not decide for who owns the repository in it."""
    owned(shop.folder, SOMEBODY)
    owned(shop.folder / ".git", SOMEBODY + 1)
    assert "dubious ownership" in shop.refused()


@pytest.mark.skipif(not is_root, reason="only root can become another")
def test_another_users_repository(shop: Repository) -> None:
    """An ordinary user does not follow the settings of somebody else."""
    owned(shop.folder, SOMEBODY)
    refused = in_child(lambda: os.setuid(SOMEBODY + 1), shop.refused)
    assert (
        refused
        == f"cannot read git:shop@main: the repository belongs to uid {SOMEBODY}, whose settings git would follow"
    )


def in_child(become: Callable[[], None], act: Callable[[], str]) -> str:
    """What a child says that became somebody else."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            become()
            os.write(writer, act().encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(pid, 0)
    return said
