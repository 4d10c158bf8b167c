"""What `snowfox up` shows in the foreground: a process beside the node, which shows how it comes up, its output, its end.

The command itself becomes the daemon by exec, so that process 1 of a container, or the shell's job, is the daemon and
gets the signals. The viewer is forked before: it lets INT and TERM pass, since the node's end is what it is to show,
and ends with the node's session. The daemon waits for it at the end, so that the last lines come before the prompt.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from threading import Lock, Thread
from typing import Final, NoReturn

from snowfox.cli import daemon, node, paper, progress
from snowfox.cli.outcome import failure, finish, steps
from snowfox.cli.printer import Look, Printer
from snowfox.contract.manager import Manager, Progress
from snowfox.contract.start import NODE_LOG, Node
from snowfox.core.posix.api import Posix
from snowfox.errors import ConnectionLost, HostError, NoNode, SnowFoxError

_LINES: Final = 1000
_PATIENCE: Final = 60.0
_PAUSE: Final = 0.1


def start(posix: Posix, place: node.Place, asked: Node, *, as_json: bool) -> NoReturn:
    """Fork the viewer, then become the daemon. Raises HostError, PosixError.

    Args:
        posix: the kernel.
        place: where the node will be.
        asked: what to start.
        as_json: print JSON objects instead of lines for people.
    """
    reader, writer = posix.files.pipe()
    sys.stdout.flush()
    pid = posix.processes.fork()
    if pid:
        posix.files.close(reader)
        daemon.become(posix, asked.replace(ready=writer, viewer=pid))
    posix.files.close(writer)
    code = 0
    try:
        posix.signals.watch(
            (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)
        )  # a fork has them at their default
        _view(daemon.Pipe(posix, reader), place, as_json=as_json)
    except SnowFoxError as error:
        hints = (f"   {line}" for line in error.hint.splitlines())
        print(error, *hints, sep="\n", file=sys.stderr)
        code = 1
    except BrokenPipeError:
        pass  # nobody looks any more; the node does not depend on that
    finally:
        os._exit(code)


def _view(pipe: daemon.Pipe, place: node.Place, *, as_json: bool) -> None:
    first = pipe.next()
    if first is None or first.word != "listening":
        raise failure(first, place)
    view = _View(place, as_json=as_json)
    thread = Thread(target=view.output, name="output", daemon=True)
    try:
        view.progress(thread)
    except SnowFoxError as error:
        raise next((failure(line, place) for line in pipe.rest() if line.word == "failed"), error) from error
    if thread.is_alive():
        thread.join(timeout=1.0)


class _View:
    """Two sessions: one for progress, one for output, each line printed whole."""

    def __init__(self, place: node.Place, *, as_json: bool) -> None:
        self._place = place
        self._as_json = as_json
        self._since = int(time.time() * 1000)
        self._lock = Lock()
        self._sheet = paper.out()
        self._is_over = False
        self._warned = False

    def progress(self, output: Thread) -> None:
        """Show how the node comes up and, later, goes down; begins with the output when there are instances."""
        last: Progress | None = None
        try:
            for item in steps(self._place, Manager.starting):
                last = item
                if item.last and not item.is_well:
                    progress.finish(item, as_json=self._as_json)
                    return
                if not output.is_alive():
                    output.start()
                self._show(item)
            for item in steps(self._place, Manager.stopping):
                self._show(item)
        except NoNode as error:
            if last is None or not last.last:
                raise
            msg = "cannot tell how the services ended: the node was gone before they had all stopped"
            raise HostError(msg, f"see {self._place.home}/{NODE_LOG}") from error
        finally:
            self._is_over = True

    def output(self) -> None:
        """Show what services print from now on, until the node ends."""
        printer = Printer(Look(as_json=self._as_json))
        since, is_first = self._since, True
        while not self._is_over:
            try:
                with node.open_session(self._place, timeout=_PATIENCE) as session:
                    for line in session.stream(Manager.logs, "*", _LINES, True):  # noqa: FBT003 - as the contract has it
                        if line.instance and (line.at >= since or (line.at == 0 and is_first)):
                            with self._lock:
                                printer.show(line)
                        self._since = max(self._since, line.at + 1)
            except ConnectionLost:
                # Another manager goes on where this one was.
                since, is_first = self._since, False
                time.sleep(_PAUSE)
            except (SnowFoxError, BrokenPipeError):
                return  # it ends with the node; what went wrong is told by the other session

    def _show(self, item: Progress) -> None:
        with self._lock:
            if self._as_json:
                progress.follow([item], as_json=True)
            elif item.last:
                finish(item, as_json=False)
            elif item.state == progress.WARNING:
                progress.warn(item)
            elif progress.is_settled(item):
                self._sheet.line(progress.settled(item, self._sheet))
            elif item.state == "stopping" and not self._warned:
                self._warned = True
                self._sheet.line(f"{item.instance} is still stopping: {item.message}; Ctrl-C kills at once")
