"""A real manager between a daemon and a spawner that the test plays."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from snowfox.contract.control import ManagerControl
from snowfox.core.posix.active import within
from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import LaunchFailed, NotFound, NotPermitted, PosixError
from snowfox.testing.manager import MANAGER_UID, RealManager, until
from snowfox.values import Exit

pytestmark = pytest.mark.system

WEB = """
[socket.front]
listen = "127.0.0.1:8080"

[service.cache]
command = "cache"

[service.web]
command = ["serve", "${INSTANCE}"]
sockets = ["front"]
instances = 2
requires = ["cache"]
"""


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[RealManager]:
    """One that has not been started."""
    with within(LinuxPosix()):
        (tmp_path / "snowfox.toml").write_text(WEB)
        manager = RealManager(tmp_path)
        yield manager
        await manager.close()


async def test_what_is_wanted_is_started_in_order(manager: RealManager) -> None:
    """Sockets first, then one of each kind is verified, then the cache, then both instances of what requires it."""
    steps = await manager.up()
    spawner = manager.spawner
    assert spawner.open == {"front=127.0.0.1:8080"}
    assert [launch.token.partition("~")[0] for launch in spawner.verified] == ["cache", "web@1"]
    assert [launch.token.partition("~")[0] for launch in spawner.launched] == ["cache", "web@1", "web@2"]
    assert [(step.instance, step.state) for step in steps if not step.last] == [
        ("", "warning"),
        ("cache", "ready"),
        ("web@1", "ready"),
        ("web@2", "ready"),
    ]
    assert (steps[-1].code, steps[-1].state) == (0, "done")
    status = await manager.status()
    assert (status.phase, status.as_wanted) == ("up", True)
    assert {row.state for row in status.instances} == {"ready"}


def status_of(pid: int) -> dict[str, str]:
    """What proc(5) says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines)


async def test_it_gives_up_its_uid_for_good(manager: RealManager) -> None:
    """All four uids and gids, no groups of before, no other privileges, and nobody of its uid may trace it."""
    await manager.up()
    fields = status_of(manager.pid)
    uid = MANAGER_UID if manager.is_root else os.geteuid()
    assert set(fields["Uid"].split()) == {str(uid)}
    if manager.is_root:
        assert set(fields["Gid"].split()) == {str(uid)}
        assert fields["Groups"].split() in ([], [str(uid)])
        assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
        assert os.stat(f"/proc/{manager.pid}/environ").st_uid == 0


async def test_a_configuration_with_mistakes_starts_nothing(manager: RealManager) -> None:
    """All problems are told to whoever asks how it starts, then the node is to end with 3."""
    (manager.folder / "snowfox.toml").write_text('[service.web]\ncommand = "x"\nrestrt = 1\nstop = 2\n')
    *_, end = await manager.up()
    assert (end.code, end.state) == (3, "refused")
    text = "\n".join(end.details)
    assert "restrt" in text
    assert "stop" in text
    await asyncio.wait_for(manager.stop_asked.wait(), 10)
    assert manager.stopped is not None
    assert manager.stopped[0] == 3
    assert manager.spawner.launched == []


async def test_what_the_spawner_refuses_starts_nothing_and_gives_sockets_back(manager: RealManager) -> None:
    """Each refusal is a line with its advice, for every instance of its kind; the sockets are closed."""
    manager.spawner.unfit = {"serve"}
    *_, end = await manager.up()
    lines = [f"cannot launch web@{number}: no" for number in (1, 2)]
    assert (end.code, end.details) == (3, [f"{line}\n   do this" for line in lines])
    assert manager.spawner.open == set()
    assert manager.spawner.launched == []


async def test_a_socket_that_cannot_be_opened_is_named(manager: RealManager) -> None:
    """Address, errno and socket, in one line."""
    manager.spawner.refuses_sockets = PosixError("open", "127.0.0.1:8080", 98)
    *_, end = await manager.up()
    assert end.code == 3
    assert end.details == ["cannot open 127.0.0.1:8080: address already in use (EADDRINUSE) for socket front"]


async def test_an_exit_is_followed_by_a_restart(manager: RealManager) -> None:
    """The new process has another token; the old record is forgotten once the exit is stored."""
    await manager.up()
    old = manager.spawner.token("cache")
    manager.spawner.end(old, Exit(signal=9))
    await until(
        lambda: manager.spawner.token("cache") != old and old in manager.spawner.forgotten, "another process"
    )
    await manager.until("cache", "ready")
    row = await manager.row("cache")
    assert row.restarts == 1
    async with manager.commands() as commands, commands.events(100, follow=False) as lines:
        kinds = [(line.kind, line.subject) async for line in lines]
    assert ("service.exited", "cache") in kinds


async def test_a_launch_that_fails_is_shown_with_its_step(manager: RealManager) -> None:
    """Step and errno reach the progress of `up`, which ends with 1."""
    manager.spawner.refuses_launches = LaunchFailed("cache", "execute", "cache", 2)
    steps = await manager.up()
    assert steps[-1].code == 1
    assert any("no such file or directory (ENOENT)" in step.message for step in steps)


async def test_stop_start_restart(manager: RealManager) -> None:
    """Stopping takes what requires it first; it stays stopped; starting brings back; restarting is another process."""
    await manager.up()
    steps = await manager.progress("stop", "cache")
    assert steps[-1].code == 0
    stopped = [token.partition("~")[0] for token, number in manager.spawner.signals if number == 15]
    assert stopped[-1] == "cache"
    assert sorted(stopped[:-1]) == ["web@1", "web@2"]
    assert (await manager.row("cache")).state == "stopped"
    assert (await manager.progress("start", "cache"))[-1].code == 0
    await manager.until("*", "ready")
    before = manager.spawner.token("web@1")
    assert (await manager.progress("restart", "web@1"))[-1].code == 0
    assert manager.spawner.token("web@1") != before


async def test_signal_reaches_the_main_processes(manager: RealManager) -> None:
    """By pattern; the ids of those that got it."""
    await manager.up()
    manager.spawner.stops_on_signal = False
    async with manager.commands() as commands:
        assert await commands.signal(10, "web") == ["web@1", "web@2"]
    assert manager.spawner.signals == [
        (manager.spawner.token("web@1"), 10),
        (manager.spawner.token("web@2"), 10),
    ]


async def test_a_pattern_without_match_is_an_error_that_names_near_ones(manager: RealManager) -> None:
    """Of any command."""
    await manager.up()
    async with manager.commands() as commands:
        with pytest.raises(NotFound) as caught:
            await commands.status("wbe")
    assert "web" in caught.value.hint


async def test_output_is_kept_and_followed(manager: RealManager) -> None:
    """What a service prints is in `logs`, the last lines first, then what comes."""
    await manager.up()
    token = manager.spawner.token("cache")
    manager.spawner.print(token, b"one\ntwo\n")
    await until((manager.home / "logs/cache/current").exists, "the log")
    async with manager.commands() as commands, commands.logs("cache", 1, follow=True) as lines:
        assert (await anext(lines)).text == b"two"
        assert (await anext(lines)).instance == ""  # what was there before is told
        manager.spawner.print(token, b"three\n")
        assert (await anext(lines)).text == b"three"


async def test_ready_by_notify_counts_only_from_the_service(manager: RealManager) -> None:
    """A stranger's READY=1 changes nothing."""
    (manager.folder / "snowfox.toml").write_text(
        '[service.web]\ncommand = "serve"\nready = { notify = true }\n'
    )
    await manager.start()
    await until(lambda: bool(manager.spawner.launched), "the launch")
    assert manager.spawner.launched[0].environment["NOTIFY_SOCKET"] == manager.notify_address
    await manager.until("web", "starting")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"READY=1", "\0" + manager.notify_address[1:])
    await asyncio.sleep(0.1)
    assert (await manager.row("web")).state == "starting"


async def test_kill_of_the_manager_changes_nothing(manager: RealManager) -> None:
    """The next one takes over what runs: same processes, ready as before, nothing launched again."""
    await manager.up()
    await manager.progress("stop", "web@2")
    before = {row.id: (row.state, row.pid, row.started) for row in (await manager.status()).instances}
    launched = len(manager.spawner.launched)
    await asyncio.sleep(0.1)
    await manager.kill()
    (manager.folder / "snowfox.toml").write_text("[service.other]\ncommand = 'x'\n")
    steps = await manager.up()
    assert steps[-1].code == 0
    status = await manager.status()
    assert {row.id: (row.state, row.pid, row.started) for row in status.instances} == before
    assert len(manager.spawner.launched) == launched
    assert any("files changed since" in note for note in status.notes)
    assert (await manager.progress("start", "web@2"))[-1].code == 0


async def test_an_exit_that_nobody_told_is_found(manager: RealManager) -> None:
    """What ended while there was no manager is in the inventory: its exit counts, and it is started again."""
    await manager.up()
    await asyncio.sleep(0.1)
    await manager.kill()
    old = manager.spawner.token("cache")
    manager.spawner.end(old, Exit(3))
    await manager.start()
    await manager.until("cache", "ready")
    assert manager.spawner.token("cache") != old
    async with manager.commands() as commands, commands.events(100, follow=False) as lines:
        exits = [line.fact async for line in lines if line.kind == "service.exited"]
    assert '"code":3' in exits[-1]


async def test_a_new_spawner_is_taken_up(manager: RealManager) -> None:
    """After a session was lost requests go to the next one, and what it does not know ended unknown."""
    await manager.up()
    lost = manager.spawner.token("web@1")
    del manager.spawner.running[lost]
    await manager.attach_spawner()
    await until(lambda: manager.spawner.token("web@1") != lost, "another process")
    await manager.until("*", "ready")
    assert (await manager.progress("restart", "web@2"))[-1].code == 0


async def test_a_session_that_the_spawner_ended_is_asked_for_again(manager: RealManager) -> None:
    """The spawner lives on: what waits is done in the next session, that of a new spawner is not asked for."""
    await manager.up()
    reports = manager.spawner.reports
    assert reports is not None
    reports.close()
    assert (await manager.progress("restart", "web"))[-1].code == 0
    assert manager.rejoined == 1
    await manager.attach_spawner()
    assert (await manager.progress("restart", "web"))[-1].code == 0
    assert manager.rejoined == 1


async def test_stop_stops_all_in_reverse_and_leaves(manager: RealManager) -> None:
    """The daemon's stop is answered when nothing runs; then the manager leaves with 0 when the session ends."""
    await manager.up()
    async with manager.commands() as commands, commands.stopping() as steps:
        waiting = asyncio.ensure_future(anext(steps))
        await asyncio.sleep(0.05)
        await manager.control.remote.stop()
        assert (await waiting).state in {"stopped", "stopping"}
    order = [token.partition("~")[0] for token, number in manager.spawner.signals if number == 15]
    assert order[-1] == "cache"
    assert await manager.leave() == 0


async def test_down_asks_the_daemon(manager: RealManager) -> None:
    """`down` is the daemon's to do."""
    await manager.up()
    async with manager.commands() as commands, commands.down() as steps:
        waiting = asyncio.ensure_future(anext(steps))
        await until(lambda: manager.stopped is not None, "the daemon is asked")
        waiting.cancel()
    assert manager.stopped is not None
    assert manager.stopped[0] == 0


async def test_losing_the_daemon_is_leaving(manager: RealManager) -> None:
    """Services go on; nothing is signalled."""
    await manager.up()
    assert await manager.leave() == 0
    assert manager.spawner.signals == []


async def test_modules_are_listed(manager: RealManager) -> None:
    """All are up, in the order of their levels."""
    await manager.up()
    async with manager.commands() as commands:
        modules = await commands.modules()
    assert [module.name for module in modules][:2] == ["store", "journal"]
    assert modules[-1].name == "commands"
    assert {module.state for module in modules} == {"up"}


async def test_a_second_welcome_is_refused(manager: RealManager) -> None:
    """It has begun already."""
    await manager.up()
    session = manager._session
    with pytest.raises(Exception, match="welcome"):
        await manager.control.remote.welcome(manager._welcome(await session()))


async def test_wait_ends_in_time(manager: RealManager) -> None:
    """False when the state does not come."""
    await manager.up()
    async with manager.commands() as commands:
        assert await commands.wait("cache", "ready", 1000)
        assert not await commands.wait("cache", "failed", 50)


def test_the_contract_is_for_the_daemon() -> None:
    """ManagerControl has no rights to check: the session is a pair that only the daemon can have made."""
    assert all(method.right is None for method in ManagerControl.methods.values())
    assert NotPermitted("x").hint == ""
