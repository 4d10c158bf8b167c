"""From a launch to its process, and from the process to `launched` or to the step that failed."""

from __future__ import annotations

import errno
import signal
from typing import Final

from snowfox.contract.record import ERRORS, OUTPUT, Failed, parse, subject_of
from snowfox.contract.spawner import Launch
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Ids
from snowfox.errors import LaunchFailed, PosixError, SnowFoxError
from snowfox.spawner.confining import Confining
from snowfox.spawner.events import Begun, Ended, Executed, NotLaunched
from snowfox.spawner.groups import STEP
from snowfox.spawner.held import Handle, Kit
from snowfox.spawner.launch import FIRST, Limit, Maker, Order
from snowfox.spawner.leftovers import MARK
from snowfox.spawner.policy import Account
from snowfox.spawner.ports import Ports
from snowfox.spawner.secret import Secrets
from snowfox.values import LISTENING, Seconds

LATE: Final[Seconds] = 1.0
"""How long it may stay untold that a program runs while further launches wait: those go first."""

_STATUS: Final = 8192
_NOTIFY: Final = "NOTIFY_SOCKET"
_OURS: Final = LISTENING | {MARK}
_ADVICE: Final = {
    errno.ENOENT: "there is no such program, or the interpreter that its first line names is missing",
    errno.E2BIG: "arguments and environment are too long",
}


class Means(NamedTuple):
    """What launches are made with.

    Args:
        maker: makes processes.
        ports: sockets to pass.
        secrets: reads those that processes get.
        confining: knows what they are confined by.
        null: /dev/null, open for reading and writing.
        limit: of descriptors, as the spawner found it.
    """

    maker: Maker
    ports: Ports
    secrets: Secrets
    confining: Confining
    null: int
    limit: Limit


class _Streams(NamedTuple):
    """Ends of a process's streams, its own or ours; None where there is none of ours, or no one apart."""

    output: int | None
    errors: int | None
    input: int | None


class _Asked(NamedTuple):
    """A process that was asked for; our ends of its status pipe and of its streams, folders of its groups."""

    launch: Launch
    status: int
    streams: _Streams
    groups: tuple[str, ...]


class Launching:
    """Makes processes and listens to their status pipes."""

    def __init__(self, kit: Kit, means: Means) -> None:
        self._kit = kit
        self._posix = kit.posix
        self._means = means
        self._own = kit.posix.own.ids()
        self._spares = [kit.posix.files.duplicate(means.null)]
        self._asked: list[_Asked] = []
        self._young: list[str] = []
        self._looked: Seconds = 0.0

    def begin(self, launch: Launch, account: Account) -> None:
        """Ask for a process. `settle` says Begun; then comes Executed once its program runs. Or NotLaunched."""
        try:
            self._asked.append(self._ask(launch, account))
        except PosixError as error:
            self._kit.say(NotLaunched(launch.token, _failure(launch, error)))
        except SnowFoxError as error:  # a secret that cannot be had
            self._kit.say(NotLaunched(launch.token, error))

    def settle(self) -> None:
        """Hold the processes that were asked for. Until then nothing else may be done about launches."""
        if not self._asked:
            return
        asked, self._asked = self._asked, []
        for one, made in zip(asked, self._means.maker.made(), strict=True):
            token = one.launch.token
            try:
                handle = self._made(one, made)
            except PosixError as error:
                self._kit.groups.drop(one.groups)
                self._kit.records.remove(token)
                self._kit.say(NotLaunched(token, _failure(one.launch, error)))
            else:
                self._kit.held.put(token, handle)
                self._young.append(token)
                self._kit.say(Begun(token, handle.pid))

    def _ask(self, launch: Launch, account: Account) -> _Asked:
        files = self._posix.files
        while len(self._spares) <= len(self._asked):  # one for each: so that a pidfd is never what fails
            self._spares.append(files.duplicate(self._means.null))
        passed = self._passed(launch)
        groups = self._kit.groups.folders(launch.token, launch.confinement)
        given = [self._kit.records.create(launch.token, launch.sockets, launch.note, groups=groups)]
        kept: list[int] = []
        try:
            made = self._kit.groups.make(groups, launch.confinement)
            given += made.ours
            secrets = self._means.secrets.give(launch, account)
            given += secrets.descriptors
            ready = self._ready(launch, len(passed) + len(secrets.descriptors), given)
            theirs, ours = self._streams(launch, account, given, kept)
            status, told = files.pipe()
            given.append(told)
            kept.append(status)
            self._means.maker.ask(
                Order(
                    program=launch.program,
                    arguments=tuple(launch.arguments),
                    environment=({} if groups else {MARK: launch.token})
                    | _environment(launch)
                    | secrets.environment,
                    folder=launch.folder,
                    ids=None if account.stays else account.ids,
                    umask=launch.umask,
                    limits=self._limits(launch),
                    confinement=self._means.confining.order(launch, account),
                    groups=made.descriptors,
                    is_unified=made.is_unified,
                    group=made.name,
                    null=self._means.null,
                    output=self._means.null if theirs.output is None else theirs.output,
                    errors=-1 if theirs.errors is None else theirs.errors,
                    input=-1 if theirs.input is None else theirs.input,
                    record=given[0],
                    status=told,
                    sockets=passed,
                    socket_names=tuple(launch.socket_names),
                    secrets=(*secrets.descriptors, *ready),
                )
            )
        except BaseException:
            for descriptor in kept:
                files.close(descriptor)
            self._kit.groups.drop(groups)
            self._kit.records.remove(launch.token)
            raise
        finally:
            for descriptor in given:
                files.close(descriptor)
        return _Asked(launch, status, ours, groups)

    def _made(self, asked: _Asked, made: int | PosixError) -> Handle:
        """What is held of it. Raises PosixError when there is no process, or none that can be watched."""
        kept = (asked.status, *(end for end in asked.streams if end is not None))
        try:
            if isinstance(made, PosixError):
                raise made
            pidfd = self._pidfd(made)
        except PosixError:
            for descriptor in kept:
                self._posix.files.close(descriptor)
            if isinstance(made, int):
                self._end(made)
            raise
        handle = Handle(made, pidfd, asked.streams.output, tuple(asked.launch.sockets), asked.groups)
        handle.errors, handle.input = asked.streams.errors, asked.streams.input
        handle.status = asked.status
        handle.is_child = True
        handle.speaks = _NOTIFY in asked.launch.environment
        handle.note = asked.launch.note
        return handle

    def _ready(self, launch: Launch, passed: int, given: list[int]) -> tuple[int, ...]:
        """What it says that it is ready by, behind as much of /dev/null as is needed to get to its number."""
        if launch.ready < 0:
            return ()
        connected = self._posix.sockets.connect(f"unix-datagram:{launch.notify}")
        given.append(connected)
        self._posix.files.set_blocking(connected, blocking=True)
        return (*[self._means.null] * (launch.ready - FIRST - passed), connected)

    def _streams(
        self, launch: Launch, account: Account, given: list[int], kept: list[int]
    ) -> tuple[_Streams, _Streams]:
        """The process's ends and ours."""
        ids = self._own if account.stays else account.ids
        output = self._fifo(launch.token, ids, OUTPUT, given, kept) if launch.output else (None, None)
        errors = self._fifo(launch.token, ids, ERRORS, given, kept) if launch.errors else (None, None)
        read = write = None
        if launch.input:
            read, write = self._posix.files.pipe()
            given.append(read)
            kept.append(write)
            self._posix.files.set_blocking(read, blocking=True)
        return _Streams(output[0], errors[0], read), _Streams(output[1], errors[1], write)

    def _fifo(self, token: str, ids: Ids, stream: str, given: list[int], kept: list[int]) -> tuple[int, int]:
        theirs, ours = self._kit.records.make_output(token, ids, stream)
        given.append(theirs)
        kept.append(ours)
        return theirs, ours

    def _passed(self, launch: Launch) -> tuple[int, ...]:
        passed: list[int] = []
        for key in launch.sockets:
            descriptor = self._means.ports.get(key)
            if descriptor is None:
                raise PosixError("find socket", key, errno.ENOENT)
            passed.append(descriptor)
        return tuple(passed)

    def _limits(self, launch: Launch) -> tuple[Limit, ...]:
        """Ours are not the service's: we raised the soft limit of descriptors."""
        asked = tuple(Limit(name, value, value) for name, value in launch.limits.items())
        if launch.confinement is not None:
            asked += self._means.confining.limits(launch)
        return asked if "NOFILE" in launch.limits else (*asked, self._means.limit)

    def _pidfd(self, pid: int) -> int:
        try:
            return self._posix.processes.open(pid)
        except PosixError:
            self._posix.files.close(self._spares.pop())
            return self._posix.processes.open(pid)

    def _end(self, pid: int) -> None:
        """Kill a process that cannot be watched. It may not lead its group yet, so a pidfd is tried once more."""
        try:
            pidfd = self._posix.processes.open(pid)
        except PosixError:
            self._posix.processes.signal_group(pid, signal.SIGKILL)
        else:
            self._posix.processes.signal(pidfd, signal.SIGKILL)
            self._posix.files.close(pidfd)

    def look(self, *, others_wait: bool = False) -> None:
        """Find out who runs its program by now, without a wait for it; the others are waited for from now on.

        Args:
            others_wait: to be launched; they go first, for so long.
        """
        now = self._kit.clock.now()
        if others_wait and self._young and now < self._looked + LATE:
            return
        self._looked = now
        young, self._young = self._young, []
        for token in dict.fromkeys(young):  # a token may be launched, forgotten and launched again meanwhile
            handle = self._kit.held.get(token)
            if handle is None or handle.status < 0:
                continue
            self._read_status(token, handle)
            if handle.status >= 0:
                self._kit.held.watch(token, handle.status)

    def readable(self, descriptor: int, token: str) -> None:
        """A status pipe or a pidfd of this launch has something to say."""
        handle = self._kit.held.get(token)
        if handle is None:
            return
        if handle.status >= 0:  # first, also when the process ended: its program was executed before it ended
            self._read_status(token, handle)
        if descriptor == handle.pidfd:
            self._kit.held.unwatch(descriptor)
            if handle.failed is not None:
                self._not_launched(token, handle.failed)
            else:
                self._kit.say(Ended(token))

    def _read_status(self, token: str, handle: Handle) -> None:
        """What goes into the record comes here too, so far as there is a launcher; the end is the program's start."""
        while told := self._posix.files.read(handle.status, _STATUS):
            handle.told += told
        if told is None:
            return
        self._kit.held.close(handle.status)
        handle.status = -1
        record = parse(handle.told)
        if record.failed is not None or record.started is None:
            handle.failed = record.failed or Failed("start the launcher", "", errno.ESRCH)
            return
        handle.started = record.started.at
        self._kit.say(Executed(token, handle.started))

    def _not_launched(self, token: str, failed: Failed) -> None:
        """Its launcher ended: nothing of it stays."""
        self._kit.held.forget(token)
        if failed.step == STEP:
            self._kit.groups.lose()
        advice = _ADVICE.get(failed.errno) if failed.step == "execute" else None
        error = LaunchFailed(subject_of(token), failed.step, failed.object, failed.errno, advice)
        self._kit.say(NotLaunched(token, error))


def _environment(launch: Launch) -> dict[str, str]:
    if _OURS.isdisjoint(launch.environment):
        return launch.environment
    return {name: value for name, value in launch.environment.items() if name not in _OURS}


def _failure(launch: Launch, error: PosixError) -> LaunchFailed:
    """A call of ours that failed, as the step of a launch; too much to pass is what its execution would say."""
    instance = subject_of(launch.token)
    if error.call == "start" and error.errno == errno.E2BIG:
        return LaunchFailed(instance, "execute", launch.program, error.errno, _ADVICE[error.errno])
    if error.call in {"start", "fork"}:
        return LaunchFailed(instance, "make a process", "", error.errno)
    return LaunchFailed(instance, error.call, error.object, error.errno)
