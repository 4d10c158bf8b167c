"""What processes are kept from, by both ways to make one where both can."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from snowfox.core.posix.api import Ids
from snowfox.spawner.launch import Confinement, Launcher, Maker
from snowfox.testing.making import launch, shell
from snowfox.testing.node import let_in

is_root = os.geteuid() == 0
needs_root = pytest.mark.skipif(not is_root, reason="only root can change mounts and capabilities")
OTHER = Ids(61500, 61501, (61501,))
UNIFIED = next(
    (
        folder
        for folder in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")
        if os.path.exists(f"{folder}/cgroup.procs")
    ),
    "",
)
PIDS = "/sys/fs/cgroup/pids"


@contextmanager
def group(hierarchy: str) -> Iterator[tuple[Path, int]]:
    """A control group for the test, and its folder opened."""
    folder = Path(hierarchy, f"snowfox-test-{os.getpid()}")
    folder.mkdir()
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield folder, opened
    finally:
        os.close(opened)
        folder.rmdir()


def test_nice_and_score(maker: Maker, tmp_path: Path) -> None:
    """Priority and the score of running out of memory are as ordered."""
    done = launch(
        maker,
        tmp_path / "r",
        **shell("cut -d' ' -f19 /proc/$$/stat; cat /proc/$$/oom_score_adj"),
        confinement=Confinement(nice=7, score=300),
    )
    assert done.out.split() == ["7", "300"]


@needs_root
def test_a_lower_one_is_for_root(maker: Maker, tmp_path: Path) -> None:
    """Set before the change of user, it may be lower than ours."""
    done = launch(
        maker,
        tmp_path / "r",
        **shell("cut -d' ' -f19 /proc/$$/stat"),
        confinement=Confinement(nice=-5),
        ids=OTHER,
    )
    assert done.record.failed is None
    assert done.out == "-5\n"


@pytest.mark.skipif(not os.path.exists("/proc/self/autogroup"), reason="this kernel does not group sessions")
def test_nice_of_the_session(maker: Maker, tmp_path: Path) -> None:
    """Its priority counts among other sessions, too; of ordinary users the kernel takes one such wish each 100 ms."""
    for number in range(20):
        wish = Confinement(nice=7)
        done = launch(maker, tmp_path / f"r{number}", **shell("cat /proc/$$/autogroup"), confinement=wish)
        if done.out.endswith("nice 7\n"):
            return
        time.sleep(0.13)
    pytest.fail(done.out)


def test_score_that_the_kernel_refuses(maker: Maker, tmp_path: Path) -> None:
    """A step that fails is named."""
    done = launch(maker, tmp_path / "r", confinement=Confinement(score=1001))
    step = "set the score of running out of memory"
    assert done.record.failed == (step, "/proc/self/oom_score_adj", errno.EINVAL)


def test_new_privileges(maker: Maker, tmp_path: Path) -> None:
    """Only where it is asked for may a process gain rights."""
    done = launch(
        maker,
        tmp_path / "r",
        **shell("grep NoNewPrivs /proc/self/status"),
        confinement=Confinement(new_privileges=True),
    )
    assert done.out.split() == ["NoNewPrivs:", "0"]


@pytest.mark.skipif(not is_root or not UNIFIED, reason="needs control groups of version 2")
def test_joins_the_unified_group(maker: Maker, tmp_path: Path) -> None:
    """It is in its group of version 2 before it runs, with and without one of version 1."""
    with group(UNIFIED) as (folder, opened):
        done = launch(
            maker,
            tmp_path / "r",
            **shell("grep ^0: /proc/$$/cgroup"),
            groups=(opened,),
            is_unified=True,
            ids=OTHER,
        )
    assert done.out.endswith(f"/{folder.name}\n")


@pytest.mark.skipif(not is_root or not UNIFIED, reason="needs control groups of version 2")
def test_makes_its_group(maker: Maker, tmp_path: Path) -> None:
    """A group of version 2 can be made with the process; one that is there is taken."""
    with group(UNIFIED) as (folder, opened):
        for record in ("r", "s"):
            done = launch(
                maker,
                tmp_path / record,
                **shell("grep ^0: /proc/$$/cgroup"),
                groups=(opened,),
                is_unified=True,
                group="web~1",
                ids=OTHER,
            )
            assert done.out.endswith(f"/{folder.name}/web~1\n")
        (folder / "web~1").rmdir()


def test_group_that_cannot_be_made(maker: Maker, tmp_path: Path) -> None:
    """Where there is no place for its group, that is the step that fails."""
    opened = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        done = launch(maker, tmp_path / "r", groups=(opened,), is_unified=True, group="web~1")
    finally:
        os.close(opened)
    assert done.record.failed == ("make control group", "web~1", errno.ENOENT)


@pytest.mark.skipif(not is_root or not os.path.exists(PIDS), reason="needs control groups of version 1")
def test_joins_groups_of_version_1(maker: Maker, tmp_path: Path) -> None:
    """One of version 1 is joined too; descriptors of groups do not reach the program."""
    with group(PIDS) as (folder, opened):
        done = launch(
            maker,
            tmp_path / "r",
            **shell("grep :pids: /proc/$$/cgroup; ls /proc/$$/fd"),
            groups=(opened,),
            ids=OTHER,
        )
    first, *descriptors = done.out.splitlines()
    assert first.endswith(f":pids:/{folder.name}")
    assert descriptors == ["0", "1", "2"]


def test_no_group(maker: Maker, tmp_path: Path) -> None:
    """A folder that is no control group is a step that fails."""
    opened = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        done = launch(maker, tmp_path / "r", groups=(opened,), is_unified=True)
    finally:
        os.close(opened)
    assert done.record.failed == ("join control group", "cgroup.procs", errno.ENOENT)


def test_fork_refuses_mounts(tmp_path: Path, maker: Maker) -> None:
    """What the fork cannot do it does not pass over."""
    if maker.confines:
        pytest.skip("the launcher can")
    done = launch(maker, tmp_path / "r", confinement=Confinement(private=("/tmp",)))
    assert done.record.failed == ("confine", "", errno.ENOSYS)


def mapped() -> Ids | None:
    """An ordinary user needs a user namespace."""
    return None if is_root else Ids(os.getuid(), os.getgid(), ())


def test_mounts(launcher: Path, tmp_path: Path, confiner: Launcher) -> None:
    """/tmp is its own and empty, what is read-only stays so but for what is writable below it; ours are as before."""
    closed, kept = tmp_path / "closed", tmp_path / "closed" / "kept"
    kept.mkdir(parents=True)
    for folder in (closed, kept):
        folder.chmod(0o777)
    let_in(tmp_path)
    script = (
        f"echo a > {closed}/a; echo b > {kept}/b && echo kept; ls -A /var/tmp; echo x > /var/tmp/x && echo own;"
        " stat -c %a /var/tmp"
    )
    confinement = Confinement(
        private=("/var/tmp",), read_only=(str(closed),), writable=(str(kept),), mapped=mapped()
    )
    done = launch(
        confiner,
        tmp_path / "r",
        **shell(f"({script}) 2>&1"),
        confinement=confinement,
        ids=OTHER if is_root else None,
    )
    assert done.record.failed is None
    assert "Read-only file system" in done.out
    assert done.out.splitlines()[1:] == ["kept", "own", "1777"]
    assert not (closed / "a").exists()
    assert (kept / "b").exists()
    assert not os.path.exists("/var/tmp/x")


def test_all_read_only(tmp_path: Path, confiner: Launcher) -> None:
    """The whole tree can be read-only but for one folder."""
    tmp_path.chmod(0o777)
    done = launch(
        confiner,
        tmp_path / "r",
        **shell(f"(touch /usr/x; touch {tmp_path}/x && echo kept) 2>&1"),
        confinement=Confinement(read_only=("/",), writable=(str(tmp_path),), mapped=mapped()),
    )
    assert done.out.splitlines()[1:] == ["kept"]
    assert "Read-only file system" in done.out
    assert (tmp_path / "x").exists()


def test_mount_that_fails_is_named(tmp_path: Path, confiner: Launcher) -> None:
    """The step, the path and the errno come back."""
    done = launch(confiner, tmp_path / "r", confinement=Confinement(read_only=("/nowhere",), mapped=mapped()))
    assert done.record.failed == ("mount", "/nowhere", errno.ENOENT)


@needs_root
def test_capabilities(tmp_path: Path, confiner: Launcher) -> None:
    """Another user keeps exactly those that it was given, in all sets."""
    done = launch(
        confiner,
        tmp_path / "r",
        program="/bin/grep",
        arguments=("grep", "^Cap", "/proc/self/status"),
        confinement=Confinement(capabilities=1 << 10),
        ids=OTHER,
    )
    assert {line.split("\t")[1] for line in done.out.splitlines()} == {f"{1 << 10:016x}"}


@needs_root
def test_no_capability(tmp_path: Path, confiner: Launcher) -> None:
    """Root that keeps none is root without a capability."""
    done = launch(
        confiner,
        tmp_path / "r",
        program="/bin/grep",
        arguments=("grep", "^Cap", "/proc/self/status"),
        confinement=Confinement(capabilities=0),
    )
    assert {line.split("\t")[1] for line in done.out.splitlines()} == {f"{0:016x}"}
