"""One suite for both ways to make a process: the launcher in C and the fork in Python."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import socket
import time
from pathlib import Path

import pytest

from snowfox.core.posix.api import Ids
from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import PosixError
from snowfox.spawner.launch import Launcher, Limit, Maker, Order
from snowfox.testing.making import launch, shell, start
from snowfox.values import Exit

is_root = os.geteuid() == 0
needs_root = pytest.mark.skipif(not is_root, reason="only root can become another user")
OTHER = Ids(61500, 61501, (61501, 61502))


def test_runs_and_is_noted(maker: Maker, tmp_path: Path) -> None:
    """The program runs, its record names pid, time, boot and namespace, and the status pipe says the same."""
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    done = launch(maker, tmp_path / "r", **shell("echo $$; exit 7"))
    after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert done.out == f"{done.pid}\n"
    assert done.status == (tmp_path / "r").read_bytes()
    assert done.exit == Exit(7)
    started = done.record.started
    assert started is not None
    assert started.pid == done.pid
    assert before <= started.at <= after
    assert started.boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert started.namespace == os.stat("/proc/self/ns/pid").st_ino
    assert done.record.failed is None


def test_own_session_and_group(maker: Maker, tmp_path: Path) -> None:
    """It leads a session and a process group of its own."""
    done = launch(maker, tmp_path / "r", **shell("cut -d' ' -f5,6 /proc/$$/stat"))
    assert done.out.split() == [str(done.pid)] * 2


def test_only_listed_descriptors(maker: Maker, tmp_path: Path) -> None:
    """Of all that the spawner has open, inheritable or not, only 0, 1, 2 and the sockets arrive."""
    leak = os.open("/dev/null", os.O_RDONLY)
    high = fcntl.fcntl(leak, fcntl.F_DUPFD, 200)
    with socket.socket() as first, socket.socket() as second:
        os.set_inheritable(leak, True)
        try:
            done = launch(
                maker,
                tmp_path / "r",
                program="/bin/ls",
                arguments=("ls", "/proc/self/fd"),
                sockets=(first.fileno(), second.fileno()),
                socket_names=("a", "b"),
            )
        finally:
            os.close(leak)
            os.close(high)
    assert done.out.split() == ["0", "1", "2", "3", "4", "5"]  # 5 is the folder that ls itself reads


@pytest.mark.parametrize("count", [1, 40, 250])
def test_sockets_arrive_in_order(maker: Maker, tmp_path: Path, count: int) -> None:
    """Sockets come from 3 on in their order, wherever the spawner has them, with LISTEN_* (sd_listen_fds(3))."""
    sockets = [socket.socket(socket.AF_UNIX) for _ in range(count)]
    inodes = [os.fstat(each.fileno()).st_ino for each in sockets]
    done = launch(
        maker,
        tmp_path / "r",
        **shell(
            f"for n in $(seq 3 {count + 2}); do readlink /proc/$$/fd/$n; done;"
            ' echo "$LISTEN_FDS $LISTEN_PID $$ $LISTEN_FDNAMES"'
        ),
        sockets=tuple(each.fileno() for each in reversed(sockets)),
        socket_names=tuple(f"s{number}" for number in range(count)),
    )
    for each in sockets:
        each.close()
    *links, last = done.out.splitlines()
    assert links == [f"socket:[{inode}]" for inode in reversed(inodes)]
    names = ":".join(f"s{number}" for number in range(count))
    assert last == f"{count} {done.pid} {done.pid} {names}"


def test_no_listen_variables_without_sockets(maker: Maker, tmp_path: Path) -> None:
    """The environment is exactly what was written."""
    done = launch(
        maker,
        tmp_path / "r",
        program="/usr/bin/env",
        arguments=("env",),
        environment={"A": "1", "B": "two words", "EMPTY": ""},
    )
    assert sorted(done.out.splitlines()) == ["A=1", "B=two words", "EMPTY="]


def test_umask_folder_and_limits(maker: Maker, tmp_path: Path) -> None:
    """Umask, folder, and soft and hard limits are as ordered."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    done = launch(
        maker,
        tmp_path / "r",
        **shell("umask; pwd; ulimit -Sn; ulimit -Hn; ulimit -c"),
        umask=0o027,
        folder=str(tmp_path),
        limits=(Limit("NOFILE", 77, min(hard, 99)), Limit("CORE", 0, 0)),
    )
    assert done.out.split() == ["0027", str(tmp_path), "77", "99", "0"]


def test_unlimited(maker: Maker, tmp_path: Path) -> None:
    """-1 is no limit."""
    if resource.getrlimit(resource.RLIMIT_STACK)[1] != resource.RLIM_INFINITY:
        pytest.skip("this host limits the stack")
    done = launch(maker, tmp_path / "r", **shell("ulimit -s"), limits=(Limit("STACK", -1, -1),))
    assert done.out == "unlimited\n"


def test_no_new_privileges(maker: Maker, tmp_path: Path) -> None:
    """What it executes cannot gain rights."""
    done = launch(maker, tmp_path / "r", **shell("grep NoNewPrivs /proc/self/status"))
    assert done.out.split() == ["NoNewPrivs:", "1"]


def test_signals_are_at_their_defaults(maker: Maker, tmp_path: Path) -> None:
    """None is ignored, blocked or caught, whatever the spawner did with them."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        done = launch(maker, tmp_path / "r", program="/bin/cat", arguments=("cat", "/proc/self/status"))
    finally:
        signal.signal(signal.SIGHUP, before)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
    masks = dict(line.split(":\t") for line in done.out.splitlines() if line.startswith("Sig"))
    # 32 and 33 are the C library's own: a fork has them as its parent (make, say) was started, and no program uses them.
    ignored = int(masks["SigIgn"], 16) & ~(1 << 31 | 1 << 32)
    assert [int(masks["SigBlk"], 16), ignored, int(masks["SigCgt"], 16)] == [0, 0, 0]


def test_lock_is_held_until_execution(maker: Maker, tmp_path: Path) -> None:
    """The record's lock is free once the program runs, although the process lives."""
    record = tmp_path / "r"
    # It waits, because this process may close its own copy a moment later; a copy of the shell's would never be closed.
    done = launch(maker, record, **shell(f"flock -w 10 {record} echo free"))
    assert done.out == "free\n"


@needs_root
def test_becomes_the_user(maker: Maker, tmp_path: Path) -> None:
    """Real, effective, saved and file-system ids, groups, and no capability are left of root."""
    done = launch(
        maker,
        tmp_path / "r",
        **shell("grep -E '^(Uid|Gid|Groups|Cap(Inh|Prm|Eff|Amb))' /proc/$$/status"),
        ids=OTHER,
    )
    lines = dict(line.split(":", 1) for line in done.out.splitlines())
    assert lines["Uid"].split() == ["61500"] * 4
    assert lines["Gid"].split() == ["61501"] * 4
    assert lines["Groups"].split() == ["61501", "61502"]
    assert {int(lines[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}


@needs_root
def test_many_groups(maker: Maker, tmp_path: Path) -> None:
    """Hundreds of groups arrive."""
    groups = tuple(range(70000, 70400))
    done = launch(
        maker, tmp_path / "r", **shell("grep ^Groups /proc/$$/status"), ids=Ids(61500, 61501, groups)
    )
    assert done.out.split()[1:] == [str(group) for group in groups]


@needs_root
def test_folder_is_entered_as_the_user(maker: Maker, tmp_path: Path) -> None:
    """A folder that only root may enter is refused, although root launches."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    done = launch(maker, tmp_path / "r", ids=OTHER, folder=str(closed))
    assert done.record.failed == ("change to folder", str(closed), errno.EACCES)


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"folder": "/nowhere/at/all"}, ("change to folder", "/nowhere/at/all", errno.ENOENT)),
        ({"folder": "/etc/passwd"}, ("change to folder", "/etc/passwd", errno.ENOTDIR)),
        ({"program": "no-such-program"}, ("execute", "no-such-program", errno.ENOENT)),
        ({"program": "/no/such/program"}, ("execute", "/no/such/program", errno.ENOENT)),
        ({"program": "sh", "environment": {}}, ("execute", "sh", errno.ENOENT)),
        ({"program": "/etc/passwd/x"}, ("execute", "/etc/passwd/x", errno.ENOTDIR)),
        ({"program": "/etc"}, ("execute", "/etc", errno.EACCES)),
    ],
)
def test_failing_step_is_named(
    maker: Maker, tmp_path: Path, changes: dict[str, object], failed: tuple[str, str, int]
) -> None:
    """A step that fails is in the record and on the status pipe, with what it was done to and the errno."""
    done = launch(maker, tmp_path / "r", **changes)
    assert done.record.failed == failed
    assert done.status == (tmp_path / "r").read_bytes()
    assert done.status.endswith(f"failed {failed[0]}\t{failed[1]}\t{failed[2]}\n".encode())
    assert done.exit == Exit(127)


@pytest.mark.parametrize(
    ("name", "content", "mode", "number"),
    [
        ("not-executable", "#!/bin/sh\n", 0o644, errno.EACCES),
        ("no-format", "just text\n", 0o755, errno.ENOEXEC),
        ("no-interpreter", "#!/no/such/interpreter\n", 0o755, errno.ENOENT),
    ],
)
def test_failing_execution(
    maker: Maker, tmp_path: Path, name: str, content: str, mode: int, number: int
) -> None:
    """Each way in which a file cannot be executed has its errno, found in PATH or named."""
    file = tmp_path / name
    file.write_text(content)
    file.chmod(mode)
    done = launch(maker, tmp_path / "r", program=str(file))
    assert done.record.failed == ("execute", str(file), number)
    found = launch(maker, tmp_path / "s", program=name, environment={"PATH": f"/usr/bin:{tmp_path}"})
    assert found.record.failed == ("execute", name, number)


def test_path_goes_on_after_a_refusal(maker: Maker, tmp_path: Path) -> None:
    """A file that may not be executed does not hide one later in PATH."""
    (tmp_path / "sh").write_text("")
    done = launch(
        maker, tmp_path / "r", **shell("echo found"), environment={"PATH": f"{tmp_path}:/nowhere:/bin"}
    )
    assert done.out == "found\n"


def test_half_a_record_is_none(maker: Maker, tmp_path: Path) -> None:
    """Where the record cannot be written whole (a limit, a full disk) no program runs that nobody would find again."""
    ran = tmp_path / "ran"
    done = launch(
        maker, tmp_path / "r", **shell(f"mkdir {ran}"), limits=(Limit("FSIZE", 20, 20), Limit("CORE", 0, 0))
    )
    assert done.status.endswith(b"\nfailed write record\t\t%d\n" % errno.ENOSPC)
    assert done.record.started is None
    assert not ran.exists()


def test_without_its_spawner(maker: Maker, tmp_path: Path) -> None:
    """A child whose spawner died before it was launched never is: nobody would know of it but the record."""
    record = tmp_path / "r"
    noted = os.open(record, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC)
    status, told = os.pipe2(os.O_CLOEXEC)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    os.close(status)
    ran = tmp_path / "ran"
    pid = start(
        maker, Order("sh", ("sh", "-c", f"mkdir {ran}"), {}, "/", None, 0o022, (), null, null, noted, told)
    )
    for descriptor in (noted, told, null):
        os.close(descriptor)
    ended = os.waitid(os.P_PID, pid, os.WEXITED)
    assert ended is not None
    assert (ended.si_code, ended.si_status) == (os.CLD_KILLED, signal.SIGPIPE)
    assert record.read_bytes() == b""
    assert not ran.exists()


def test_limit_above_the_hard_one(maker: Maker, tmp_path: Path) -> None:
    """A limit that the kernel refuses is named."""
    limit = Limit("NOFILE", 1 << 40, 1 << 40)  # above fs.nr_open, for root too
    done = launch(maker, tmp_path / "r", limits=(limit,))
    assert done.record.failed == ("set limit", "NOFILE", errno.EPERM)


@pytest.mark.skipif(is_root, reason="root may become anybody")
def test_other_user_is_refused_to_an_ordinary_one(maker: Maker, tmp_path: Path) -> None:
    """Without rights the change of user fails, and nothing runs."""
    done = launch(maker, tmp_path / "r", ids=OTHER)
    assert done.record.failed == ("become user", "61500", errno.EPERM)


def test_odd_names_in_a_failure(maker: Maker, tmp_path: Path) -> None:
    """A folder's name with tab and newline comes back whole."""
    name = "/nowhere/a\tb\nc"
    done = launch(maker, tmp_path / "r", folder=name)
    assert done.record.failed == ("change to folder", name, errno.ENOENT)


def test_large_order(maker: Maker, tmp_path: Path) -> None:
    """Arguments and variables of more than a megabyte arrive whole, and the next order after them."""
    words = tuple(str(number) * 10000 for number in range(100, 130))
    variables = {f"V{number}": "v" * 20000 for number in range(30)}
    done = launch(
        maker,
        tmp_path / "r",
        arguments=("sh", "-c", 'echo $# "$(echo "$@" | wc -c)" "$V0$V29" | wc -c', "sh", *words),
        environment={"PATH": "/usr/bin:/bin", **variables},
    )
    assert done.out.split() == [str(len("30 900030 ") + 40000 + 1)]
    assert launch(maker, tmp_path / "s", **shell("echo next")).out == "next\n"


def test_too_large_order(maker: Maker, tmp_path: Path) -> None:
    """What the kernel does not take is E2BIG: of the execution, or of the start where it is beyond all bounds."""
    done = launch(maker, tmp_path / "r", arguments=("sh", "x" * (200 << 10)))
    assert done.record.failed == ("execute", "sh", errno.E2BIG)
    assert launch(maker, tmp_path / "s", **shell("echo next")).out == "next\n"


def test_launcher_that_was_killed(launcher: Path, tmp_path: Path) -> None:
    """Another one takes its place; none stays when it is over."""
    before = children()
    maker = Launcher(LinuxPosix(), str(launcher))
    (pid,) = children() - before
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert launch(maker, tmp_path / "r", **shell("echo there")).out == "there\n"
    maker.close()
    maker.close()
    assert children() == before


def test_order_beyond_all_bounds(launcher: Path, tmp_path: Path) -> None:
    """It is refused before it is sent, and the launcher goes on."""
    maker = Launcher(LinuxPosix(), str(launcher))
    try:
        with pytest.raises(PosixError) as caught:
            launch(maker, tmp_path / "r", arguments=("sh", "x" * (9 << 20)))
        assert caught.value.errno == errno.E2BIG
        assert launch(maker, tmp_path / "s", **shell("echo next")).out == "next\n"
    finally:
        maker.close()


def children() -> set[int]:
    """Of this process."""
    return set(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))


def test_streams_apart(maker, tmp_path: Path) -> None:
    """Input, output and errors are three, each where it belongs, beside sockets."""
    read, write = os.pipe2(os.O_CLOEXEC)
    errors, given = os.pipe2(os.O_CLOEXEC)
    os.write(write, b"asked\n")
    os.close(write)
    script = "read word; echo out $word; echo err >&2; ls /proc/self/fd | wc -l"
    done = launch(
        maker,
        tmp_path / "record",
        **shell(script),
        input=read,
        errors=given,
        sockets=(read,),
        socket_names=("a",),
    )
    os.close(given)
    os.close(read)
    assert done.out.split() == ["out", "asked", "5"]
    assert os.read(errors, 100) == b"err\n"
    os.close(errors)
    assert done.record.failed is None
