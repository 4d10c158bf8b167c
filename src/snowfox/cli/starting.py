"""How `snowfox up` goes: show a node that runs, else start one, whose manager checks, and show how it comes up."""

# pathlib costs 5 ms of import in every command.
# ruff: noqa: PTH110, PTH123, PTH208

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from snowfox.cli import daemon, node, outcome, paper, progress, reading
from snowfox.cli.place import place as place_of
from snowfox.contract.manager import Manager, NodeStatus, Progress
from snowfox.contract.record import FOLDER as LAUNCHES
from snowfox.contract.start import RUN, STORE, Node, Said
from snowfox.core.config.source import Sources
from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import HostError, NoNode, PosixError, errno_text
from snowfox.service.configuration import read

_STORES: Final = (STORE, "state.db")


def up(options: argparse.Namespace, waiting: daemon.Waiting | None) -> int:
    """See `commands.up.run`.

    Args:
        options: as that declares them.
        waiting: a daemon for this folder that waits for its word, if there is one.
    """
    sources = _found(options)
    shown = sources.main.title.removesuffix(sources.main.name)
    name = f"git:{sources.name}" if sources.commit else sources.main.name
    asked = daemon.described(sources.folder, name, options.policy, shown=shown)
    place = node.Place(asked.project)
    try:
        return _show_running(place, sources, as_json=options.json)
    except NoNode:
        pass
    if _has_services(place) and not _has_store(place):
        # Of before, and perhaps alive: a manager that refuses the configuration, and has no version of before that it
        # could run instead, would have them stopped.
        read(sources, host=os.uname().nodename).require()
    if not options.detach:
        from snowfox.cli import viewer  # noqa: PLC0415 - only in the foreground

        viewer.start(LinuxPosix(), place, asked, as_json=options.json)
    with _going_on():
        return _detached(place, sources, asked, waiting, as_json=options.json)


@contextmanager
def _going_on() -> Generator[None]:
    """Whoever interrupts only stops to look on: says so, and what one may do. The interrupt goes on."""
    try:
        yield
    except KeyboardInterrupt:
        print(
            "interrupted: the node goes on starting\n   see: snowfox status · stop it: snowfox down",
            file=sys.stderr,
        )
        raise


def _found(options: argparse.Namespace) -> Sources:
    """What to start; what it says is the manager's to check. Raises ConfigurationRefused, HostError."""
    where = place_of(options.path, here=node.project_of(options.node or "."))
    sources = reading.read(where, posix=LinuxPosix())
    if options.policy is not None:
        try:
            with open(options.policy, "rb"):
                pass
        except OSError as error:
            why = errno_text(error.errno or 0)
            msg = f"cannot read the policy {options.policy}: {why}"
            raise HostError(msg, "") from error
    return sources


def _has_services(place: node.Place) -> bool:
    """Whether there are records of launches."""
    try:
        return bool(os.listdir(f"{place.home}/{RUN}/{LAUNCHES}"))
    except OSError:
        return False


def _has_store(place: node.Place) -> bool:
    """Whether there is a store, in which all is that was launched by; root's may be elsewhere."""
    return any(os.path.exists(f"{place.home}/{name}") for name in _STORES)


def _show_running(place: node.Place, sources: Sources, *, as_json: bool) -> int:
    """The status of a node that runs; of one that starts, how it goes on. Raises NoNode, ConfigurationRefused."""
    with node.open_session(place, timeout=outcome.PATIENCE) as session:
        checked = read(sources, host=os.uname().nodename)
        checked.require()
        found: NodeStatus = session.call(Manager.status, "*")
        if found.phase == "starting":
            with _going_on():
                last = progress.follow(session.stream(Manager.starting), as_json=as_json)
            return outcome.finish(last, as_json=as_json)
    from snowfox.cli.commands import status  # noqa: PLC0415 - seldom

    for problem in checked.warnings:
        print(problem.show(), file=sys.stderr)
    return status.show(found, as_json=as_json)


def _detached(
    place: node.Place, sources: Sources, asked: Node, waiting: daemon.Waiting | None, *, as_json: bool
) -> int:
    pipe = (waiting or daemon.begin(LinuxPosix(), asked)).go(asked)
    first = pipe.next()
    if first is not None and first.word == "busy":
        return _lost_race(place, sources, first, as_json=as_json)
    if first is None or first.word != "listening":
        raise outcome.failure(first, place)
    try:
        last = progress.follow(outcome.steps(place, Manager.starting), as_json=as_json)
    except NoNode as error:
        raise next(
            (outcome.failure(line, place) for line in pipe.rest() if line.word == "failed"), error
        ) from error
    if last is not None and not last.is_well:
        _await_end(pipe, first.pid)
    return outcome.finish(_with_next_steps(last), as_json=as_json)


def _with_next_steps(last: Progress | None) -> Progress | None:
    """How long it took, and what one may want to do now."""
    if last is None or last.code:
        return last
    dot = paper.out().dot()
    steps = f" {dot} ".join(("", "snowfox status", "snowfox logs -f", "snowfox down"))
    return last._replace(message=f"{last.message}, {paper.took(last.milliseconds)}{steps}")


def _lost_race(place: node.Place, sources: Sources, busy: Said, *, as_json: bool) -> int:
    """Another `up` was faster: its node is ours as well."""
    try:
        return _show_running(place, sources, as_json=as_json)
    except NoNode as error:
        who = f"daemon pid {busy.pid}" if busy.pid else "its daemon did not say its pid"
        msg = f"cannot start a node in {place.folder}: it runs already ({who})"
        raise HostError(msg, "snowfox status · snowfox down") from error


def _await_end(pipe: daemon.Pipe, pid: int) -> None:
    """A refused node goes by itself; what it leaves is nothing."""
    from snowfox.cli.commands.down import await_end  # noqa: PLC0415 - seldom

    for _ in pipe.rest():
        pass
    posix = LinuxPosix()
    try:
        pidfd = posix.processes.open(pid)
    except PosixError:  # it is gone
        return
    await_end(posix, pidfd)
