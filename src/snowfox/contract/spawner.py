"""What the spawner does for the manager: the only privileged requests there are.

A token names one launch: `INSTANCE~ID` (`shop.web@1~01JD…`), the instance's id and 26 characters of `core.ids`. It is
chosen by the manager, names the record, and makes a launch safe to repeat: launching a token twice answers with the
first process.
"""

# Declarations have no bodies.
# pyright: reportReturnType=false

from __future__ import annotations

from snowfox.core.named import NamedTuple
from snowfox.core.rpc.interface import Descriptor, Interface, call
from snowfox.values import Exit


class Secret(NamedTuple):
    """A secret that a process gets; the spawner reads it, nobody else.

    Args:
        name: of the variable.
        file: its absolute path.
        form: `environment` (the variable holds its content, less one newline at its end), `file` (the path of a file
            that only the process's user can read, and only the process that inherits it), `descriptor` (the number of
            an open one).
    """

    name: str
    file: str
    form: str = "environment"


class Confinement(NamedTuple):
    """What a process may use at most, with all that it makes, and what it is kept from.

    Args:
        memory: bytes; 0: no limit.
        cpu: thousandths of a processor; 0: no limit.
        processes: and threads; 0: no limit.
        io: bytes a second from each disk, and as many to it; 0: no limit.
        nice: priority, -20 to 19; 0: as the spawner.
        score: of running out of memory, -1000 to 1000; None: as the spawner.
        new_privileges: whether what it executes may gain rights.
        capabilities: all that it may have, by `values.CAPABILITIES`; None: not looked at.
        private_tmp: whether its /tmp and /var/tmp are its own.
        read_only: absolute paths that it cannot change.
        writable: absolute paths below them that it can.
    """

    memory: int = 0
    cpu: int = 0
    processes: int = 0
    io: int = 0
    nice: int = 0
    score: int | None = None
    new_privileges: bool = False
    capabilities: list[str] | None = None
    private_tmp: bool = False
    read_only: list[str] = []
    writable: list[str] = []


class Launch(NamedTuple):
    """A process to make.

    Args:
        token: `INSTANCE~ID`.
        program: what to execute; without a `/` it is looked for in the environment's PATH.
        arguments: argv, its first included.
        environment: the whole environment; LISTEN_* are added by the spawner.
        folder: absolute path to change to, as the user.
        user: a name; digits within 61184-64495 for a dynamic uid; "" for the node's own (ordinary user's node).
        sockets: keys of open listening sockets, passed from descriptor 3 on.
        socket_names: LISTEN_FDNAMES, as many as sockets.
        umask: of the process.
        limits: rlimits by name (`NOFILE`), soft and hard.
        output: whether its output is captured by a FIFO; else it goes to /dev/null.
        secrets: what it gets besides; they go before variables of the same name.
        note: at most 64 hexadecimal digits, kept with the launch and told by `inventory`: a digest of what it is.
        confinement: None: nothing but that it gains no rights.
        errors: whether what it writes to descriptor 2 is captured apart, by a FIFO of its own.
        ready: number of a descriptor that what it writes into goes to `notify`; -1: none. Not below those of sockets and
            secrets; /dev/null is in between.
        notify: the abstract address of a datagram socket, `@NAME`.
        input: whether it reads what we write; else it reads nothing. What it reads ends with the manager.
    """

    token: str
    program: str
    arguments: list[str]
    environment: dict[str, str]
    folder: str
    user: str
    sockets: list[str] = []
    socket_names: list[str] = []
    umask: int = 0o022
    limits: dict[str, int] = {}
    output: bool = True
    note: str = ""
    secrets: list[Secret] = []
    confinement: Confinement | None = None
    errors: bool = False
    input: bool = False
    ready: int = -1
    notify: str = ""


class Launched(NamedTuple):
    """A process that runs: pid, start in ns of the boot-time clock, read end of its output.

    `again`: this token had been launched before; the first process answers. `errors`: read end of its second stream.
    `input`: write end of what it reads, told once.
    """

    token: str
    pid: int
    started: int
    output: Descriptor | None
    again: bool = False
    errors: Descriptor | None = None
    input: Descriptor | None = None


class Refusal(NamedTuple):
    """Why a launch would be refused: a line, and what to do about it (or "")."""

    token: str
    text: str
    hint: str


class Running(NamedTuple):
    """A launch that the spawner knows: alive (`exit` is None) or ended and not yet forgotten. `note` as it was launched."""

    token: str
    pid: int
    started: int
    exit: Exit | None
    output: Descriptor | None
    note: str = ""
    errors: Descriptor | None = None


class ListenSpec(NamedTuple):
    """A listening socket.

    Args:
        key: `NAME=ADDRESS`, NAME that of `[socket.NAME]`.
        address: one address of it, as `core.posix.address` reads them.
        backlog: how many connections may wait.
        mode: of a unix socket's file; -1 for 0666.
        user: that its file is given to; "" for the node's own.
        group: likewise; "" for the user's, where one is given.
    """

    key: str
    address: str
    backlog: int = 1024
    mode: int = -1
    user: str = ""
    group: str = ""


class Listening(NamedTuple):
    """A socket and the address that it really has (port 0 is filled in). `reserved`: bound, and not open yet."""

    key: str
    address: str
    reserved: bool = False


class Spawner(Interface):
    """Served by the spawner to the manager. Anything malformed or unknown ends the session."""

    @call(deadline="30s", repeatable=True)
    def launch(self, launch: Launch) -> Launched:
        """Make the process; answered when its program was executed.

        Raises LaunchFailed (step and errno), NotPermitted (with the line of policy).
        """

    @call(repeatable=True)
    def signal(self, token: str, number: int) -> bool:
        """Signal the main process of a launch; False when it is gone or unknown."""

    @call(repeatable=True)
    def signal_all(self, tokens: list[str], number: int) -> None:
        """Signal the main processes of launches; what is gone or unknown is passed over."""

    @call(repeatable=True)
    def follow(self, token: str, pid: int) -> bool:
        """Follow another process of a launch: it is the main process from now on. 0: it named none, as `leaving` asks.

        Whether the number of the one before names nobody else, as long as this launch is known. Raises HostError when
        the launch, or the process, has ended, or the process is none of the launch's.
        """

    @call(repeatable=True)
    def kill(self, tokens: list[str]) -> None:
        """SIGKILL to all that is left of launches (control groups; without them sessions); where nothing is, that is fine."""

    @call(repeatable=True)
    def open_socket(self, spec: ListenSpec) -> Listening:
        """Open and listen, or find it open already and give it this backlog, and its file this mode and owner.

        Of a file that an earlier spawner made mode and owner stay. Raises PosixError, NotPermitted, UserError.
        """

    @call(repeatable=True)
    def reserve(self, spec: ListenSpec) -> Listening:
        """Bind it so that nobody else can, without listening; one that is open or reserved stays as it is.

        `open_socket` listens on it, `close_socket` gives it back, and so does the next manager's coming or the
        spawner's end. Raises PosixError, NotPermitted, UserError.
        """

    @call(repeatable=True)
    def close_socket(self, key: str) -> None:
        """Close ours and the daemon's, or give a reservation back; services keep theirs. An unknown key is fine."""

    @call(repeatable=True)
    def sockets(self) -> list[Listening]:
        """All that are open or reserved, in no order: a new manager closes what its configuration does not have."""

    @call(repeatable=True)
    def watch_sockets(self, keys: list[str]) -> None:
        """Watch these and no others, for the first that comes and is not taken; each is told once, by `wanted`.

        A key that is told may be watched again by another call. One that is not open is passed over.
        """

    @call(repeatable=True)
    def stirred(self, keys: list[str]) -> list[str]:
        """For which of these open sockets something came since this was asked of them last, also when it was taken.

        The first time tells nothing of what was before. One answer more than is true is possible, none less, unless
        who was passed the socket took our mark from it (`core.posix.api.Sockets.notice`).
        """

    @call(deadline="30s", repeatable=True)
    def verify(self, launches: list[Launch], users: dict[str, list[str]]) -> list[Refusal]:
        """What would be refused of these, and why; nothing is started.

        `users`: by the token of one of them, users for whom the same is asked. At most 200 of both at once.
        """

    @call(repeatable=True)
    def inventory(self, after: str) -> list[Running]:
        """Launches in the order of tokens, after this one ("" for the first), at most 100."""

    @call(repeatable=True)
    def forget(self, tokens: list[str]) -> None:
        """The exits of these were written down by the manager: drop record and FIFO."""


class Ended(NamedTuple):
    """The process of a launch ended, at `at` ns of the boot-time clock.

    `is_all`: nothing of the launch is left, for its control groups are gone; else nobody knows.
    """

    token: str
    exit: Exit
    at: int
    is_all: bool = False


class ExitReports(Interface):
    """Served by the manager to the spawner."""

    @call(deadline="1m", repeatable=True)
    def exited(self, ends: list[Ended]) -> None:
        """Processes ended, in this order. The manager answers at once and calls `forget` later."""

    @call(deadline="1m", repeatable=True)
    def leaving(self, token: str) -> None:
        """The main process of a launch ended, not by SIGKILL, and others of it may be there: did it name one to be followed?

        The manager says so by `follow`, at last with 0; the end is `exited` only then.
        """

    @call(deadline="1m", repeatable=True)
    def wanted(self, key: str) -> None:
        """A connection or datagram waits at a socket that `watch_sockets` named."""
