"""The node's folders: modes, owners, and what is refused."""

from __future__ import annotations

import stat
from errno import EACCES, ELOOP

import pytest

from snowfox.core.posix.api import Ids
from snowfox.daemon import folders
from snowfox.errors import HostError, PosixError
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.testing.kernel.disk import LinkNode

ANNA = Ids(1000, 1000, (1000,))


@pytest.fixture
def kernel() -> FakeKernel:
    """A host with a project of anna's."""
    kernel = FakeKernel()
    kernel.add_user("anna", 1000)
    kernel.folder("/home/anna", ids=ANNA, mode=0o700)
    kernel.folder("/home/anna/shop", ids=ANNA)
    return kernel


def link(kernel: FakeKernel, folder: str, name: str, target: str) -> None:
    """Put a symbolic link of anna's there."""
    kernel.folder(folder).entries[name] = LinkNode(target, ANNA, kernel.disk.number())


def opened(posix: FakePosix, owner: int) -> folders.Places:
    """All folders of a node there."""
    project, home = folders.open_home(posix, "/home/anna/shop")
    return folders.open_places(posix, project, home, path="/home/anna/shop/.snowfox", owner=owner)


def test_roots_node_in_a_users_closed_home(kernel: FakeKernel) -> None:
    """All is root's and 0700 but the logs, which belong to the manager."""
    root = FakePosix(kernel)
    opened(root, 61200)
    for name, owner in (("", 0), ("/run", 0), ("/run/launches", 0), ("/logs", 61200)):
        found = root.files.stat(f"/home/anna/shop/.snowfox{name}")
        assert (stat.S_IMODE(found.mode), found.uid) == (0o700, owner), name


def test_a_second_start_finds_all_as_it_is(kernel: FakeKernel) -> None:
    """What is there is used; a mode that somebody widened is put right."""
    root = FakePosix(kernel)
    opened(root, 61200)
    root.folders.mode("/home/anna/shop/.snowfox/run", 0o777)
    opened(root, 61200)
    assert stat.S_IMODE(root.files.stat("/home/anna/shop/.snowfox/run").mode) == 0o700


def test_a_folder_of_another_user_is_refused(kernel: FakeKernel) -> None:
    """Root does not use a `.snowfox` that the project's owner made: it could be swapped any time."""
    opened(FakePosix(kernel, uid=1000), 1000)
    with pytest.raises(HostError, match="belongs to uid 1000, not to uid 0"):
        folders.open_home(FakePosix(kernel), "/home/anna/shop")


def test_a_link_is_not_followed(kernel: FakeKernel) -> None:
    """A `.snowfox` that is a link to somewhere else is refused."""
    kernel.folder("/etc/secret", mode=0o700)
    link(kernel, "/home/anna/shop", ".snowfox", "/etc/secret")
    with pytest.raises(PosixError) as caught:
        folders.open_home(FakePosix(kernel), "/home/anna/shop")
    assert caught.value.object == "/home/anna/shop/.snowfox"
    assert caught.value.errno in {ELOOP, 20}


def test_what_cannot_be_made_is_named_in_full(kernel: FakeKernel) -> None:
    """The path in the message is the one that the person knows."""
    kernel.add_user("ben", 1001)
    kernel.folder("/srv/readonly")
    with pytest.raises(PosixError) as caught:
        folders.open_home(FakePosix(kernel, uid=1001), "/srv/readonly")
    assert str(caught.value) == "cannot make folder /srv/readonly/.snowfox: permission denied (EACCES)"
    assert caught.value.errno == EACCES
