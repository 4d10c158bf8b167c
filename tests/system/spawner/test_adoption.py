"""What survives the spawner's and the daemon's death: real processes, SIGKILL."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from snowfox.contract.control import Kept, SpawnerControl
from snowfox.contract.record import exit_line
from snowfox.contract.spawner import ListenSpec, Spawner
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.rpc.interface import Descriptor
from snowfox.testing.spawner import ID, RealSpawner, order
from snowfox.values import UNKNOWN_EXIT, Exit

pytestmark = pytest.mark.system


@pytest.fixture(autouse=True)
def _subreaper() -> None:
    """The test is the daemon: orphans become its children."""
    LinuxPosix().own.set_subreaper()


def reap(pid: int) -> Exit:
    """As the daemon does, but without a word to anybody."""
    ended = os.waitid(os.P_PID, pid, os.WEXITED)
    assert ended is not None
    return Exit(ended.si_status) if ended.si_code == os.CLD_EXITED else Exit(None, ended.si_status)


def test_adopted(spawner: RealSpawner) -> None:
    """After SIGKILL the next spawner knows the same processes, and can end them."""
    first = spawner.launch("web", "sleep 100")
    spawner.kill()
    spawner.start()
    found = spawner.inventory()[first.token]
    assert (found.pid, found.started, found.exit) == (first.pid, first.started, None)
    assert spawner.launch("web", "sleep 100").pid == first.pid
    spawner.manager.call(Spawner.kill, [first.token])
    ended = reap(first.pid)
    assert ended == Exit(None, signal.SIGKILL)
    spawner.daemon.call(SpawnerControl.orphan, first.token, ended)
    assert spawner.exit_of(first.token) == ended


def test_exit_between(spawner: RealSpawner) -> None:
    """Ended between two spawners: what the daemon wrote is told; what nobody saw is unknown, never 0."""
    seen = spawner.launch("seen", "exec sleep 100")
    unseen = spawner.launch("unseen", "exec sleep 100")
    spawner.kill()
    for launched in (seen, unseen):
        os.kill(launched.pid, signal.SIGTERM)
        reap(launched.pid)
    with (spawner.run / "launches" / seen.token).open("ab") as record:
        record.write(exit_line(Exit(None, 15), 1))
    spawner.start()
    found = spawner.inventory()
    assert found[seen.token].exit == Exit(None, 15)
    assert found[unseen.token].exit == UNKNOWN_EXIT


def test_exit_of_an_adopted_process(spawner: RealSpawner) -> None:
    """Reaped without a word by another: the pidfd tells where the kernel can, else unknown."""
    launched = spawner.launch("web", "trap 'exit 9' TERM; while :; do sleep 0.05; done")
    time.sleep(0.2)
    spawner.kill()
    spawner.start()
    assert spawner.manager.call(Spawner.signal, launched.token, int(signal.SIGTERM)) is True
    reap(launched.pid)
    release = [int(part) for part in os.uname().release.split("-")[0].split(".")[:2]]
    assert spawner.exit_of(launched.token) == (Exit(9) if release >= [6, 15] else UNKNOWN_EXIT)


def test_killed_while_launching(spawner: RealSpawner) -> None:
    """Killed at any moment of many launches: none runs twice, none that runs is lost."""
    tokens = [f"w{number}~{ID}" for number in range(60)]
    for round_number in range(6):
        for number in range(round_number * 10, round_number * 10 + 10):
            spawner.manager.send(Spawner.launch, order(f"w{number}", "exec sleep 1000"))
        time.sleep(0.002 * round_number)
        spawner.kill()
        spawner.start()
    pids = {token: spawner.launch(token.partition("~")[0], "exec sleep 1000").pid for token in tokens}
    own = [
        int(entry)
        for entry in os.listdir("/proc")
        if entry.isdigit()
        and _arguments(int(entry)) == b"sleep\0" + b"1000\0"
        and _session(int(entry)) == int(entry)
    ]
    children = {pid for pid in own if _parent(pid) in {os.getpid(), spawner.pid}}
    assert children == set(pids.values())


def _arguments(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["", "0", "0", "0"]


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _session(pid: int) -> int:
    return int(_stat(pid)[3])


def test_note_survives_the_spawner(spawner: RealSpawner) -> None:
    """What the manager noted with a launch is told by the next spawner too."""
    launched = spawner.launch("web", "exec sleep 100", note="0af9" * 16)
    assert spawner.inventory()[launched.token].note == "0af9" * 16
    spawner.kill()
    spawner.start()
    assert spawner.inventory()[launched.token].note == "0af9" * 16


def test_socket_is_given_back_by_the_daemon(spawner: RealSpawner) -> None:
    """The same socket, same inode, after the spawner's death."""
    spec = ListenSpec("front=127.0.0.1:0", "127.0.0.1:0")
    listening = spawner.manager.call(Spawner.open_socket, spec)
    spawner.daemon.pump(1)
    spawner.kill()
    spawner.start()
    kept = [Kept(key, Descriptor(os.dup(fd), spawner.posix)) for key, fd in spawner.kept.items()]
    spawner.daemon.call(SpawnerControl.restore, kept)
    assert spawner.manager.call(Spawner.open_socket, spec) == listening


@pytest.mark.skipif(os.geteuid() != 0, reason="a user may lack the right to trace")
def test_socket_is_found_in_a_service(spawner: RealSpawner) -> None:
    """When daemon and spawner died, the service still has it: the same inode comes back."""
    spec = ListenSpec("front=127.0.0.1:0", "127.0.0.1:0")
    listening = spawner.manager.call(Spawner.open_socket, spec)
    launched = spawner.launch("web", "exec sleep 100", sockets=[spec.key], socket_names=["front"])
    before = os.readlink(f"/proc/{launched.pid}/fd/3")
    spawner.kill()
    spawner.start()
    assert spawner.manager.call(Spawner.open_socket, spec) == listening
    assert before in {
        os.readlink(f"/proc/{spawner.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{spawner.pid}/fd")
    }


def test_daemon_dies_and_another_comes(spawner: RealSpawner) -> None:
    """The spawner stays, serves no manager, notes exits, and tells the next daemon's manager."""
    running = spawner.launch("run", "exec sleep 100")
    ends = spawner.launch("end", "sleep 0.3; exit 6")
    spec = ListenSpec("front=127.0.0.1:0", "127.0.0.1:0")
    spawner.manager.call(Spawner.open_socket, spec)
    spawner.daemon.close()
    for _ in range(100):
        spawner.manager.pump(0.05)
        if spawner.manager.ended is not None:
            break
    assert spawner.manager.ended is not None
    time.sleep(0.5)
    spawner.connect()
    held = spawner.daemon.call(SpawnerControl.held)
    assert [kept.key for kept in held] == [spec.key]
    spawner.attach()
    found = spawner.inventory()
    assert (found[running.token].pid, found[running.token].exit) == (running.pid, None)
    assert found[ends.token].exit == Exit(6)


def test_terminated_without_a_daemon(spawner: RealSpawner) -> None:
    """SIGTERM means nothing with a daemon; without one the spawner goes and the services stay."""
    launched = spawner.launch("web", "exec sleep 100")
    os.kill(spawner.pid, signal.SIGTERM)
    assert set(spawner.inventory()) == {launched.token}
    spawner.daemon.close()
    time.sleep(0.2)
    os.kill(spawner.pid, signal.SIGTERM)
    assert spawner.wait() == 0
    os.kill(launched.pid, 0)


def test_stop(spawner: RealSpawner) -> None:
    """Stopped: no process, record, FIFO or socket file is left, and it ends with 0."""
    spawner.launch("web", "trap '' TERM; sleep 100 & sleep 101")
    spawner.launch("end", "exit 0")
    path = spawner.folder / "front.sock"
    spawner.manager.call(Spawner.open_socket, ListenSpec(f"front=unix:{path}", f"unix:{path}"))
    assert path.exists()
    spawner.daemon.call(SpawnerControl.stop)
    assert spawner.wait() == 0
    assert list((spawner.run / "launches").iterdir()) == []
    assert not path.exists()
    for pid in spawner.launched.values():
        assert not Path(f"/proc/{pid}").exists()


def test_leave(spawner: RealSpawner) -> None:
    """It leaves at once, services and records stay, and the next spawner adopts them."""
    launched = spawner.launch("web", "exec sleep 100")
    spawner.daemon.call(SpawnerControl.leave)
    assert spawner.wait() == 0
    spawner.start()
    assert spawner.inventory()[launched.token].pid == launched.pid
