"""A real daemon, and what its processes suffer."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from snowfox.contract.record import parse
from snowfox.testing.daemon import PATIENCE, TOKEN, World, alive, left, until
from snowfox.values import Exit

pytestmark = pytest.mark.system


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
    until(lambda: len(world.calls("spawner started")) == 2, "a new spawner")


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
    """INT twice: a manager that does not answer is not waited for."""
    process = world.up()
    manager = world.pid("manager")
    os.kill(manager, signal.SIGSTOP)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(4) == 0
    assert not alive(manager)
