"""Exits of services whose spawner died."""

from __future__ import annotations

import os
from errno import EMFILE
from signal import SIGKILL

import pytest

from snowfox.contract.record import (
    Failed,
    Main,
    Started,
    exit_line,
    failed_line,
    launched_line,
    main_line,
    parse,
)
from snowfox.core.posix.api import Spawn
from snowfox.daemon.orphans import Orphans
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.values import Exit

TOKEN = "web@1~01JD0000000000000000000000"
OTHER = "web@2~01JD0000000000000000000000"
LAUNCHES = "/run/launches"


class Host:
    """A daemon and services that it inherited."""

    def __init__(self) -> None:
        self.kernel = FakeKernel()
        self.kernel.folder(LAUNCHES, mode=0o700)
        self.kernel.install("/bin/web")
        self.daemon = FakePosix(self.kernel)
        self.launches = self.daemon.files.open(LAUNCHES, os.O_RDONLY | os.O_DIRECTORY)
        self.orphans = Orphans(self.daemon, self.launches)

    def service(self, token: str, *more: bytes, at: int | None = None, boot: str | None = None) -> int:
        """A child with a record; its pid."""
        pid = self.daemon.processes.spawn(Spawn("/bin/web", ("web",), {}, (), session=True))
        started = Started(
            pid,
            self.kernel.clock.boot() if at is None else at,
            self.kernel.boot_id if boot is None else boot,
            self.kernel.pid_namespace,
        )
        self.kernel.write(f"{LAUNCHES}/{token}", b"".join([launched_line(started), *more]), mode=0o600)
        return pid

    def end(self, pid: int, how: Exit) -> str | None:
        """It ends; what the daemon makes of it."""
        self.kernel.end(pid, how)
        assert self.daemon.processes.any_exit() == (pid, how)
        token = self.orphans.settle(pid, how)
        self.daemon.processes.reap(pid)
        return token

    def exit_of(self, token: str) -> Exit | None:
        """What the record says."""
        opened = self.daemon.files.open(f"{LAUNCHES}/{token}", os.O_RDONLY)
        return parse(self.daemon.files.read(opened, 4096) or b"").exit


@pytest.fixture
def host() -> Host:
    """A host."""
    return Host()


@pytest.mark.parametrize("how", [Exit(code=7), Exit(signal=SIGKILL)])
def test_the_exit_is_in_the_record_before_it_is_reaped(host: Host, how: Exit) -> None:
    """The exact code or signal is written while the zombie is there."""
    pid = host.service(TOKEN)
    host.orphans.spawner_died()
    assert host.end(pid, how) == TOKEN
    assert host.exit_of(TOKEN) == how


def test_children_of_no_record_are_nobodys(host: Host) -> None:
    """A grandchild that ended is only reaped."""
    host.service(TOKEN)
    host.orphans.spawner_died()
    stranger = host.daemon.processes.spawn(Spawn("/bin/web", ("x",), {}, (), session=True))
    assert host.end(stranger, Exit(code=0)) is None
    assert host.exit_of(TOKEN) is None


def test_while_the_spawner_lives_nothing_is_ours(host: Host) -> None:
    """No record is read before a spawner died."""
    pid = host.service(TOKEN)
    assert host.end(pid, Exit(code=1)) is None


def test_an_exit_that_was_written_stays(host: Host) -> None:
    """The spawner died between writing and reaping: its word counts, once."""
    pid = host.service(TOKEN, exit_line(Exit(code=3), 5))
    host.orphans.spawner_died()
    assert host.end(pid, Exit(code=3)) is None
    assert host.exit_of(TOKEN) == Exit(code=3)


def test_a_launch_under_way_is_found_later(host: Host) -> None:
    """A record that was empty when the spawner died is looked at again."""
    host.kernel.write(f"{LAUNCHES}/{TOKEN}", b"")
    host.orphans.spawner_died()
    stranger = host.daemon.processes.spawn(Spawn("/bin/web", ("x",), {}, (), session=True))
    assert host.end(stranger, Exit(code=0)) is None
    pid = host.service(TOKEN)
    assert host.end(pid, Exit(code=4)) == TOKEN


@pytest.mark.parametrize("call", ["files.open", "folders.names"])
def test_what_cannot_be_read_now_is_read_later(host: Host, call: str) -> None:
    """Out of descriptors for a moment, the daemon goes on, and does not take records for forgotten."""
    pid = host.service(TOKEN)
    stranger = host.daemon.processes.spawn(Spawn("/bin/web", ("x",), {}, (), session=True))
    host.orphans.spawner_died()
    host.kernel.fail(call, EMFILE, times=1)
    assert host.end(stranger, Exit(code=0)) is None
    assert host.end(pid, Exit(code=4)) == TOKEN
    assert host.exit_of(TOKEN) == Exit(code=4)


def test_a_record_that_was_forgotten_is_not_looked_at_again(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It went between the look at the folder and at it."""
    monkeypatch.setattr(host.daemon.folders, "names", lambda _: [TOKEN])
    stranger = host.daemon.processes.spawn(Spawn("/bin/web", ("x",), {}, (), session=True))
    host.orphans.spawner_died()
    assert host.end(stranger, Exit(code=0)) is None
    pid = host.service(TOKEN)
    assert host.end(pid, Exit(code=4)) is None


def test_a_pid_used_again_is_another_process(host: Host) -> None:
    """A process that began after the record was written is not its launch."""
    host.kernel.pass_time(10)
    pid = host.service(TOKEN, at=host.kernel.clock.boot() - 5_000_000_000)
    host.orphans.spawner_died()
    assert host.end(pid, Exit(code=1)) is None
    assert host.exit_of(TOKEN) is None


def test_a_record_of_another_boot_is_not_ours(host: Host) -> None:
    """The same pid after a reboot is another process."""
    pid = host.service(TOKEN, boot="00000000-0000-4000-8000-00000000000f")
    host.orphans.spawner_died()
    assert host.end(pid, Exit(code=1)) is None


def test_failed_launches_have_no_process(host: Host) -> None:
    """A launcher that failed ends as well; that is no exit of a service."""
    pid = host.service(TOKEN, failed_line(Failed("execute", "/bin/nothing", 2)))
    host.orphans.spawner_died()
    assert host.end(pid, Exit(code=127)) is None


def test_a_full_disk_loses_no_exit(host: Host) -> None:
    """What cannot be written is still told to the spawner."""
    pid = host.service(TOKEN)
    host.orphans.spawner_died()
    host.kernel.fail("files.write", 28)
    assert host.end(pid, Exit(code=7)) == TOKEN


def test_records_are_read_once_for_many(host: Host) -> None:
    """A thousand orphans cost one look at the folder, not a thousand."""
    pids = [host.service(f"web@{number}~01JD0000000000000000000000") for number in range(50)]
    host.orphans.spawner_died()
    host.end(pids[0], Exit(code=0))
    host.kernel.fail("folders.names", 5)
    for number, pid in enumerate(pids[1:], start=1):
        assert host.end(pid, Exit(code=number)) == f"web@{number}~01JD0000000000000000000000"


def follow(host: Host, token: str, pid: int) -> None:
    """What the spawner does: another process is the main process."""
    opened = host.daemon.files.open(f"{LAUNCHES}/{token}", os.O_WRONLY | os.O_APPEND)
    host.daemon.files.write(opened, main_line(Main(pid, host.kernel.clock.boot())))
    host.daemon.files.close(opened)


@pytest.mark.parametrize("died", [False, True])
def test_who_is_followed_is_ours_as_well(host: Host, died: bool) -> None:
    """Its exit is written though its spawner lives, and that of the one before is not."""
    before = host.service(TOKEN)
    if died:
        host.orphans.spawner_died()
        stranger = host.daemon.processes.spawn(Spawn("/bin/web", ("x",), {}, (), session=True))
        assert host.end(stranger, Exit(code=0)) is None
    pid = host.daemon.processes.spawn(Spawn("/bin/web", ("web",), {}, (), session=True))
    follow(host, TOKEN, pid)
    host.orphans.followed(TOKEN)
    assert host.end(before, Exit(code=0)) is None
    assert host.exit_of(TOKEN) is None
    assert host.end(pid, Exit(code=5)) == TOKEN
    assert host.exit_of(TOKEN) == Exit(code=5)


def test_the_one_before_ends_before_we_hear_of_the_other(host: Host) -> None:
    """The record tells it: what is known of it from before does not count."""
    before = host.service(TOKEN)
    host.orphans.spawner_died()
    stranger = host.daemon.processes.spawn(Spawn("/bin/web", ("x",), {}, (), session=True))
    assert host.end(stranger, Exit(code=0)) is None
    pid = host.daemon.processes.spawn(Spawn("/bin/web", ("web",), {}, (), session=True))
    follow(host, TOKEN, pid)
    assert host.end(before, Exit(code=0)) is None
    assert host.exit_of(TOKEN) is None


def test_the_next_spawner_died_too(host: Host) -> None:
    """Read anew, the record names the one that is followed."""
    before = host.service(TOKEN)
    pid = host.daemon.processes.spawn(Spawn("/bin/web", ("web",), {}, (), session=True))
    follow(host, TOKEN, pid)
    host.orphans.spawner_died()
    assert host.end(before, Exit(code=0)) is None
    assert host.end(pid, Exit(signal=SIGKILL)) == TOKEN
