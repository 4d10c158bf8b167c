"""A real daemon, with a spawner and a manager that only speak the contracts: start, stop, refusals."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from snowfox.contract.start import Said
from snowfox.testing.daemon import IS_ROOT, PATIENCE, World, alive, hear, left, until
from snowfox.testing.node import store_of

pytestmark = pytest.mark.system


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


def test_it_touches_nothing_before_its_word(world: World) -> None:
    """Started ahead of the check of a configuration, it leaves nothing when that is refused, else begins."""
    for word in (b"", b"Procfile\n"):
        waits, go = os.pipe()
        os.set_inheritable(waits, True)
        process, reader = world.start("--go", str(waits), inherited=(waits,))
        os.close(waits)
        time.sleep(0.3)
        assert not (world.project / ".snowfox").exists()
        assert process.poll() is None
        os.write(go, word)
        os.close(go)
        assert [line.word for line in hear(reader)] == (["listening", "up"] if word else [])
        if not word:
            assert process.wait(PATIENCE) == 0
            assert list(world.project.iterdir()) == []
    assert world.calls("manager welcome")[0].split()[-1] == "Procfile"
    assert world.down(process) == 0


def test_the_two_live_in_sessions_of_their_own(world: World) -> None:
    """The terminal's signals reach only the daemon; neither holds more than its listed descriptors."""
    process = world.up()
    sessions = {os.getsid(pid) for pid in (process.pid, world.pid("spawner"), world.pid("manager"))}
    assert len(sessions) == 3
    targets = {
        os.readlink(link) for link in Path(f"/proc/{world.pid('manager')}/fd").iterdir() if link.exists()
    }
    assert not any(target.endswith(("/lock", "/node.log")) for target in targets)


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
        [sys.executable, "-I", "-S", world.boot, "daemon", "--project", world.project],
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


def test_the_log_stays_small(world: World) -> None:
    """While the node runs, and also for the spawner, whose descriptor 2 it is."""
    process = world.up()
    log = world.project / ".snowfox/node.log"
    for letter in (b"a", b"b"):
        with Path(f"/proc/{world.pid('spawner')}/fd/2").open("ab") as file:
            file.write(letter * (5 << 20))
        until(lambda: log.stat().st_size < 1 << 20, "it was put aside")
        before = log.with_name("node.log.1").read_bytes()
        assert before == letter * (4 << 20)
    assert world.down(process) == 0


def test_a_child_that_ended_before_the_daemon_began_is_reaped(world: World) -> None:
    """As a viewer that ends at once does: nobody tells of it once signals are watched."""
    process, reader = world.start(prefix=("sh", "-c", 'sleep 0.01 & exec "$@"', "sh"))
    assert [line.word for line in hear(reader)] == ["listening", "up"]
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    until(lambda: len(children.read_text().split()) == 2, "all but spawner and manager are reaped")
    assert world.down(process) == 0


@pytest.mark.skipif(not IS_ROOT, reason="needs root")
def test_root_keeps_the_store_and_gives_the_manager_a_uid(world: World) -> None:
    """The manager is told an unused uid, which owns store and logs and stays over restarts of the node."""
    owners: set[int] = set()
    for _ in range(2):
        process = world.up()
        uid = int(world.calls("manager welcome")[-1].split()[3])
        store = store_of(world.project)
        assert store is not None
        owners |= {uid, store.stat().st_uid, (world.project / ".snowfox/logs").stat().st_uid}
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
