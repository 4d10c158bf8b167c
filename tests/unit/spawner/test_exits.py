"""How exits are found out, written and told, on the fake kernel."""

from __future__ import annotations

import errno

import pytest

from snowfox.contract.record import exit_line
from snowfox.spawner.events import Ended, Event, ExitKnown, Found
from snowfox.spawner.exits import PATIENCE, PATIENCE_WITH_STRANGERS, SELDOM, SOON
from snowfox.testing.launches import RUN, TOKEN, Bench, host
from snowfox.values import UNKNOWN_EXIT, Exit


def known(events: list[Event]) -> list[Exit]:
    """The exits that were said."""
    return [event.exit for event in events if isinstance(event, ExitKnown)]


@pytest.mark.parametrize("exit", [Exit(0), Exit(3), Exit(None, 9)])
def test_child(bench: Bench, exit: Exit) -> None:
    """A child's exit is written into the record, and the child not reaped before it is forgotten."""
    process = bench.begin()
    bench.kernel.end(process.pid, exit)
    assert bench.turn() == [Ended(TOKEN)]
    bench.exits.find(TOKEN, None)
    assert known(bench.said()) == [exit]
    record = bench.record()
    assert record is not None
    assert record.exit == exit
    assert not process.is_reaped
    bench.held.forget(TOKEN)
    assert process.is_reaped
    assert bench.names() == []


def test_what_does_not_end_is_looked_at_more_and_more_seldom(bench: Bench) -> None:
    """At once at first, each second at last; the next launch that ends is looked at as soon as the first was."""
    bench.kernel.write("/cg/web/cgroup.procs", b"99\n")  # a folder that is not empty stays
    process = bench.begin()
    handle = bench.held.get(TOKEN)
    assert handle is not None
    handle.groups = ("/cg/web",)
    bench.kernel.end(process.pid, Exit(0))
    bench.turn()
    bench.exits.find(TOKEN, None)
    pauses: list[float] = []
    while sum(pauses) < 60.0:
        pauses.append(bench.exits.patience())
        bench.kernel.clock.advance(pauses[-1])
        bench.exits.look_for_end()
    assert known(bench.said()) == []
    assert pauses[0] == SOON
    assert pauses == sorted(pauses)
    assert pauses[-1] == SELDOM
    assert len(pauses) < 100
    bench.exits._lingering["other"] = bench.exits._lingering[TOKEN]._replace(at=bench.kernel.clock.boot())
    assert bench.exits.patience() == SOON


@pytest.mark.parametrize("groups", [("/cg/web",), ()])
def test_that_nothing_is_left_is_known_by_groups(bench: Bench, groups: tuple[str, ...]) -> None:
    """They go with the last process; without them nobody knows."""
    process = bench.begin()
    handle = bench.held.get(TOKEN)
    assert handle is not None
    handle.groups, handle.had_groups = groups, bool(groups)
    assert not bench.held.is_gone(TOKEN)
    bench.kernel.end(process.pid, Exit(0))
    bench.turn()
    bench.exits.find(TOKEN, None)
    assert known(bench.said()) == [Exit(0)]
    assert bench.held.is_gone(TOKEN) is bool(groups)


def test_full_disk(bench: Bench) -> None:
    """An exit that cannot be written is known all the same."""
    process = bench.begin()
    bench.kernel.end(process.pid, Exit(3))
    bench.turn()
    bench.kernel.fail("files.write", errno.ENOSPC, process=bench.posix.process.pid)
    bench.exits.find(TOKEN, None)
    assert known(bench.said()) == [Exit(3)]


def adopted(*, tells_exits: bool = True) -> tuple[Bench, int]:
    """A successor that adopted a running process, whose parent now is the daemon."""
    kernel, daemon = host()
    kernel.tells_exits = tells_exits
    first = Bench(kernel, daemon)
    process = first.begin()
    first.die()
    bench = Bench(kernel, daemon)
    bench.adoption.begin()
    assert [type(event) for event in bench.said()] == [Found]
    handle = bench.held.get(TOKEN)
    assert handle is not None
    handle.speaks = False  # what may have named another main process is in test_succession
    return bench, process.pid


def append(bench: Bench, exit: Exit) -> None:
    """What the daemon does before it reaps."""
    posix = bench.daemon
    opened = posix.files.open(f"{RUN}/launches/{TOKEN}", 0o2001)
    posix.files.write(opened, exit_line(exit, 5))
    posix.files.close(opened)


def test_orphan_told_by_the_daemon() -> None:
    """The daemon's word is taken."""
    bench, pid = adopted()
    bench.kernel.end(pid, Exit(4))
    append(bench, Exit(4))
    bench.reap_orphan(pid)
    bench.exits.find(TOKEN, Exit(4))
    assert known(bench.said()) == [Exit(4)]


def test_orphan_waits_for_its_reaper() -> None:
    """As long as it is a zombie its exit is not known: the daemon will write it down."""
    bench, pid = adopted()
    bench.kernel.end(pid, Exit(4))
    assert bench.turn() == [Ended(TOKEN)]
    bench.exits.find(TOKEN, None)
    assert bench.said() == []
    assert bench.exits.wants_look
    append(bench, Exit(4))
    bench.reap_orphan(pid)
    bench.exits.look_again()
    assert known(bench.said()) == [Exit(4)]
    assert not bench.exits.wants_look


@pytest.mark.parametrize(("tells_exits", "exit"), [(True, Exit(4)), (False, UNKNOWN_EXIT)])
def test_orphan_reaped_without_a_word(tells_exits: bool, exit: Exit) -> None:
    """Nobody wrote it down: the pidfd tells where the kernel can (6.15), else it is unknown, never 0."""
    bench, pid = adopted(tells_exits=tells_exits)
    bench.kernel.end(pid, Exit(4))
    bench.turn()
    bench.reap_orphan(pid)
    bench.exits.find(TOKEN, None)
    assert known(bench.said()) == [exit]
    record = bench.record()
    assert record is not None
    assert record.exit == exit


def test_zombie_that_nobody_reaps() -> None:
    """A parent that never reaps is waited for a bounded time."""
    bench, pid = adopted()
    bench.kernel.end(pid, Exit(4))
    bench.turn()
    bench.exits.find(TOKEN, None)
    assert looks_until_known(bench) == PATIENCE - 1


def test_zombie_of_a_stranger() -> None:
    """A parent that is not the daemon writes nothing down: it is not waited for as long, so that a restart is not late."""
    bench, pid = adopted()
    bench.exits.daemon = 0
    bench.kernel.end(pid, Exit(4))
    bench.turn()
    bench.exits.find(TOKEN, None)
    assert looks_until_known(bench) == PATIENCE_WITH_STRANGERS - 1


def looks_until_known(bench: Bench) -> int:
    """How often it was looked again until it was given up."""
    looks = 0
    while bench.exits.wants_look:
        bench.exits.look_again()
        looks += 1
        assert looks < 1000
    assert known(bench.said()) == [UNKNOWN_EXIT]
    return looks


def test_out_of_descriptors(bench: Bench) -> None:
    """An exit that cannot be found out now is found out later."""
    process = bench.begin()
    bench.kernel.end(process.pid, Exit(3))
    bench.turn()
    bench.kernel.fail("processes.exit_of", errno.ENFILE, times=1)
    bench.exits.find(TOKEN, None)
    assert known(bench.said()) == []
    assert bench.exits.wants_look
    bench.exits.look_again()
    assert known(bench.said()) == [Exit(3)]
    assert not bench.exits.wants_look


def test_reaped_by_somebody_else(bench: Bench) -> None:
    """A child that is not there any more ended in a way that nobody knows; it is not looked for without end."""
    process = bench.begin()
    bench.kernel.end(process.pid, Exit(3))
    bench.turn()
    bench.kernel.fail("processes.exit_of", errno.ECHILD)
    bench.exits.find(TOKEN, None)
    assert known(bench.said()) == [UNKNOWN_EXIT]
    assert not bench.exits.wants_look
