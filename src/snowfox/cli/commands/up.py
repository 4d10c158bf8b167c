"""`snowfox up [PATH] [-d] [--policy FILE]`."""

# pathlib costs 5 ms of import in every command.
# ruff: noqa: PTH100, PTH123

from __future__ import annotations

import argparse
import os
import sys
from typing import Final

from snowfox.cli import daemon, node, progress
from snowfox.cli.commands import status
from snowfox.contract.manager import Manager, NodeStatus
from snowfox.contract.start import NODE_LOG, Node, Said
from snowfox.core.config import source
from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import ConnectionLost, HostError, NoNode, PosixError, SnowFoxError, errno_text
from snowfox.service.configuration import NAMES, read

FAILED: Final = 1
_PATIENCE: Final = 60.0  # seconds for the first manager to answer


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument(
        "path", nargs="?", default=None, metavar="PATH", help="a configuration or its folder; default: here"
    )
    parser.add_argument(
        "-d", "--detach", action="store_true", help="wait until all is ready, then give the shell back"
    )
    parser.add_argument(
        "--policy",
        metavar="FILE",
        default=None,
        help="what services may be; default: /etc/snowfox/policy.toml",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object a line, as things happen")


def run(options: argparse.Namespace) -> int:
    """0: all is ready; 1: something did not get ready, or the node did not start; 3: refused, nothing started.

    On a running node: its status. In the foreground it returns only then, or when the node could not start.
    """
    asked = _checked(options)
    place = node.Place(asked.project)
    try:
        return _show_running(place, as_json=options.json)
    except NoNode:
        pass
    if not options.detach:
        from snowfox.cli import viewer  # noqa: PLC0415 - only in the foreground

        viewer.start(LinuxPosix(), place, asked, as_json=options.json)
    return _detached(place, asked, as_json=options.json)


def _checked(options: argparse.Namespace) -> Node:
    """What to start: read and checked here, so that a mistake starts and leaves nothing. Raises ConfigurationRefused."""
    path = os.path.abspath(options.path or node.project_of(options.node or "."))
    shown = options.path or ""
    sources = source.read(path, names=NAMES, posix=LinuxPosix(), shown=shown)
    checked = read(sources, host=os.uname().nodename)
    checked.require()
    for problem in checked.warnings:
        print(problem.show(), file=sys.stderr)
    if options.policy is not None:
        try:
            with open(options.policy, "rb"):
                pass
        except OSError as error:
            why = errno_text(error.errno or 0)
            msg = f"cannot read the policy {options.policy}: {why}"
            raise HostError(msg, "") from error
    return daemon.described(sources.folder, sources.main.name, options.policy)


def _show_running(place: node.Place, *, as_json: bool) -> int:
    """The status of a node that runs; of one that starts, how it goes on. Raises NoNode."""
    with node.open_session(place, timeout=_PATIENCE) as session:
        found: NodeStatus = session.call(Manager.status, "*")
        if found.phase == "starting":
            last = progress.follow(session.stream(Manager.starting), as_json=as_json)
            return progress.finish(last, as_json=as_json)
    return status.show(found, as_json=as_json)


def _detached(place: node.Place, asked: Node, *, as_json: bool) -> int:
    pipe = daemon.detached(LinuxPosix(), asked)
    first = pipe.next()
    if first is not None and first.word == "busy":
        return _lost_race(place, asked, first, as_json=as_json)
    if first is None or first.word != "listening":
        raise failure(first, place)
    try:
        with node.open_session(place, timeout=_PATIENCE) as session:
            last = progress.follow(session.stream(Manager.starting), as_json=as_json)
    except (ConnectionLost, NoNode) as error:
        raise next((failure(line, place) for line in pipe.rest() if line.word == "failed"), error) from error
    if last is not None and last.last and last.code not in {0, FAILED}:
        _await_end(pipe, first.pid)
    return progress.finish(last, as_json=as_json)


def failure(line: Said | None, place: node.Place) -> SnowFoxError:
    """Why a daemon did not start, by what it said last, and what its log says last where it only names the log."""
    see = f"see {place.home}/{NODE_LOG}"
    if line is None or line.word != "failed":
        return HostError("cannot start the node: its daemon ended without a word", see)
    if NODE_LOG not in line.hint:
        return HostError(line.text, line.hint)
    reason = _last_error(place)
    return HostError(line.text, f"{reason}\n{see}" if reason else see)


def _last_error(place: node.Place) -> str:
    """The last error in the node's log; "" where there is none or it cannot be read."""
    import json  # noqa: PLC0415 - only for a failure

    try:
        with open(f"{place.home}/{NODE_LOG}", "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 65536))
            lines = file.read().splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        if b'"level":"error"' in line:
            try:
                return str(json.loads(line)["text"])
            except (ValueError, KeyError):
                return ""
        if b'"listening"' in line:  # the beginning of this start
            return ""
    return ""


def _lost_race(place: node.Place, asked: Node, busy: Said, *, as_json: bool) -> int:
    """Another `up` was faster: its node is ours as well."""
    try:
        return _show_running(place, as_json=as_json)
    except NoNode as error:
        who = f"daemon pid {busy.pid}" if busy.pid else "its daemon did not say its pid"
        msg = f"cannot start a node in {asked.project}: it runs already ({who})"
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
