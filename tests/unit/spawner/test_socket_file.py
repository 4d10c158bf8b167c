"""Files of unix sockets, on the fake kernel."""

from __future__ import annotations

import errno

import pytest

from snowfox.core.posix.address import parse
from snowfox.core.posix.api import Ids
from snowfox.errors import PosixError
from snowfox.spawner.in_force import InForce
from snowfox.spawner.socket_file import Look, SocketFiles
from snowfox.testing.kernel import FakePosix
from snowfox.testing.kernel.disk import FolderNode, LinkNode, Node, SocketNode
from snowfox.testing.launches import Bench

RUN = "/srv/shop/run"
PATH = f"{RUN}/front.sock"
ADDRESS = parse(f"unix:{PATH}")
SHOP = Ids(1000, 1000, (1000,))
LOOK = Look(0o660, 1000, 1001)


@pytest.fixture
def files(bench: Bench) -> SocketFiles:
    """Of root's node; the folder belongs to the service's user."""
    bench.kernel.folder(RUN, ids=SHOP)
    return SocketFiles(bench.posix, bench.rules)


def seen(bench: Bench, path: str = PATH) -> tuple[int, int, int]:
    """Mode and owner of a file."""
    found = bench.posix.files.stat(path)
    return found.mode & 0o777, found.uid, found.gid


def names(bench: Bench) -> list[str]:
    """What is in the folder."""
    return sorted(bench.posix.folders.names(RUN))


def test_look(bench: Bench, files: SocketFiles) -> None:
    """Mode and owner as asked, nothing else is left in the folder, and a client gets through."""
    bound, identity = files.bind(ADDRESS, LOOK)
    assert (seen(bench), names(bench)) == ((0o660, 1000, 1001), ["front.sock"])
    bench.posix.sockets.listen(bound, 5)
    FakePosix(bench.kernel, uid=1000).sockets.connect(f"unix:{PATH}")
    assert files.is_ours(ADDRESS, identity)
    files.remove(ADDRESS, identity)
    assert names(bench) == []


def test_never_seen_before_it_is_given_away(bench: Bench, files: SocketFiles) -> None:
    """At its path it appears with its mode and its owner; before, it is in a folder that only root can enter."""
    walked: list[tuple[int, int]] = []
    doing = bench.kernel.doing

    def watched(process: object, call: str, *rest: object, **details: object) -> object:
        if call == "folders.own":
            (private,) = (node for node in _entries(bench).values() if isinstance(node, FolderNode))
            walked.append((private.mode & 0o777, private.uid))
            assert "front.sock" not in _entries(bench)
        return doing(process, call, *rest, **details)  # type: ignore[arg-type]

    bench.kernel.doing = watched  # type: ignore[assignment, method-assign]
    files.bind(ADDRESS, LOOK)
    assert walked == [(0o700, 0)]


def _entries(bench: Bench) -> dict[str, Node]:
    return bench.kernel.folder(RUN).entries


def test_failure_leaves_nothing(bench: Bench, files: SocketFiles) -> None:
    """Whatever step fails, no file, folder or descriptor stays."""
    before = len(bench.posix.process.descriptors)
    for call in ("sockets.bind", "folders.own", "folders.link", "files.stat", "folders.make"):
        bench.kernel.fail(call, errno.EIO)
        with pytest.raises(PosixError):
            files.bind(ADDRESS, LOOK)
        bench.kernel.heal()
        assert (names(bench), len(bench.posix.process.descriptors)) == ([], before), call


def test_folder_swapped_meanwhile(bench: Bench, files: SocketFiles) -> None:
    """Where its owner puts another folder into the place of ours, nothing is made in it, let alone given away."""
    evil = FolderNode(0o777, SHOP, bench.kernel.disk.number(), None)
    doing = bench.kernel.doing

    def swap(process: object, call: str, *rest: object, **details: object) -> object:
        if call == "files.open":
            for name, node in list(_entries(bench).items()):
                if isinstance(node, FolderNode):
                    _entries(bench)[name] = evil
        return doing(process, call, *rest, **details)  # type: ignore[arg-type]

    bench.kernel.doing = swap  # type: ignore[assignment, method-assign]
    with pytest.raises(PosixError, match="EPERM"):
        files.bind(ADDRESS, LOOK)
    assert evil.entries == {}
    assert "front.sock" not in names(bench)


def test_stale_file_is_replaced(bench: Bench, files: SocketFiles) -> None:
    """The file of a socket whose owner is gone, be it with another look."""
    before = FakePosix(bench.kernel)
    before.sockets.bind(f"unix:{PATH}", mode=0o777)
    bench.kernel.signal(before.process, 9)
    files.bind(ADDRESS, LOOK)
    assert (seen(bench), names(bench)) == ((0o660, 1000, 1001), ["front.sock"])


def test_living_file_and_other_files_are_not(bench: Bench, files: SocketFiles) -> None:
    """A socket that somebody listens on, a file, a folder, a link: refused, and still there."""
    rival = FakePosix(bench.kernel)
    rival.sockets.listen(rival.sockets.bind(f"unix:{PATH}"), 1)
    others: list[Node] = [
        _entries(bench)["front.sock"],
        LinkNode("/etc/passwd", SHOP, 99),
        FolderNode(0o755, SHOP, 98, None),
    ]
    for node in others:
        _entries(bench)["front.sock"] = node
        with pytest.raises(PosixError) as caught:
            files.bind(ADDRESS, LOOK)
        assert caught.value.errno == errno.EADDRINUSE
        assert _entries(bench) == {"front.sock": node}


def test_folder_that_everybody_may_write(bench: Bench, files: SocketFiles) -> None:
    """In root's node such a folder is refused with the line that helps, unless it is sticky."""
    bench.kernel.folder(RUN).mode |= 0o002
    with pytest.raises(PosixError) as caught:
        files.bind(ADDRESS, LOOK)
    assert caught.value.hint == f"everybody may write its folder: chmod o-w {RUN}"
    bench.kernel.folder(RUN).mode |= 0o1000
    files.bind(ADDRESS, LOOK)


def test_change(bench: Bench, files: SocketFiles) -> None:
    """Mode and owner of our file change in place."""
    _, identity = files.bind(ADDRESS, Look())
    assert seen(bench) == (0o666, 0, 0)
    assert files.change(ADDRESS, LOOK, identity)
    assert (seen(bench), names(bench)) == ((0o660, 1000, 1001), ["front.sock"])
    assert files.is_ours(ADDRESS, identity)


def test_only_ours_is_changed_and_removed(bench: Bench, files: SocketFiles) -> None:
    """Another program's socket that was put into the place of ours is not given away, nor removed."""
    _, identity = files.bind(ADDRESS, Look())
    docker = SocketNode(0o600, Ids(0, 0, (0,)), bench.kernel.disk.number(), None)
    _entries(bench)["front.sock"] = docker
    assert not files.is_ours(ADDRESS, identity)
    assert not files.change(ADDRESS, LOOK, identity)
    files.remove(ADDRESS, identity)
    assert (seen(bench), names(bench)) == ((0o600, 0, 0), ["front.sock"])
    del _entries(bench)["front.sock"]
    assert not files.change(ADDRESS, LOOK, identity)
    files.remove(ADDRESS, identity)


def test_an_ordinary_user(bench: Bench) -> None:
    """May not give it away; its own group is fine."""
    posix = FakePosix(bench.kernel, uid=2000)
    bench.kernel.folder("/home/a/run", ids=Ids(2000, 2000, (2000,)))
    files = SocketFiles(posix, InForce(posix, bench.policy.replace(own=2000, manager=2000)))
    address = parse("unix:/home/a/run/x.sock")
    with pytest.raises(PosixError, match="EPERM"):
        files.bind(address, Look(0o600, 1000, -1))
    files.bind(address, Look(0o600, 2000, 2000))
    assert seen(bench, "/home/a/run/x.sock") == (0o600, 2000, 2000)
