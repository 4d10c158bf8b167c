"""Which store is whose: it stays with a `.snowfox`, and goes when that is gone."""

from __future__ import annotations

import os
import stat

import pytest

from snowfox.contract.start import STORES
from snowfox.core.posix.api import Ids
from snowfox.daemon import folders, stores
from snowfox.errors import HostError
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.testing.kernel.disk import LinkNode

ANNA = Ids(1000, 1000, (1000,))
MANAGER = 61200
SHOP = "/srv/shop"


@pytest.fixture
def kernel() -> FakeKernel:
    """A host with a project of anna's."""
    kernel = FakeKernel()
    kernel.folder(SHOP, ids=ANNA)
    return kernel


class Run:
    """A node of root that runs at this path, with a file in its store."""

    def __init__(self, kernel: FakeKernel, project: str = SHOP) -> None:
        self.posix = FakePosix(kernel)
        _, home = folders.open_home(self.posix, project)
        self.claim = stores.claim(self.posix, home, project)
        stores.make(self.posix, self.claim, MANAGER)
        self.path = self.claim.path
        kernel.write(f"{self.path}/state.db", b"wishes", ids=Ids(MANAGER, MANAGER, ()))

    def end(self) -> None:
        """As the daemon does, with what the kernel does at its end."""
        stores.remove_gone(self.posix, self.claim)
        self.posix.files.close(self.claim.note)


def there(kernel: FakeKernel) -> set[str]:
    """Paths of the stores that there are; each has its note."""
    names = set(kernel.folder(STORES).entries)
    found = {name for name in names if not name.endswith(".project")}
    assert names == found | {f"{name}.project" for name in found}
    return {f"{STORES}/{name}" for name in found}


def move(kernel: FakeKernel, old: str, new: str) -> None:
    """What mv does."""
    FakePosix(kernel).folders.rename(old, new)


def test_it_is_the_managers_below_folders_of_root(kernel: FakeKernel) -> None:
    """Parents 0755 of root, the folder itself 0700 of the manager, the note root's alone."""
    run = Run(kernel)
    for path, mode, owner in (
        (STORES, 0o755, 0),
        (run.path, 0o700, MANAGER),
        (f"{run.path}.project", 0o600, 0),
    ):
        found = run.posix.files.stat(path)
        assert (stat.S_IMODE(found.mode), found.uid) == (mode, owner)


def test_a_folder_of_others_is_refused(kernel: FakeKernel) -> None:
    """Whoever owns a parent could put another store there."""
    kernel.folder("/var/lib/snowfox", ids=ANNA)
    with pytest.raises(HostError, match="/var/lib/snowfox can be changed by others than root"):
        Run(kernel)


def test_it_stays_over_restarts_and_moves(kernel: FakeKernel) -> None:
    """The same folder has the same store, also under another name, and also when /var/lib was emptied."""
    first = Run(kernel)
    first.end()
    again = Run(kernel)
    again.end()
    move(kernel, SHOP, "/srv/store")
    moved = Run(kernel, "/srv/store")
    moved.end()
    assert first.path == again.path == moved.path
    assert there(kernel) == {first.path}
    del kernel.folder("/var/lib/snowfox").entries["projects"]
    assert Run(kernel, "/srv/store").path == first.path


def test_a_new_folder_at_the_path_begins_anew(kernel: FakeKernel) -> None:
    """What was asked of a project that was removed is not done to the next one there; its store goes."""
    old = Run(kernel)
    old.end()
    move(kernel, SHOP, "/old")
    del kernel.disk.root.entries["old"]
    kernel.folder(SHOP, ids=ANNA)
    new = Run(kernel)
    assert new.path != old.path
    new.end()
    assert there(kernel) == {new.path}


def test_a_copy_has_a_store_of_its_own(kernel: FakeKernel) -> None:
    """A `.snowfox` copied with its project names the other's store, which is left alone."""
    one = Run(kernel)
    one.end()
    content = kernel.folder(f"{SHOP}/.snowfox").entries["store"]
    kernel.folder("/srv/copy/.snowfox", mode=0o700).entries["store"] = content
    copy = Run(kernel, "/srv/copy")
    assert copy.path != one.path
    copy.end()
    assert there(kernel) == {one.path, copy.path}


def test_another_path_to_the_same_folder_is_no_copy(kernel: FakeKernel) -> None:
    """A bind mount shows the same `.snowfox`, which keeps its store."""
    one = Run(kernel)
    one.end()
    kernel.folder("/mnt").entries["shop"] = kernel.folder(SHOP)
    assert Run(kernel, "/mnt/shop").path == one.path


def test_a_store_in_use_is_nobody_elses(kernel: FakeKernel) -> None:
    """A node runs on though its folder is gone: neither is its store removed nor given to who names it."""
    one = Run(kernel)
    home = kernel.folder(f"{SHOP}/.snowfox")
    move(kernel, SHOP, "/old")
    other = Run(kernel, "/srv")
    other.end()
    assert there(kernel) == {one.path, other.path}
    kernel.folder("/srv/copy").entries[".snowfox"] = home
    del kernel.disk.root.entries["old"]
    assert Run(kernel, "/srv/copy").path != one.path


def test_what_may_only_be_out_of_sight_stays(kernel: FakeKernel) -> None:
    """A project on another device may not be mounted now."""
    one = Run(kernel)
    one.posix.files.close(one.claim.note)
    kernel.write(f"{one.path}.project", b"77 /mnt/away/shop", mode=0o600)
    other = Run(kernel, "/srv")
    other.end()
    assert one.path in there(kernel)


def test_a_home_of_another_user_names_nothing(kernel: FakeKernel) -> None:
    """Whoever owns the project cannot keep a store by a `.snowfox` of his own, or a link."""
    one = Run(kernel)
    one.posix.files.close(one.claim.note)
    name = one.claim.name.encode()
    move(kernel, f"{SHOP}/.snowfox", f"{SHOP}/was")
    kernel.write(f"{SHOP}/.snowfox/store", name, ids=ANNA)
    kernel.folder(SHOP).entries[".snowfox"].uid = 1000
    other = Run(kernel, "/srv")
    stores.remove_gone(other.posix, other.claim)
    assert there(kernel) == {other.path}


def test_what_a_manager_left_there_harms_nobody(kernel: FakeKernel) -> None:
    """A link in a store is removed, not followed; a store with a folder in it stays, and the others are removed."""
    kernel.write("/etc/passwd", b"root")
    runs: list[Run] = []
    for number in range(3):
        kernel.folder(f"/srv/p{number}")
        runs.append(Run(kernel, f"/srv/p{number}"))
        runs[-1].posix.files.close(runs[-1].claim.note)
    kernel.folder(runs[0].path).entries["link"] = LinkNode("/etc/passwd", ANNA, kernel.disk.number())
    kernel.folder(f"{runs[1].path}/folder")
    for number in range(3):
        del kernel.folder("/srv").entries[f"p{number}"]
    other = Run(kernel)
    other.end()
    assert there(kernel) == {runs[1].path, other.path}
    assert kernel.folder("/etc").entries["passwd"].size == 4


def test_few_are_looked_at(kernel: FakeKernel) -> None:
    """The end of a node does not grow with the number of stores; over some ends all have their turn."""
    ours = Run(kernel)
    for number in range(3 * stores.MOST):
        kernel.folder(f"{STORES}/{number:032d}", mode=0o700)
        kernel.write(f"{STORES}/{number:032d}.project", b"%d /srv/p%d" % (ours.claim.device, number))
    stores.remove_gone(ours.posix, ours.claim)
    assert 2 * stores.MOST <= len(there(kernel)) - 1 <= 2 * stores.MOST + 1
    for _ in range(50):
        stores.remove_gone(ours.posix, ours.claim)
    assert there(kernel) == {ours.path}


def test_one_that_cannot_be_read_is_left(kernel: FakeKernel) -> None:
    """A note that is being written, or is none of ours, is passed over."""
    ours = Run(kernel)
    kernel.write(f"{STORES}/new.project", b"")
    kernel.write(f"{STORES}/odd.project", b"x" * 10)
    kernel.fail("files.open", 5, path="/srv/broken", times=1)
    kernel.write(f"{STORES}/broken.project", b"%d /srv/broken" % ours.claim.device)
    ours.end()
    assert {"new.project", "odd.project", "broken.project"} <= set(kernel.folder(STORES).entries)
    assert os.path.basename(ours.path) in kernel.folder(STORES).entries
