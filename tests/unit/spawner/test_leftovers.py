"""Signals, and all that is left of a launch, on the fake kernel."""

from __future__ import annotations

import errno

import pytest

from snowfox.testing.kernel.disk import LinkNode
from snowfox.testing.kernel.process import FakeProcess
from snowfox.testing.launches import RUN, TOKEN, Bench, host
from snowfox.values import Exit


def descendant(bench: Bench, leader: FakeProcess, *, group: int | None = None) -> FakeProcess:
    """A process that the service made, perhaps in a group of its own."""
    child = bench.kernel.begin(parent=leader.pid, ids=leader.ids)
    child.session = leader.session
    child.group = leader.group if group is None else child.pid
    return child


def link(bench: Bench, path: str, target: str) -> None:
    """As the kernel shows what a descriptor is."""
    folder, _, name = path.rpartition("/")
    node = LinkNode(target, bench.posix.own.ids(), bench.kernel.disk.number())
    bench.kernel.folder(folder).entries[name] = node


def test_signal(bench: Bench) -> None:
    """The main process gets it; an unknown token is nobody."""
    process = bench.begin()
    assert bench.leftovers.signal(TOKEN, 10)
    assert process.signals == ["USR1"]
    assert not bench.leftovers.signal(TOKEN.replace("web", "x"), 10)


def test_kill_group(bench: Bench) -> None:
    """All of its group die at once."""
    process = bench.begin()
    child = descendant(bench, process)
    assert bench.leftovers.kill(TOKEN)
    assert process.exit == child.exit == Exit(None, 9)


def test_kill_what_outlived_the_leader(bench: Bench) -> None:
    """Its children die after its own end, also after we know of it."""
    process = bench.begin()
    child = descendant(bench, process)
    bench.kernel.end(process.pid, Exit(0))
    bench.turn()
    bench.exits.find(TOKEN, None)
    assert bench.leftovers.kill(TOKEN)
    assert child.exit == Exit(None, 9)


def test_other_groups_of_the_session(bench: Bench) -> None:
    """Groups that job control made are found by the sweep."""
    process = bench.begin()
    child = descendant(bench, process, group=1)
    bench.leftovers.kill(TOKEN)
    assert child.exit is None
    assert bench.leftovers.wants_sweep
    bench.leftovers.sweep()
    assert child.exit == Exit(None, 9)
    assert not bench.leftovers.wants_sweep


def test_sweep_leaves_others_alone(bench: Bench) -> None:
    """Only sessions that were killed are swept."""
    bench.begin()
    other = bench.kernel.begin(parent=1, ids=bench.posix.process.ids)
    other.session = other.group = other.pid
    bench.leftovers.kill(TOKEN)
    bench.leftovers.sweep()
    assert other.exit is None


def test_number_used_again() -> None:
    """A session of the same number whose leader lives, after ours was reaped, is a stranger's."""
    kernel, daemon = host()
    first = Bench(kernel, daemon)
    process = first.begin()
    first.die()
    bench = Bench(kernel, daemon)
    bench.adoption.begin()
    bench.leftovers.kill(TOKEN)
    kernel.end(process.pid, Exit(None, 9)) if process.exit is None else None
    bench.reap_orphan(process.pid)
    stranger = FakeProcess(
        process.pid, 1, process.pid, process.pid, process.ids, kernel.disk.root, kernel.clock.boot() + 10**9
    )
    kernel.processes[process.pid] = stranger
    child = descendant(bench, stranger)
    bench.leftovers.sweep()
    assert stranger.exit is None
    assert child.exit is None
    assert not bench.leftovers.kill(TOKEN)


@pytest.mark.parametrize("is_strangers", [True, False])
def test_session_without_its_leader(is_strangers: bool) -> None:
    """After ours was reaped, members of its session are ours only when one of them is older than the exit."""
    kernel, daemon = host()
    first = Bench(kernel, daemon)
    process = first.begin()
    kernel.pass_time(1.0)
    member = descendant(first, process)
    member.started = kernel.clock.boot()
    first.die()
    bench = Bench(kernel, daemon)
    bench.adoption.begin()
    kernel.pass_time(1.0)
    kernel.end(process.pid, Exit(0))
    bench.reap_orphan(process.pid)
    bench.exits.find(TOKEN, Exit(0))
    bench.exits.bury(TOKEN)
    kernel.pass_time(1.0)
    if is_strangers:
        member.started = kernel.clock.boot()
    bench.leftovers.kill(TOKEN)
    bench.leftovers.sweep()
    assert member.exit == (None if is_strangers else Exit(None, 9))


def test_a_sweep_without_descriptors_comes_again(bench: Bench) -> None:
    """What could not be looked for is looked for with the next sweep."""
    process = bench.begin()
    child = descendant(bench, process, group=1)
    bench.leftovers.kill(TOKEN)
    bench.kernel.fail("processes.all", errno.EMFILE, times=1)
    bench.leftovers.sweep()
    assert child.exit is None
    assert bench.leftovers.wants_sweep
    bench.leftovers.sweep()
    assert child.exit == Exit(None, 9)


def test_what_left_its_session_and_has_the_mark(bench: Bench) -> None:
    """Without a control group the sweep finds what began with the launch's environment, and nobody else."""
    process = bench.begin()
    assert process.environment["SNOWFOX_LAUNCH"] == TOKEN
    away, other = descendant(bench, process), descendant(bench, process)
    for child, mark in ((away, TOKEN), (other, TOKEN.replace("web", "cache"))):
        child.session = child.group = child.pid
        bench.kernel.write(f"/proc/{child.pid}/environ", f"SNOWFOX_LAUNCH={mark}\0A=b\0".encode())
    bench.leftovers.kill(TOKEN)
    bench.leftovers.sweep()
    assert away.exit == Exit(None, 9)
    assert other.exit is None


@pytest.mark.parametrize("is_last", [False, True])
def test_who_leads_the_session_of_a_main_process_that_was_named(bench: Bench, is_last: bool) -> None:
    """It lives, and so its session may be a stranger's: it and its children have the mark, a stranger there has not."""
    first = bench.begin()
    bench.kernel.pass_time(1.0)
    leader = descendant(bench, first, group=1)
    worker, other, stranger = (descendant(bench, leader, group=1) for _ in range(3))
    for child in (leader, worker, other, stranger):
        child.session = leader.pid
        child.started = bench.kernel.clock.boot()
        mark = TOKEN if child is not stranger else TOKEN.replace("web", "cache")
        bench.kernel.write(f"/proc/{child.pid}/environ", f"SNOWFOX_LAUNCH={mark}\0".encode())
    assert bench.succession.follow(TOKEN, worker.pid)
    if is_last:  # pids begin anew once the largest was given
        bench.kernel.processes[leader.pid] = bench.kernel.processes.pop(leader.pid)
    bench.leftovers.kill(TOKEN)
    bench.leftovers.sweep()
    assert [one.exit for one in (first, leader, worker, other)] == [Exit(None, 9)] * 4
    assert stranger.exit is None


def test_what_left_its_session_and_still_writes_into_its_output(bench: Bench) -> None:
    """Though it has another environment; who writes into another launch's output is left alone."""
    process = bench.begin()
    handle = bench.held.get(TOKEN)
    assert handle is not None
    fifo = f"{RUN}/launches/{TOKEN}.out"
    link(bench, f"/proc/self/fd/{handle.output}", fifo)
    away, other = descendant(bench, process), descendant(bench, process)
    for child, target in ((away, f"{fifo} (deleted)"), (other, fifo.replace("web", "cache"))):
        child.session = child.group = child.pid
        link(bench, f"/proc/{child.pid}/fd/2", target)
    bench.leftovers.kill(TOKEN)
    bench.leftovers.sweep()
    assert away.exit == Exit(None, 9)
    assert other.exit is None
