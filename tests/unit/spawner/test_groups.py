"""Control groups, in a made-up tree of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from snowfox.contract.spawner import Confinement
from snowfox.errors import PosixError
from snowfox.spawner.groups import Groups
from snowfox.spawner.hierarchy import CPU, IO, MEMORY, PROCESSES, Hierarchies
from snowfox.testing.control import ControlHost

ID = "01JD0000000000000000000000"
TOKEN = f"web~{ID}"
ALL = Confinement(memory=1 << 20, cpu=1500, processes=7, io=4096)
V2 = "cpu io memory pids"
is_root = os.getuid() == 0


def groups(host: ControlHost) -> Groups:
    """The groups of a node on this host."""
    return Groups(host.posix, Hierarchies(host.posix, "snowfox-x", proc=host.proc))


def made(node: Groups, asked: Confinement | None, token: str = TOKEN) -> tuple[str, ...]:
    """The folders of a launch whose groups are made."""
    folders = node.folders(token, asked)
    for descriptor in node.make(folders, asked).ours:
        os.close(descriptor)
    return folders


def test_a_host_without_any(tmp_path: Path) -> None:
    """Nothing is made, everything lacks, and it says so."""
    node = groups(ControlHost(tmp_path, {}))
    assert node.folders(TOKEN, ALL) == ()
    assert made(node, None) == ()
    assert node.lacks(MEMORY) == "this host has none for memory"
    node.kill(())
    assert node.remove(())
    node.end()


def test_version_2_holds_together_version_1_bounds(tmp_path: Path) -> None:
    """Where version 2 has no controllers it holds a launch together, and limits come from version 1."""
    host = ControlHost(tmp_path, {"memory": "/a/b", "cpu": "/", "pids": "/", "blkio": "/", "": "/u"})
    node = groups(host)
    assert [node.lacks(one) for one in (MEMORY, CPU, PROCESSES, IO)] == [""] * 4
    folders = made(node, ALL)
    assert folders[0] == f"{tmp_path}/unified/u/snowfox-x/{TOKEN}"
    assert f"{tmp_path}/memory/a/b/snowfox-x/{TOKEN}" in folders
    assert len(folders) == 5
    memory, cpu, pids = (
        Path(host.tops[name], part, "snowfox-x", TOKEN)
        for name, part in (("memory", "a/b"), ("cpu", ""), ("pids", ""))
    )
    assert (memory / "memory.limit_in_bytes").read_text() == str(1 << 20)
    assert (cpu / "cpu.cfs_quota_us").read_text() == "150000"
    assert (pids / "pids.max").read_text().startswith("7")
    assert len(node.folders(TOKEN, Confinement(processes=1))) == 2
    assert node.remove(folders)
    node.end()
    assert not list(tmp_path.rglob("snowfox-x"))


def test_without_limits_the_launcher_makes_it(tmp_path: Path) -> None:
    """The group of a launch without limits is only named; its place is opened once."""
    node = groups(ControlHost(tmp_path, {"": "/"}))
    folders = node.folders(TOKEN, None)
    order = node.make(folders, None)
    assert folders == (f"{tmp_path}/unified/snowfox-x/{TOKEN}",)
    assert (order.ours, order.is_unified, order.name) == ((), True, TOKEN)
    assert node.make(folders, None).descriptors == order.descriptors
    assert not Path(folders[0]).exists()
    assert node.remove(folders)
    node.end()


def test_all_of_version_2(tmp_path: Path) -> None:
    """With its controllers one group is enough, and they are given to those below."""
    host = ControlHost(tmp_path, {"": "/node"}, controllers=V2)
    node = groups(host)
    (folder,) = made(node, ALL)
    place = host.tops[""] / "node"
    for above in (place, place / "snowfox-x"):
        assert (above / "cgroup.subtree_control").read_text() == "+cpu +io +memory +pids"
    assert Path(folder, "memory.max").read_text() == str(1 << 20)
    assert Path(folder, "memory.swap.max").read_text().startswith("0")
    assert Path(folder, "cpu.max").read_text() == "150000 100000"
    assert Path(folder, "pids.max").read_text().startswith("7")


def test_steps_aside(tmp_path: Path) -> None:
    """A group whose processes are all the node's own is emptied for controllers: they move beside the services."""
    host = ControlHost(tmp_path, {"": "/node"}, controllers=V2)
    place = host.tops[""] / "node"
    (place / "cgroup.procs").write_text(f"{os.getpid()}\n{os.getppid()}")
    node = groups(host)
    assert node.lacks(MEMORY) == ""
    assert (place / "cgroup.procs").read_text() == ""
    assert (place / "snowfox-x-node").exists()


@pytest.mark.skipif(not is_root, reason="only root's node goes to the top")
def test_goes_to_the_top(tmp_path: Path) -> None:
    """Where others' processes are in the way, root's node has its groups at the top of the tree."""
    host = ControlHost(tmp_path, {"": "/session"}, controllers=V2)
    (host.tops[""] / "session" / "cgroup.procs").write_text("1")
    node = groups(host)
    (folder,) = made(node, ALL)
    assert folder == f"{tmp_path}/unified/snowfox-x/{TOKEN}"
    assert node.remove((folder,))
    node.end()
    assert not list(tmp_path.rglob("snowfox-x"))


def test_others_are_in_the_way(tmp_path: Path) -> None:
    """In a container, whose top is a group like others, limits then lack with the reason; launches hold together still."""
    host = ControlHost(tmp_path, {"": "/session"}, controllers=V2)
    (host.tops[""] / "session" / "cgroup.procs").write_text("1")
    (host.tops[""] / "cgroup.type").write_text("domain")
    node = groups(host)
    assert node.lacks(CPU) == f"{tmp_path}/unified/session has processes that are not this node's"
    (folder,) = made(node, ALL)
    assert Path(folder, "memory.max").read_text() == "max"


def test_what_was_reached(tmp_path: Path) -> None:
    """A kill for memory is that of its own limit or of the host's; else the limit of processes, if it was reached."""
    node = groups(ControlHost(tmp_path, {"": "/"}, controllers=V2))
    (folder,) = folders = made(node, ALL)
    assert node.reached(folders) == ""
    Path(folder, "pids.events").write_text("max 3\n")
    assert node.reached(folders) == "processes"
    Path(folder, "memory.events").write_text("oom 1\noom_kill 1\n")
    assert node.reached(folders) == "memory"
    Path(folder, "memory.max").write_text("max\n")
    assert node.reached(folders) == "host-memory"


def test_what_is_left_is_killed(tmp_path: Path) -> None:
    """A group with processes cannot be removed; dropped it is killed, and gone with the next sweep. Groups below go too."""
    node = groups(ControlHost(tmp_path, {"": "/"}))
    (folder,) = folders = made(node, Confinement(nice=1))
    Path(folder, "cgroup.procs").write_text("4711\n")
    node._posix.folders.make(f"{folder}/below", 0o755)
    assert not node.remove(folders)
    assert node.members(folders) == [4711]
    node.drop(folders)
    assert Path(folder, "cgroup.kill").read_text() == "1"
    assert node.wants_sweep
    node.sweep()
    assert not node.wants_sweep
    assert not Path(folder).exists()


def test_strangers_of_an_earlier_spawner(tmp_path: Path) -> None:
    """At the start groups go whose launch nobody knows; others stay."""
    host = ControlHost(tmp_path, {"": "/"})
    kept, gone = made(groups(host), Confinement(nice=1)), made(groups(host), Confinement(nice=1), f"old~{ID}")
    groups(host).begin({TOKEN})
    assert Path(kept[0]).exists()
    assert not Path(gone[0]).exists()


def test_another_place(tmp_path: Path) -> None:
    """A launch from when the node was started elsewhere goes with the folder that it had there."""
    host = ControlHost(tmp_path, {"": "/a"})
    earlier, other = (
        made(groups(host), Confinement(nice=1)),
        made(groups(host), Confinement(nice=1), f"old~{ID}"),
    )
    Path(host.proc, "cgroup").write_text("0::/")
    node = groups(host)
    assert node.remove(earlier)
    assert Path(other[0]).exists()
    assert node.remove(other)
    assert not Path(other[0]).parent.exists()


def test_a_limit_that_the_kernel_refuses(tmp_path: Path) -> None:
    """Then nothing of the groups stays, and the step is named."""
    host = ControlHost(tmp_path, {"": "/"}, controllers=V2)
    node = groups(host)
    made(node, Confinement(nice=1), f"other~{ID}")
    original = type(host.posix.files).write

    def refuse(files, descriptor, data):
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith("memory.max"):
            raise PosixError("write", "", 22)
        return original(files, descriptor, data)

    host.posix.files.write = refuse.__get__(host.posix.files)
    folders = node.folders(TOKEN, ALL)
    with pytest.raises(PosixError) as caught:
        node.make(folders, ALL)
    assert (caught.value.call, caught.value.errno) == ("make control group", 22)
    assert not Path(folders[0]).exists()


def test_somebody_tidied_up(tmp_path: Path) -> None:
    """The node's folder that was removed from outside is made again for the next launch."""
    host = ControlHost(tmp_path, {"": "/"})
    node = groups(host)
    (folder,) = node.folders(TOKEN, None)
    host.posix.folders.remove(str(Path(folder).parent), is_folder=True)
    node.lose()
    assert node.folders(TOKEN, None) == (folder,)
    assert Path(folder).parent.exists()
    node.end()
