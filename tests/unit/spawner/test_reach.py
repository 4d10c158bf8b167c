"""Which folder stops a user."""

from __future__ import annotations

import os
from typing import Any

import pytest

from snowfox.core.posix.api import Ids
from snowfox.spawner.reach import Blocked, Judge, folder_problem, program_problem, walk
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.testing.kernel.disk import LinkNode

SHOP = Ids(1000, 1000, (1000, 2000))


@pytest.fixture
def kernel() -> FakeKernel:
    """Open and closed folders."""
    kernel = FakeKernel()
    kernel.folder("/root", mode=0o700)
    kernel.folder("/root/shop")
    kernel.folder("/srv/shop", ids=SHOP, mode=0o700)
    kernel.folder("/srv/team", ids=Ids(0, 2000, (2000,)), mode=0o750)
    kernel.folder("/srv/other", ids=Ids(7, 7, (7,)), mode=0o750)
    return kernel


@pytest.mark.parametrize("folder", ["/", "/srv/shop", "/srv/team"])
def test_reachable(kernel: FakeKernel, folder: str) -> None:
    """By its own bits, those of one of its groups, or those for all."""
    assert folder_problem(FakePosix(kernel), folder, Judge(SHOP), "shop") is None


@pytest.mark.parametrize(
    ("folder", "why"),
    [
        ("/root/shop", "/root does not let it in"),
        ("/srv/other", "its mode is 0750"),
        ("/srv/other/x", "/srv/other does not let it in"),
        ("/srv/nowhere/x", "no such file or directory: /srv/nowhere"),
        ("/srv/nowhere", "no such file or directory"),
        ("/srv/./nowhere/", "no such file or directory"),
        ("/srv/link", "no such file or directory: /srv/nowhere"),
        ("/srv/file", "it is not a folder"),
        ("/srv/file/x", "/srv/file is not a folder"),
        (f"/srv/{300 * 'x'}", "file name too long (ENAMETOOLONG)"),
        (f"/srv/{300 * 'x'}/y", f"/srv/{300 * 'x'}: file name too long (ENAMETOOLONG)"),
    ],
)
def test_blocked(kernel: FakeKernel, folder: str, why: str) -> None:
    """The first folder that stops it is named, once."""
    kernel.write("/srv/file", b"")
    kernel.folder("/srv").entries["link"] = LinkNode("/srv/nowhere", SHOP, kernel.disk.number())
    assert (
        folder_problem(FakePosix(kernel), folder, Judge(SHOP), "shop")
        == f"user shop cannot reach folder {folder}: {why}"
    )


def test_root_enters_everywhere(kernel: FakeKernel) -> None:
    """Root needs no bits of a folder."""
    assert folder_problem(FakePosix(kernel), "/srv/other", Judge(Ids(0, 0, (0,))), "root") is None


def test_not_a_folder_on_the_way(kernel: FakeKernel) -> None:
    """A file ends the way."""
    kernel.write("/srv/file", b"")
    with pytest.raises(Blocked):
        walk(FakePosix(kernel), "/srv/file/x", Judge(SHOP))


def program(kernel: FakeKernel, name: str, path: str = "/usr/bin:/root/bin") -> str | None:
    """What speaks against a program."""
    return program_problem(FakePosix(kernel), name, Judge(SHOP), user="shop", path=path, folder="/srv/shop")


def test_program_found(kernel: FakeKernel) -> None:
    """In PATH, or by its path."""
    kernel.install("/usr/bin/web")
    assert program(kernel, "web") is None
    assert program(kernel, "/usr/bin/web") is None


def test_program_relative_to_the_folder(kernel: FakeKernel) -> None:
    """With a slash it is looked for from the service's folder."""
    kernel.install("/srv/shop/run")
    assert program(kernel, "./run") is None
    assert program(kernel, "./walk") == "no program /srv/shop/walk: no such file or directory"


def test_program_problems(kernel: FakeKernel) -> None:
    """Missing, in a closed folder, not executable, no file: each says so."""
    kernel.install("/root/bin/secret")
    kernel.install("/usr/bin/private", mode=0o700)
    assert program(kernel, "web") == "no program web in PATH (/usr/bin:/root/bin)"
    assert program(kernel, "web", "") == "no program web in PATH (empty)"
    assert program(kernel, "secret") == "user shop cannot reach /root/bin/secret: /root does not let it in"
    assert program(kernel, "private") == "user shop cannot execute /usr/bin/private: its mode is 0700"
    assert program(kernel, "/srv") == "/srv is not a file"


def test_later_in_path(kernel: FakeKernel) -> None:
    """One that cannot be had does not hide one that can."""
    kernel.install("/root/bin/web")
    kernel.install("/usr/bin/web")
    assert program(kernel, "web", "/root/bin:/usr/bin") is None


def test_interpreter(kernel: FakeKernel) -> None:
    """A script whose interpreter is closed or missing says which: the kernel names only the script."""
    kernel.install("/root/venv/bin/python")
    kernel.write("/srv/shop/app", b"#!/root/venv/bin/python -u\n", mode=0o755)
    assert program(kernel, "./app") == (
        "user shop cannot reach /root/venv/bin/python, which runs /srv/shop/app: /root does not let it in"
    )
    kernel.write("/srv/shop/gone", b"#!/no/such/python\n", mode=0o755)
    assert "no such file or directory: /no" in (program(kernel, "./gone") or "")


def test_swapped_program(kernel: FakeKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was put in a program's place since it was looked at is not opened, let alone read: it may be a device."""
    kernel.write("/srv/shop/app", b"#!/no/such/python\n", mode=0o755)
    kernel.write("/root/secret", b"#!/root/secret/path\n", mode=0o700)
    posix = FakePosix(kernel)
    opened: list[str] = []
    open_really = posix.files.open

    def swap(path: str, flags: int, **more: Any) -> int:
        if path == "/srv/shop/app":
            path = "/root/secret"
        if not flags & os.O_PATH:
            opened.append(path)
        return open_really(path, flags, **more)

    monkeypatch.setattr(posix.files, "open", swap)
    assert program_problem(posix, "./app", Judge(SHOP), user="shop", path="", folder="/srv/shop") is None
    assert opened == []


def test_what_holds_for_another_user(kernel: FakeKernel) -> None:
    """What one user was told is true for who would be told the same all the way, and only for them."""
    judge = Judge(SHOP)
    assert folder_problem(FakePosix(kernel), "/srv/team", judge, "shop") is None
    assert judge.holds_for(Ids(1001, 2000, (2000,)))
    assert not judge.holds_for(Ids(1001, 1001, (1001,)))
    assert Judge(SHOP).holds_for(Ids(7, 7, (7,)))
