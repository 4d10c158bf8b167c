"""Launches of a real spawner, by both ways to make a process."""

from __future__ import annotations

import errno
import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from snowfox.contract.spawner import Launched, Listening, ListenSpec, Spawner
from snowfox.errors import HostError, LaunchFailed, PosixError
from snowfox.testing.spawner import ID, RealSpawner, order, readable
from snowfox.values import Exit

pytestmark = pytest.mark.system
is_root = os.geteuid() == 0
needs_root = pytest.mark.skipif(not is_root, reason="only root can become another user")


def output(launched: Launched, *, lines: int) -> list[str]:
    """The first lines of its output."""
    assert launched.output is not None
    descriptor = launched.output.take()
    text = b""
    try:
        while text.count(b"\n") < lines:
            assert readable(descriptor, 10), f"only {text!r} came"
            text += os.read(descriptor, 65536)
    finally:
        os.close(descriptor)
    return text.decode().splitlines()


def wait_gone(pid: int) -> None:
    """Wait until a process ended."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except FileNotFoundError:
            return
        time.sleep(0.01)
    raise AssertionError(f"{pid} lives")


def test_launch_and_exit(spawner: RealSpawner) -> None:
    """Launched with its pid, exit exact, record and FIFO gone when forgotten, child reaped."""
    launched = spawner.launch("web", "echo $$; exit 7")
    assert output(launched, lines=1) == [str(launched.pid)]
    assert spawner.exit_of(launched.token) == Exit(7)
    folder = spawner.run / "launches"
    assert sorted(each.name for each in folder.iterdir()) == [launched.token, f"{launched.token}.out"]
    spawner.manager.call(Spawner.forget, [launched.token])
    assert list(folder.iterdir()) == []
    assert not Path(f"/proc/{launched.pid}").exists()
    assert spawner.inventory() == {}


def test_what_the_process_is(spawner: RealSpawner, tmp_path: Path) -> None:
    """User, groups, rights, umask, limits, folder, environment, descriptors: as ordered and nothing more."""
    tmp_path.chmod(0o755)
    launched = spawner.launch(
        "web",
        "grep -E '^(Uid|Gid|NoNewPrivs|CapEff)' /proc/$$/status; umask; ulimit -Sn; pwd; env | sort; ls /proc/$$/fd",
        umask=0o027,
        limits={"NOFILE": 123},
        folder="/usr",
        environment={"PATH": "/usr/bin:/bin", "A": "x y"},
    )
    lines = output(launched, lines=13)
    uid, gid, caps, privileges = lines[:4] if lines[2].startswith("Cap") else (*lines[:2], lines[3], lines[2])
    expected = 61500 if is_root else os.geteuid()
    assert uid.split()[1:] == [str(expected)] * 4
    assert len(gid.split()) == 5
    assert int(caps.split()[1], 16) == 0
    assert privileges.split() == ["NoNewPrivs:", "1"]
    assert lines[4:7] == ["0027", "123", "/usr"]
    assert {"A=x y", "PATH=/usr/bin:/bin"} <= set(lines[7:])
    assert not [line for line in lines[7:] if line.startswith(("LISTEN", "HOME", "LANG"))]
    assert [line for line in lines if line.isdecimal() and len(line) < 3] == ["0", "1", "2"]


def test_soft_limit_is_the_original(make: Callable[..., RealSpawner]) -> None:
    """The spawner raised its own soft limit of descriptors; services get what the spawner was given."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1] - 1, before[1]))
    try:
        spawner = make()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    lines = output(spawner.launch("web", "ulimit -Sn; ulimit -Hn"), lines=2)
    assert [int(line) for line in lines] == [before[1] - 1, before[1]]
    limits = Path(f"/proc/{spawner.pid}/limits").read_text()
    (files,) = [line.split()[3:5] for line in limits.splitlines() if line.startswith("Max open files")]
    assert files == [str(before[1])] * 2


def test_output_is_a_fifo_of_its_own(spawner: RealSpawner) -> None:
    """Both streams, a FIFO that the service can open again by /dev/stdout, whose last words outlive it."""
    launched = spawner.launch(
        "web", "echo one; echo two >&2; echo three >/dev/stdout; [ -p /proc/$$/fd/1 ] && echo fifo"
    )
    spawner.exit_of(launched.token)
    assert output(launched, lines=4) == ["one", "two", "three", "fifo"]


def test_without_a_reader_it_waits(spawner: RealSpawner) -> None:
    """A service that writes while nobody reads is not killed; a new manager gets all of it."""
    launched = spawner.launch("web", "yes | head -n 100000; exit 3")
    assert launched.output is not None
    launched.output.close()
    spawner.attach()
    again = spawner.inventory()[launched.token]
    assert again.exit is None
    assert again.output is not None
    descriptor = again.output.take()
    size = 0
    while size < 200_000:
        assert readable(descriptor, 10)
        size += len(os.read(descriptor, 65536))
    os.close(descriptor)
    assert spawner.exit_of(launched.token) == Exit(3)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"folder": "/srv/no/x"},
            "cannot launch web: change to folder /srv/no/x: no such file or directory (ENOENT)",
        ),
        ({"program": "/etc/passwd"}, "cannot launch web: execute /etc/passwd: permission denied (EACCES)"),
        ({"program": "nonsense"}, "cannot launch web: execute nonsense: no such file or directory (ENOENT)"),
        (
            {"arguments": ["sh", "x" * 200_000]},
            "cannot launch web: execute sh: argument list too long (E2BIG)",
        ),
        (
            {"sockets": ["a=127.0.0.1:1"], "socket_names": ["a"]},
            "cannot launch web: find socket a=127.0.0.1:1: no such file or directory (ENOENT)",
        ),
    ],
)
def test_failing_step(spawner: RealSpawner, changes: dict[str, object], text: str) -> None:
    """The step, what it was done to and the errno; nothing is left of it."""
    with pytest.raises(LaunchFailed) as caught:
        spawner.launch("web", "exit 0", **changes)
    assert str(caught.value) == text
    assert list((spawner.run / "launches").iterdir()) == []
    assert spawner.inventory() == {}


def test_limit_above_hard(spawner: RealSpawner) -> None:
    """A limit above ours is refused before anything is made, though root could raise it."""
    with pytest.raises(HostError) as caught:
        spawner.launch("web", "exit 0", limits={"NOFILE": 1 << 40})
    assert str(caught.value).startswith(
        "cannot launch web: limits.files 1099511627776 is above the node's hard limit, "
    )


def test_twice(spawner: RealSpawner) -> None:
    """A token launched twice answers with the first process, running or ended."""
    first = spawner.launch("web", "sleep 100")
    second = spawner.launch("web", "sleep 100")
    assert (second.pid, second.started, second.again) == (first.pid, first.started, True)
    spawner.manager.call(Spawner.kill, [first.token])
    assert spawner.exit_of(first.token) == Exit(None, signal.SIGKILL)
    assert spawner.launch("web", "sleep 100").pid == first.pid


def test_many_at_once(spawner: RealSpawner) -> None:
    """Two hundred launches asked at once are all answered, each with its own process, and none twice."""
    requests = [
        spawner.manager.send(Spawner.launch, order(f"w{number}", "sleep 100")) for number in range(200)
    ]
    launched = [spawner.manager.wait(request) for request in requests]
    spawner.launched.update({each.token: each.pid for each in launched})
    assert len({each.pid for each in launched}) == 200
    assert [each.token for each in launched] == [f"w{number}~{ID}" for number in range(200)]


def test_signals(spawner: RealSpawner) -> None:
    """The main process gets the signal; afterwards it is gone."""
    launched = spawner.launch("web", "trap 'exit 5' USR1; echo ready; while :; do sleep 0.05; done")
    assert output(launched, lines=1) == ["ready"]
    assert spawner.manager.call(Spawner.signal, launched.token, int(signal.SIGUSR1)) is True
    assert spawner.exit_of(launched.token) == Exit(5)
    assert spawner.manager.call(Spawner.signal, launched.token, int(signal.SIGUSR1)) is False
    assert spawner.manager.call(Spawner.signal, f"none~{ID}", int(signal.SIGUSR1)) is False


def test_kill_takes_all(spawner: RealSpawner) -> None:
    """Children, and groups of their own in the same session, die too; after the leader as well."""
    launched = spawner.launch(
        "web", "sleep 100 & echo $!; sh -ic 'sleep 101 & echo $!' 2>/dev/null; exec sleep 102"
    )
    pids = [int(line) for line in output(launched, lines=2)]
    spawner.manager.call(Spawner.kill, [launched.token])
    for pid in (launched.pid, *pids):
        wait_gone(pid)


def test_kill_after_the_leader(spawner: RealSpawner) -> None:
    """What outlives the main process dies by kill before it is forgotten."""
    launched = spawner.launch("web", "sleep 100 & echo $!")
    (pid,) = (int(line) for line in output(launched, lines=1))
    assert spawner.exit_of(launched.token) == Exit(0)
    spawner.manager.call(Spawner.kill, [launched.token])
    wait_gone(pid)


def test_sockets(spawner: RealSpawner) -> None:
    """A socket is opened, kept by the daemon too, passed, served, and closed."""
    spec = ListenSpec("front=127.0.0.1:0", "127.0.0.1:0")
    listening: Listening = spawner.manager.call(Spawner.open_socket, spec)
    again = spawner.manager.call(Spawner.open_socket, spec)
    assert again == listening
    port = int(listening.address.rpartition(":")[2])
    spawner.daemon.pump(1)
    assert set(spawner.kept) == {spec.key}
    script = (
        "import os, socket; s = socket.socket(fileno=3); c = s.accept()[0];"
        "c.sendall(f\"{os.environ['LISTEN_FDS']} {os.environ['LISTEN_PID'] == str(os.getpid())}"
        " {os.environ['LISTEN_FDNAMES']} {s.getblocking()}\".encode())"
    )
    python = "/usr/bin/python3"
    if not Path(python).exists():
        pytest.skip("no /usr/bin/python3")
    spawner.launch(
        "web",
        "",
        program=python,
        arguments=["python3", "-I", "-S", "-c", script],
        sockets=[spec.key],
        socket_names=["front"],
    )
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        assert client.recv(100) == b"1 True front True"
    spawner.manager.call(Spawner.close_socket, spec.key)
    spawner.daemon.pump(1)
    assert spawner.released == [spec.key]


def test_rival_is_named(spawner: RealSpawner) -> None:
    """A port that is taken: errno, and who holds it."""
    with socket.socket() as rival:
        rival.bind(("127.0.0.1", 0))
        rival.listen()
        address = f"127.0.0.1:{rival.getsockname()[1]}"
        with pytest.raises(PosixError) as caught:
            spawner.manager.call(Spawner.open_socket, ListenSpec(f"front={address}", address))
    assert str(caught.value) == f"cannot open {address} for socket front: address already in use (EADDRINUSE)"
    assert caught.value.errno == errno.EADDRINUSE
    assert f"(pid {os.getpid()})" in caught.value.hint


def test_verify(spawner: RealSpawner, tmp_path: Path) -> None:
    """What would be refused is said without starting anything."""
    (tmp_path / "closed").mkdir(mode=0o000)
    launches = [
        order("good", "exit 0"),
        order("gone", "exit 0", folder="/no/where"),
        order("unknown", "exit 0", program="no-such-program"),
    ]
    refusals = spawner.manager.call(Spawner.verify, launches, {})
    assert [refusal.token.partition("~")[0] for refusal in refusals] == ["gone", "unknown"]
    assert "no such file or directory: /no" in refusals[0].text
    assert spawner.inventory() == {}


def test_descriptors_of_the_spawner(spawner: RealSpawner) -> None:
    """After a hundred launches that came and went it has as many descriptors as before."""

    def count() -> int:
        return len(os.listdir(f"/proc/{spawner.pid}/fd"))

    first = spawner.launch("first", "exit 0")
    spawner.exit_of(first.token)
    spawner.manager.call(Spawner.forget, [first.token])
    before = count()
    for number in range(100):
        launched = spawner.launch(f"w{number}", "exit 0")
        spawner.exit_of(launched.token)
        assert launched.output is not None
        launched.output.close()
        spawner.manager.call(Spawner.forget, [launched.token])
    assert count() == before


@needs_root
def test_service_cannot_touch_the_spawner(spawner: RealSpawner) -> None:
    """A service of another uid can neither signal nor look into it, at no time of its life."""
    launched = spawner.launch(
        "web",
        f"kill -0 {spawner.pid} 2>/dev/null && echo signalled; ls /proc/{spawner.pid}/fd 2>/dev/null; echo done",
    )
    assert output(launched, lines=1) == ["done"]
