"""Which files are given as secrets, and how they arrive, on the fake kernel."""

from __future__ import annotations

import errno
import os

import pytest

from snowfox.contract.spawner import Launch, Refusal, Secret, Spawner
from snowfox.core import log
from snowfox.core.posix.api import Ids
from snowfox.errors import LaunchFailed, NotPermitted, ProtocolError, SnowFoxError, UserError
from snowfox.spawner import requests
from snowfox.spawner.events import Caller, NotLaunched
from snowfox.spawner.in_force import InForce
from snowfox.spawner.policy import DEFAULT_FILE, Account
from snowfox.spawner.requests import Desk
from snowfox.spawner.secret import LARGEST, Secrets
from snowfox.testing.kernel import FakePosix
from snowfox.testing.kernel.disk import FifoNode, LinkNode
from snowfox.testing.kernel.opened import Pipe
from snowfox.testing.launches import LAUNCH, SHOP, TOKEN, Bench

ROOT, SHOP_IDS, ALICE = Ids(0, 0, (0,)), SHOP.ids, Ids(2000, 2000, (2000,))
KEPT = "/srv/shop/secrets/db"
CONTENT = b"correct horse\n"


@pytest.fixture
def desk(bench: Bench) -> Desk:
    """A desk in the node of root."""
    return requests.desk(
        bench.posix,
        bench.kernel.clock,
        confining=bench.confining,
        rules=bench.rules,
        knocks=bench.knocks,
        holders=bench.held.holders,
    )


def with_secrets(*secrets: Secret) -> Launch:
    """A launch with these."""
    return LAUNCH._replace(secrets=list(secrets))


def refused(bench: Bench, file: str, *, account: Account = SHOP, form: str = "file") -> SnowFoxError | None:
    """Why this file is not given; None: it is."""
    launch = with_secrets(Secret("DB", file, form))
    found = Secrets(bench.posix, bench.rules).refusals(launch, account)
    return found[0] if found else None


def allow(bench: Bench, *patterns: str) -> None:
    """A policy that names these."""
    words = ", ".join(f'"{pattern}"' for pattern in patterns)
    bench.kernel.write(DEFAULT_FILE, f"secrets = [{words}]".encode())
    bench.rules.look()


def test_kept_with_the_project(bench: Bench) -> None:
    """In the project's folder `secrets`, when it belongs to the project's owner."""
    bench.kernel.write(KEPT, CONTENT, mode=0o600)
    assert refused(bench, KEPT) is None
    bench.kernel.write(KEPT, CONTENT, ids=ALICE, mode=0o600)
    error = refused(bench, KEPT)
    assert str(error) == f"cannot launch web: secret DB: {KEPT} belongs to uid 2000"
    bench.kernel.folder("/srv/shop").uid = 2000
    assert refused(bench, KEPT) is None


@pytest.mark.parametrize(
    "file", ["/etc/shadow", "/srv/shop/snowfox.toml", "/srv/shop/.snowfox/node.log", "/srv/shop/secretsx/db"]
)
def test_files_of_the_host(bench: Bench, file: str) -> None:
    """A file of root's that policy does not name is refused, with the line that would, wherever else it lies."""
    bench.kernel.write(file, b"root:*", mode=0o640)
    bench.kernel.folder("/srv/shop/.snowfox").mode = 0o40755
    error = refused(bench, file)
    assert isinstance(error, NotPermitted)
    assert str(error) == f"cannot launch web: secret DB: {file} is not allowed by policy"
    assert (
        error.hint
        == f'allow it with  secrets = ["{file}"]  in {DEFAULT_FILE}\nor keep it in /srv/shop/secrets'
    )


def test_nothing_is_told_of_closed_folders(bench: Bench) -> None:
    """Whether a file is there at all is not told where the user could not see it."""
    bench.kernel.write("/root/.ssh/id", b"x", mode=0o600)
    bench.kernel.folder("/root").mode = 0o40700
    assert str(refused(bench, "/root/.ssh/id")) == str(refused(bench, "/root/.ssh/none")).replace(
        "none", "id"
    )


def test_own_files_of_the_user(bench: Bench) -> None:
    """What belongs to the service's user is given wherever it lies; not by a link that leads out of there."""
    bench.kernel.write("/home/shop/db", CONTENT, ids=SHOP_IDS, mode=0o400)
    assert refused(bench, "/home/shop/db") is None
    assert refused(bench, "/home/shop/db", account=Account("alice", ALICE, stays=False)) is not None
    bench.kernel.write("/etc/shadow", b"root:*", mode=0o640)
    home = bench.kernel.folder("/home/shop")
    home.entries["link"] = LinkNode("/etc/shadow", SHOP_IDS, 97)
    assert isinstance(refused(bench, "/home/shop/link"), NotPermitted)
    home.entries["link"] = LinkNode("/home/shop/db", SHOP_IDS, 96)
    assert "is a link: name the file itself" in str(refused(bench, "/home/shop/link"))


def test_named_by_policy(bench: Bench) -> None:
    """A pattern names files of root's; `*` stays within a part, and takes no hidden file."""
    for file in ("/etc/shop/db", "/etc/shop/.db", "/etc/shop/a/db", "/etc/other/db"):
        bench.kernel.write(file, CONTENT, mode=0o640)
    allow(bench, "/etc/shop/*")
    assert [refused(bench, f"/etc/shop/{name}") is None for name in ("db", ".db", "a/db")] == [
        True,
        False,
        False,
    ]
    assert isinstance(refused(bench, "/etc/other/db"), NotPermitted)
    allow(bench, "/etc/*/d*b")
    assert refused(bench, "/etc/other/db") is None
    bench.kernel.write("/etc/shop/db", CONTENT, ids=ALICE, mode=0o640)
    assert "belongs to uid 2000" in str(refused(bench, "/etc/shop/db"))


@pytest.mark.parametrize("base", ["/etc/shop", "/srv/shop/secrets"])
def test_links_and_second_names(bench: Bench, base: str) -> None:
    """Whoever may write a folder on the way cannot lead root elsewhere: by no link, and by no second name of a file."""
    allow(bench, "/etc/shop/*", "/etc/shop/*/*")
    bench.kernel.write("/etc/shadow", b"root:*", mode=0o640)
    shadow = bench.kernel.folder("/etc").entries["shadow"]
    folder = bench.kernel.folder(base)
    folder.entries["db"] = LinkNode("/etc/shadow", ROOT, 97)
    assert "is a link: name the file itself" in str(refused(bench, f"{base}/db"))
    folder.entries["way"] = LinkNode("/etc", ROOT, 96)
    error = refused(bench, f"{base}/way/shadow")
    assert isinstance(error, LaunchFailed)
    assert (error.errno, error.hint) == (errno.ENOTDIR, "no link is followed on the way to it")
    folder.entries["db"] = shadow
    shadow.links = 2
    assert "has a second name elsewhere" in str(refused(bench, f"{base}/db"))


def test_folder_that_others_may_write(bench: Bench) -> None:
    """Below the project: a folder that everybody, or its own owner, may put files of others into."""
    bench.kernel.write(KEPT, CONTENT, mode=0o600)
    folder = bench.kernel.folder("/srv/shop/secrets")
    folder.mode |= 0o002
    assert "others may put files into secrets" in str(refused(bench, KEPT))
    folder.mode = 0o40775
    assert "others may put files into secrets" in str(refused(bench, KEPT))
    folder.mode = 0o40755
    folder.uid = 1000
    assert "others may put files into secrets" in str(refused(bench, KEPT))
    bench.kernel.write(KEPT, CONTENT, ids=SHOP_IDS, mode=0o600)
    assert refused(bench, KEPT) is None


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o601])
def test_open_to_everybody(bench: Bench, mode: int) -> None:
    """A secret that everybody may use is none; the line that helps comes with it."""
    bench.kernel.write(KEPT, CONTENT, mode=mode)
    error = refused(bench, KEPT)
    assert str(error) == f"cannot launch web: secret DB: everybody may use {KEPT} (mode 0{mode:o})"
    assert isinstance(error, UserError)
    assert error.hint == f"chmod o= {KEPT}"


def test_what_is_no_file(bench: Bench) -> None:
    """A folder, a FIFO (which would make us wait), what is not there, what is too large."""
    folder = bench.kernel.folder("/srv/shop/secrets/db")
    assert "is not a file" in str(refused(bench, KEPT))
    folder.parent.entries["db"] = FifoNode(0o600, ROOT, 97, Pipe())
    assert "is not a file" in str(refused(bench, KEPT))
    del folder.parent.entries["db"]
    assert (
        str(refused(bench, KEPT))
        == f"cannot launch web: read secret DB from {KEPT}: no such file or directory (ENOENT)"
    )
    bench.kernel.write(KEPT, bytes(LARGEST), mode=0o600)
    assert refused(bench, KEPT) is None
    bench.kernel.write(KEPT, bytes(LARGEST + 1), mode=0o600)
    assert "is larger than 64K" in str(refused(bench, KEPT))


@pytest.mark.parametrize("content", [b"a\0b", b"\xff\xfe"])
def test_no_text_for_a_variable(bench: Bench, content: bytes) -> None:
    """What no variable can hold is refused, without a word of it; as a file it is fine."""
    bench.kernel.write(KEPT, content, mode=0o600)
    error = refused(bench, KEPT, form="environment")
    assert isinstance(error, UserError)
    assert error.text == f"cannot launch web: secret DB: {KEPT} is not text, which a variable must be"
    assert refused(bench, KEPT) is None


def test_forms(bench: Bench) -> None:
    """A variable with the content less one newline; a path and a number of a sealed file of the user's behind the sockets."""
    bench.kernel.write(KEPT, b"correct horse\n\n", mode=0o600)
    key = "front=127.0.0.1:8080"
    bench.ports.open(key, 10, [])
    secrets = [Secret("A", KEPT), Secret("B", KEPT, "file"), Secret("C", KEPT, "descriptor")]
    before = len(bench.posix.process.descriptors)
    process = bench.begin(
        LAUNCH._replace(
            sockets=[key], socket_names=["front"], secrets=secrets, environment={"A": "shown", "PATH": "/bin"}
        )
    )
    assert (process.environment["A"], process.environment["PATH"]) == ("correct horse\n", "/bin")
    assert (process.environment["B"], process.environment["C"]) == ("/proc/self/fd/4", "5")
    assert process.environment["LISTEN_FDS"] == "1"
    assert sorted(process.descriptors) == [0, 1, 2, 3, 4, 5]
    assert len(bench.posix.process.descriptors) == before + 2
    service = FakePosix(bench.kernel, process=process)
    for descriptor in (4, 5):
        found = service.files.stat(descriptor)
        assert (found.uid, found.gid, found.mode & 0o777) == (1000, 1000, 0o400)
        assert service.files.read_at(descriptor, 100, offset=0) == b"correct horse\n\n"
        assert service.files.read(descriptor, 7) == b"correct"
        with pytest.raises(SnowFoxError):
            service.files.write(descriptor, b"x")


def test_nowhere_else(bench: Bench, desk: Desk) -> None:
    """Neither record nor arguments nor log nor answers hold it, whether the launch succeeds or not."""
    bench.kernel.write(KEPT, CONTENT, mode=0o600)
    launch = with_secrets(Secret("A", KEPT), Secret("B", KEPT, "file"))
    heard: list[log.Record] = []
    sink = log.set_sink(heard.append)
    try:
        assert requests.handle(desk, Caller(1, 1), Spawner.verify.full_name, ([launch], {})).value == []  # type: ignore[union-attr]
        process = bench.begin(launch)
        started = process.arguments
        bench.launching.begin(launch._replace(token=f"bad~{TOKEN[4:]}", folder="/no"), SHOP)
        said = [*bench.said(), *bench.turn(), *bench.turn()]
    finally:
        log.set_sink(sink)
    record = FakePosix(bench.kernel).files
    opened = record.open(f"/srv/shop/.snowfox/run/launches/{TOKEN}", os.O_RDONLY)
    everything = repr((heard, started, said, record.read(opened, 65536)))
    assert "horse" not in everything


def test_changed_since_it_was_checked(bench: Bench) -> None:
    """A file that is refused at the launch itself: the launch fails by name, and leaves nothing."""
    before = len(bench.posix.process.descriptors)
    bench.kernel.write(KEPT, CONTENT, mode=0o644)
    bench.launching.begin(with_secrets(Secret("A", "/srv/shop/secrets/b", "file"), Secret("DB", KEPT)), SHOP)
    (event,) = bench.said()
    assert isinstance(event, NotLaunched)
    bench.kernel.write("/srv/shop/secrets/b", CONTENT, mode=0o600)
    bench.launching.begin(with_secrets(Secret("A", "/srv/shop/secrets/b", "file"), Secret("DB", KEPT)), SHOP)
    (event,) = bench.said()
    assert isinstance(event, NotLaunched)
    assert "everybody may use" in str(event.error)
    assert (bench.names(), len(bench.posix.process.descriptors)) == ([], before)


def test_no_memory(bench: Bench) -> None:
    """A host without room for the file in memory: a step that failed."""
    bench.kernel.write(KEPT, CONTENT, mode=0o600)
    bench.kernel.fail("files.sealed", errno.ENOMEM)
    bench.launching.begin(with_secrets(Secret("DB", KEPT, "file")), SHOP)
    (event,) = bench.said()
    assert isinstance(event, NotLaunched)
    assert str(event.error) == "cannot launch web: make a file in memory DB: cannot allocate memory (ENOMEM)"
    assert bench.names() == []


def test_requests(bench: Bench, desk: Desk) -> None:
    """`verify` names all that cannot be given; a launch is refused, and what policy refuses is recorded."""
    bench.kernel.write("/etc/shadow", b"root:*", mode=0o640)
    bench.kernel.write(KEPT, CONTENT, mode=0o644)
    launch = with_secrets(Secret("A", KEPT), Secret("B", "/etc/shadow"))
    said = requests.handle(desk, Caller(1, 1), Spawner.verify.full_name, ([launch], {})).value  # type: ignore[union-attr]
    assert said[0] == Refusal(
        TOKEN, f"cannot launch web: secret A: everybody may use {KEPT} (mode 0644)", f"chmod o= {KEPT}"
    )
    assert said[1].text == "cannot launch web: secret B: /etc/shadow is not allowed by policy"
    heard: list[log.Record] = []
    sink = log.set_sink(heard.append)
    try:
        with pytest.raises(NotPermitted):
            requests.handle(
                desk, Caller(1, 1), Spawner.launch.full_name, (with_secrets(Secret("B", "/etc/shadow")),)
            )
    finally:
        log.set_sink(sink)
    assert [record.fields["request"] for record in heard] == ["Spawner.launch"]


@pytest.mark.parametrize(
    "secrets",
    [
        [Secret("", KEPT)],
        [Secret("A=B", KEPT)],
        [Secret("1A", KEPT)],
        [Secret("A" * 300, KEPT)],
        [Secret("LISTEN_FDS", KEPT)],
        [Secret("A", "secrets/db")],
        [Secret("A", "/srv/../etc/shadow")],
        [Secret("A", "//etc/shadow")],
        [Secret("A", "/srv/\0")],
        [Secret("A", "/" + "x" * 5000)],
        [Secret("A", KEPT, "argument")],
        [Secret("A", KEPT), Secret("A", KEPT, "file")],
        [Secret(f"A{number}", KEPT) for number in range(65)],
    ],
)
def test_malformed(desk: Desk, secrets: list[Secret]) -> None:
    """What no manager of ours would send ends the session."""
    for method, arguments in (
        (Spawner.launch, (with_secrets(*secrets),)),
        (Spawner.verify, ([with_secrets(*secrets)], {})),
    ):
        with pytest.raises(ProtocolError):
            requests.handle(desk, Caller(1, 1), method.full_name, arguments)


def test_an_ordinary_user(bench: Bench) -> None:
    """Gives what that user can read, unless a policy names less."""
    posix = FakePosix(bench.kernel, uid=2000)
    rules = InForce(posix, bench.policy.replace(own=2000, manager=2000, home="/home/alice"))
    account = Account("alice", ALICE, stays=True)
    bench.kernel.write("/home/alice/db", CONTENT, ids=ALICE, mode=0o644)
    bench.kernel.write("/etc/shadow", b"root:*", mode=0o640)
    secrets = Secrets(posix, rules)
    given = secrets.give(
        with_secrets(Secret("A", "/home/alice/db"), Secret("B", "/home/alice/db", "file")), account
    )
    assert given.environment == {"A": "correct horse", "B": "/proc/self/fd/3"}
    (error,) = secrets.refusals(with_secrets(Secret("A", "/etc/shadow")), account)
    assert str(error) == "cannot launch web: read secret A from /etc/shadow: permission denied (EACCES)"
    bench.kernel.write(DEFAULT_FILE, b'secrets = ["/home/alice/x"]')
    rules.look()
    (error,) = secrets.refusals(with_secrets(Secret("A", "/home/alice/db")), account)
    assert isinstance(error, NotPermitted)
