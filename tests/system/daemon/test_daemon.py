"""A real daemon, with a spawner and a manager that only speak the contracts."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from snowfox.contract.record import parse
from snowfox.contract.start import Said, said
from snowfox.values import Exit

STUB = Path(__file__).with_name("stub.py")
TOKEN = "web~01JD0000000000000000000000"
PATIENCE = 20.0
IS_ROOT = os.geteuid() == 0

pytestmark = pytest.mark.system


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def until(holds: Callable[[], object], what: str) -> None:
    """Wait for something of the world outside."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"not in time: {what}"
        time.sleep(0.01)


class World:
    """A project's folder, and the daemons that were started there."""

    def __init__(self, project: Path, store: Path) -> None:
        self.project = project
        self.store = store
        self.daemons: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str, prefix: tuple[str, ...] = ()) -> tuple[subprocess.Popen[bytes], int]:
        """Start a daemon; it and the read end of its pipe."""
        reader, writer = os.pipe()
        store = ("--store", str(self.store)) if IS_ROOT else ()
        command = [
            *(*prefix, sys.executable, "-I", "-S", str(STUB), "daemon"),
            *("--project", str(self.project), "--ready", str(writer), "--detached", *store, *words),
        ]
        process = subprocess.Popen(
            command,
            pass_fds=(writer,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        os.close(writer)
        self.daemons.append(process)
        return process, reader

    def up(self, *words: str) -> subprocess.Popen[bytes]:
        """Start one and wait until it is up."""
        process, reader = self.start(*words)
        lines = hear(reader)
        assert [line.word for line in lines] == ["listening", "up"], (lines, self.log())
        return process

    def log(self) -> str:
        """The node's log."""
        file = self.project / ".snowfox/node.log"
        return file.read_text() if file.exists() else ""

    def calls(self, start: str = "") -> list[str]:
        """What the stubs noted, as far as it begins so."""
        file = self.project / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        return [line for line in lines if line.startswith(start)]

    def pid(self, role: str) -> int:
        """The pid of the last one started."""
        return int(self.calls(f"{role} started")[-1].split()[2])

    def record(self) -> Path:
        """Of the one service."""
        return self.project / ".snowfox/run/launches" / TOKEN

    def down(self, process: subprocess.Popen[bytes]) -> int:
        """Stop in order; the exit code."""
        process.send_signal(signal.SIGTERM)
        return process.wait(PATIENCE)

    def tidy(self) -> None:
        """End what a test started and did not end, by pid."""
        for process in self.daemons:
            if process.poll() is None:
                process.kill()
            process.wait(PATIENCE)
            if process.stderr is not None:
                process.stderr.close()
        for line in self.calls():
            _, word, *rest = line.split()
            if word in {"started", "launched"} and alive(int(rest[0])):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(rest[0]), signal.SIGKILL)


def hear(reader: int, seconds: float = PATIENCE) -> list[Said]:
    """All that a daemon says about its start."""
    content = b""
    end = time.monotonic() + seconds
    with os.fdopen(reader, "rb", buffering=0) as file:
        while time.monotonic() < end and not re.search(rb"^(up|failed|busy).*\n", content, re.MULTILINE):
            if select.select([file], [], [], 0.1)[0]:
                chunk = file.read(4096)
                if not chunk:
                    break
                content += chunk
    return [said(line) for line in content.splitlines()]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A folder."""
    project = tmp_path / "project"
    project.mkdir()
    one = World(project, Path(f"/var/lib/snowfox/projects/test-{os.getpid()}-{tmp_path.name}"))
    yield one
    one.tidy()
    shutil.rmtree(one.store, ignore_errors=True)


def left(world: World) -> list[str]:
    """What must not be there after an orderly end."""
    run = world.project / ".snowfox/run"
    return [str(path.relative_to(run)) for path in run.rglob("*") if path.name != "launches"]


def test_it_comes_up_and_stops_in_order(world: World) -> None:
    """Both are started, greeted and joined; TERM stops manager, then spawner; nothing is left, the lock is free."""
    process = world.up()
    assert len(world.calls("manager welcome")) == len(world.calls("spawner attach")) == 1
    pids = [world.pid("spawner"), world.pid("manager")]
    assert world.down(process) == 0
    stops = [line for line in world.calls() if line.endswith("stop")]
    assert stops == ["manager stop", "spawner stop"]
    assert not any(map(alive, pids))
    assert left(world) == []
    with (world.project / ".snowfox/lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_two_live_in_sessions_of_their_own(world: World) -> None:
    """The terminal's signals reach only the daemon; neither holds more than its listed descriptors."""
    process = world.up()
    sessions = {os.getsid(pid) for pid in (process.pid, world.pid("spawner"), world.pid("manager"))}
    assert len(sessions) == 3
    targets = {
        os.readlink(link) for link in Path(f"/proc/{world.pid('manager')}/fd").iterdir() if link.exists()
    }
    assert not any(target.endswith(("/lock", "/node.log")) for target in targets)


@pytest.mark.parametrize("role", ["spawner", "manager"])
def test_a_killed_one_comes_back(world: World, role: str) -> None:
    """SIGKILL: another within a second, joined with the one that stayed."""
    world.up()
    other = "manager" if role == "spawner" else "spawner"
    stayed = world.pid(other)
    attached = len(world.calls(f"{other} attach"))
    before = time.monotonic()
    os.kill(world.pid(role), signal.SIGKILL)
    until(lambda: len(world.calls(f"{role} started")) == 2, f"a new {role}")
    until(lambda: len(world.calls(f"{other} attach")) == attached + 1, "joined")
    assert time.monotonic() - before < 3
    assert alive(stayed)
    assert len(world.calls(f"{other} started")) == 1


@pytest.mark.parametrize("role", ["spawner", "manager"])
def test_a_hung_one_is_killed_then_replaced(world: World, role: str) -> None:
    """SIGSTOP: found silent within some seconds, gone before the next one starts."""
    world.up()
    hung = world.pid(role)
    os.kill(hung, signal.SIGSTOP)
    until(lambda: len(world.calls(f"{role} started")) == 2, f"a new {role}")
    assert not alive(hung)


def test_all_stopped_and_resumed_nobody_is_declared_dead(world: World) -> None:
    """A machine that slept: on resume the daemon counts its own missed ticks first."""
    process = world.up()
    pids = [process.pid, world.pid("spawner"), world.pid("manager")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(8)  # longer than the silence that counts as hung
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    time.sleep(3)  # a ping and its answer
    assert len(world.calls("spawner started")) == len(world.calls("manager started")) == 1
    assert world.down(process) == 0


def test_a_second_start_names_the_holder(world: World) -> None:
    """Exit 1, and who has it; the first goes on."""
    first = world.up()
    second, reader = world.start()
    assert hear(reader) == [Said("busy", first.pid)]
    assert second.wait(PATIENCE) == 1
    assert first.poll() is None


def test_without_a_pipe_the_refusal_is_a_line(world: World) -> None:
    """What a person sees who starts a second one."""
    first = world.up()
    done = subprocess.run(
        [sys.executable, "-I", "-S", STUB, "daemon", "--project", world.project],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == (
        f"cannot start a node in {world.project}: it runs already (daemon pid {first.pid})"
    )


def test_twenty_starts_give_one_node(world: World) -> None:
    """However many start at once, one wins and the others name it."""
    started = [world.start() for _ in range(20)]
    heard = [hear(reader) for _, reader in started]
    winners = [
        process for (process, _), lines in zip(started, heard, strict=True) if lines[0].word == "listening"
    ]
    assert len(winners) == 1
    assert all(lines == [Said("busy", winners[0].pid)] for lines in heard if lines[0].word == "busy")
    assert len(world.calls("spawner started")) == len(world.calls("manager started")) == 1


def test_a_deep_folder_works(world: World) -> None:
    """Unix socket paths end at 107 bytes; the node's folder may be deeper."""
    deep = world.project
    while len(str(deep)) < 220:
        deep /= "a-rather-long-name-of-a-folder"
    deep.mkdir(parents=True)
    world.project = deep
    process = world.up()
    assert (deep / ".snowfox/run/manager.sock").is_socket()
    assert world.down(process) == 0
    assert left(world) == []


def test_an_orphans_exit_is_written_then_reaped(world: World) -> None:
    """The spawner dies, then its service ends: the exact code is in the record and told to the next spawner."""
    world.project.joinpath("service").write_text("/bin/sleep 1000")
    world.up()
    pid = int(world.calls("spawner launched")[0].split()[2])
    os.kill(world.pid("spawner"), signal.SIGKILL)
    until(lambda: len(world.calls("spawner started")) == 2, "a new spawner")
    assert alive(pid)
    os.kill(pid, signal.SIGTERM)
    until(lambda: world.calls("spawner orphan"), "the spawner was told")
    assert world.calls("spawner orphan") == [f"spawner orphan {TOKEN} {Exit(signal=15)}"]
    assert parse(world.record().read_bytes()).exit == Exit(signal=15)
    assert not Path(f"/proc/{pid}").exists()


def test_both_die_at_once_and_no_exit_is_lost(world: World) -> None:
    """The service is killed in the same moment as its spawner."""
    world.project.joinpath("service").write_text("/bin/sleep 1000")
    process = world.up()
    pid = int(world.calls("spawner launched")[0].split()[2])
    os.kill(process.pid, signal.SIGSTOP)
    os.kill(world.pid("spawner"), signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    os.kill(process.pid, signal.SIGCONT)
    until(lambda: parse(world.record().read_bytes()).exit, "the exit is in the record")
    assert parse(world.record().read_bytes()).exit == Exit(signal=9)
    until(lambda: not Path(f"/proc/{pid}").exists(), "it was reaped")


def test_a_new_daemon_takes_the_keeper_over(world: World) -> None:
    """SIGKILL of the daemon: the manager leaves, the spawner and its service stay and are taken over, with its sockets."""
    world.project.joinpath("service").write_text("/bin/sleep 1000")
    world.project.joinpath("socket").touch()
    first = world.up()
    until(lambda: world.calls("spawner opened"), "its socket")
    spawner, manager = world.pid("spawner"), world.pid("manager")
    first.kill()
    first.wait(PATIENCE)
    until(lambda: not alive(manager), "the manager left")
    until(lambda: world.calls("spawner keeper"), "the spawner stays")
    second = world.up()
    until(lambda: world.calls("spawner held"), "it was asked for its sockets")
    assert len(world.calls("spawner started")) == 1
    assert alive(spawner)
    # Its next accident: the sockets that the new daemon got from it come back to the one after.
    os.kill(spawner, signal.SIGKILL)
    until(lambda: len(world.calls("spawner started")) == 2, "another spawner")
    until(lambda: world.calls("spawner restore"), "its sockets")
    address = world.calls("spawner opened")[0].split()[2]
    assert world.calls("spawner restore") == [f"spawner restore web=a {address}"]
    assert world.down(second) == 0
    assert left(world) == ["launches/" + TOKEN] or left(world) == []


def test_a_keeper_can_be_taken_over_twice(world: World) -> None:
    """A second accident of the daemon finds the same spawner again."""
    first = world.up()
    spawner = world.pid("spawner")
    for _ in range(2):
        first.kill()
        first.wait(PATIENCE)
        first = world.up()
    assert alive(spawner)
    assert len(world.calls("spawner started")) == 1
    assert world.down(first) == 0


def test_a_hung_keeper_is_replaced(world: World) -> None:
    """A spawner that stayed but does not answer is killed, awaited, and another one started."""
    first = world.up()
    spawner = world.pid("spawner")
    os.kill(spawner, signal.SIGSTOP)
    first.kill()
    first.wait(PATIENCE)
    second = world.up()
    until(lambda: len(world.calls("spawner started")) == 2, "another spawner")
    assert not alive(spawner)
    assert world.down(second) == 0


def test_a_hung_old_manager_is_ended(world: World) -> None:
    """Two managers never live at once."""
    first = world.up()
    manager = world.pid("manager")
    os.kill(manager, signal.SIGSTOP)
    first.kill()
    first.wait(PATIENCE)
    second = world.up()
    assert not alive(manager)
    assert world.down(second) == 0


def test_a_refused_configuration_ends_the_node_with_3(world: World) -> None:
    """The manager's code is the daemon's; nothing runs on."""
    world.project.joinpath("refuse").touch()
    process, reader = world.start()
    assert "failed" not in [line.word for line in hear(reader)]
    assert process.wait(PATIENCE) == 3
    assert left(world) == []


@pytest.mark.parametrize("role", ["spawner", "manager"])
def test_one_that_cannot_start_is_given_up_with_a_line(world: World, role: str) -> None:
    """Three failures of a first start: the reason is told, nothing stays."""
    world.project.joinpath("broken").write_text(role)
    process, reader = world.start()
    lines = hear(reader)
    assert [line.word for line in lines] == ["listening", "failed"]
    assert lines[1].text == f"cannot start the node: the {role} ended: exit 9"
    assert process.wait(PATIENCE) == 1
    assert len(world.calls(f"{role} started")) >= 3


def test_a_crash_loop_later_is_slow_and_the_rest_goes_on(world: World) -> None:
    """A manager that cannot come back is tried ever more seldom; the daemon serves on."""
    process = world.up()
    world.project.joinpath("broken").write_text("manager")
    os.kill(world.pid("manager"), signal.SIGKILL)
    time.sleep(2.5)
    assert 3 <= len(world.calls("manager started")) <= 7
    world.project.joinpath("broken").unlink()
    before = len(world.calls("manager welcome"))
    until(lambda: len(world.calls("manager welcome")) > before, "a manager that works")
    assert world.down(process) == 0


def test_a_second_signal_kills(world: World) -> None:
    """INT twice: a manager that does not stop is not waited for."""
    process = world.up()
    manager = world.pid("manager")
    os.kill(manager, signal.SIGSTOP)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(4) == 0
    assert not alive(manager)


def test_a_policy_that_is_not_there_is_refused(world: World) -> None:
    """`--policy` names a file that must be readable."""
    _, reader = world.start("--policy", "/nowhere/policy.toml")
    lines = hear(reader)
    assert lines[-1].word == "failed"
    assert "cannot read the policy" in lines[-1].text
    assert "/nowhere/policy.toml" in lines[-1].text


def test_few_descriptors_are_a_clear_line(world: World) -> None:
    """A hard limit that no node can live with is refused at once, and nothing is started."""
    _, reader = world.start(prefix=("sh", "-c", 'ulimit -n 40; exec "$@"', "sh"))
    lines = hear(reader)
    assert lines[-1].word == "failed"
    assert lines[-1].text == "cannot start a node: 40 descriptors are too few (hard limit of open files)"
    assert world.calls() == []


def test_a_limit_of_256_is_enough_and_services_keep_their_own(world: World) -> None:
    """The soft limit that the node was started with is what its processes begin with."""
    process, reader = world.start(prefix=("sh", "-c", 'ulimit -Sn 100; ulimit -Hn 256; exec "$@"', "sh"))
    assert [line.word for line in hear(reader)] == ["listening", "up"]
    limits = Path(f"/proc/{world.pid('spawner')}/limits").read_text()
    assert [line.split()[3:5] for line in limits.splitlines() if "open files" in line] == [["100", "256"]]
    assert world.down(process) == 0


@pytest.mark.skipif(not IS_ROOT, reason="needs a pid namespace")
def test_as_process_1_it_reaps_and_stops_in_order(world: World) -> None:
    """In a container: orphans of others are reaped, TERM ends all with 0."""
    process, reader = world.start(prefix=("unshare", "--pid", "--fork", "--kill-child", "--mount-proc"))
    assert [line.word for line in hear(reader)] == ["listening", "up"]
    inner = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
    there = ["nsenter", "-t", str(inner), "-p", "-m"]
    subprocess.run([*there, "sh", "-c", "sleep 0.2 & sleep 0.2 & exit 0"], check=True, timeout=PATIENCE)
    children = Path(f"/proc/{inner}/task/{inner}/children")
    until(lambda: len(children.read_text().split()) == 2, "all but spawner and manager are reaped")
    os.kill(inner, signal.SIGTERM)
    assert process.wait(PATIENCE) == 0


@pytest.mark.skipif(not IS_ROOT, reason="needs root")
def test_root_keeps_the_store_and_gives_the_manager_a_uid(world: World) -> None:
    """The manager is told an unused uid, which owns store and logs and stays over restarts of the node."""
    owners: set[int] = set()
    for _ in range(2):
        process = world.up()
        uid = int(world.calls("manager welcome")[-1].split()[3])
        owners |= {uid, world.store.stat().st_uid, (world.project / ".snowfox/logs").stat().st_uid}
        assert world.down(process) == 0
    assert len(owners) == 1
    assert owners.pop() != 0


def test_only_what_daemon_may_load_is_loaded() -> None:
    """After its imports, the daemon has the standard library without its heavy parts, and its own layer."""
    source = Path(__file__).resolve().parents[3] / "src"
    code = f"import sys; sys.path.append({str(source)!r}); import snowfox.daemon.main; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout.split()
    heavy = {
        "asyncio",
        "dataclasses",
        "json",
        "logging",
        "socket",
        "ssl",
        "subprocess",
        "msgspec",
        "random",
        "hashlib",
    }
    assert heavy.isdisjoint(loaded)
    allowed = ("errors", "values", "core", "contract", "daemon")
    ours = [name.split(".")[1] for name in loaded if name.startswith("snowfox.")]
    assert set(ours) <= set(allowed)
    banned = {"promise", "context", "module", "event", "store", "config"}
    assert not {name.split(".")[2] for name in loaded if name.startswith("snowfox.core.")} & banned
