"""The table of requests: what is malformed, what policy refuses, what becomes of the rest."""

from __future__ import annotations

from typing import Any

import pytest

from snowfox.contract.spawner import Confinement, Launch, Listening, ListenSpec, Refusal, Spawner
from snowfox.core import log
from snowfox.core.posix.api import Ids
from snowfox.core.rpc.interface import Method
from snowfox.errors import HostError, NotPermitted, PosixError, ProtocolError, UserError
from snowfox.spawner import requests
from snowfox.spawner.events import (
    Caller,
    FollowAsked,
    ForgetAsked,
    InventoryAsked,
    KillAsked,
    LaunchAsked,
    SignalAllAsked,
    SignalAsked,
)
from snowfox.spawner.in_force import InForce
from snowfox.spawner.requests import Desk, Replied
from snowfox.testing.kernel import FakePosix
from snowfox.testing.launches import ID, LAUNCH, TOKEN, Bench
from snowfox.values import MOST_SOCKETS

CALLER = Caller(1, 1)
KEY = "front=127.0.0.1:8080"
FRONT = ("front=unix:/srv/shop/front.sock", "unix:/srv/shop/front.sock")


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


def ask(desk: Desk, method: Method[Any, Any], *arguments: object) -> Any:
    """What becomes of a request."""
    return requests.handle(desk, CALLER, method.full_name, arguments)


def test_table_is_the_interface() -> None:
    """Every method of the contract has a row, and nothing else has."""
    declared = {value.full_name for value in vars(Spawner).values() if isinstance(value, Method)}
    assert set(requests.TABLE) == declared


def test_watched_sockets(desk: Desk) -> None:
    """Keys of sockets, no more than a node can have; what is not open is passed over."""
    for method in (Spawner.watch_sockets, Spawner.stirred):
        for malformed in (["front"], [KEY] * (MOST_SOCKETS + 1)):
            with pytest.raises(ProtocolError):
                ask(desk, method, malformed)
    assert ask(desk, Spawner.watch_sockets, [KEY]).value is None
    assert ask(desk, Spawner.stirred, [KEY]).value == []


def test_unknown(desk: Desk) -> None:
    """What is not in the table ends the session."""
    with pytest.raises(ProtocolError):
        requests.handle(desk, CALLER, "Spawner.shutdown", ())


def test_fine(desk: Desk) -> None:
    """Well-formed and allowed requests become events."""
    event = ask(desk, Spawner.launch, LAUNCH)
    assert isinstance(event, LaunchAsked)
    assert (event.launch, event.account.ids.uid, event.account.stays) == (LAUNCH, 1000, False)
    assert ask(desk, Spawner.signal, TOKEN, 15) == SignalAsked(CALLER, TOKEN, 15)
    assert ask(desk, Spawner.kill, [TOKEN]) == KillAsked(CALLER, (TOKEN,))
    assert ask(desk, Spawner.signal_all, [TOKEN], 15) == SignalAllAsked(CALLER, (TOKEN,), 15)
    assert ask(desk, Spawner.follow, TOKEN, 8) == FollowAsked(CALLER, TOKEN, 8)
    assert ask(desk, Spawner.inventory, "") == InventoryAsked(CALLER, "")
    assert ask(desk, Spawner.forget, [TOKEN]) == ForgetAsked(CALLER, (TOKEN,))


@pytest.mark.parametrize(
    "changes",
    [
        {"token": f"../x~{ID}"},
        {"token": "web"},
        {"program": ""},
        {"program": "/bin/\0sh"},
        {"arguments": []},
        {"arguments": ["a", "b\0c"]},
        {"environment": {"A=B": "c"}},
        {"environment": {"": "c"}},
        {"environment": {"A": "\0"}},
        {"folder": "srv"},
        {"folder": "/srv\0"},
        {"sockets": [KEY], "socket_names": []},
        {"sockets": ["no-address"], "socket_names": ["a"]},
        {"sockets": ["a=b\tc"], "socket_names": ["a"]},
        {"sockets": [KEY], "socket_names": ["a:b"]},
        {"ready": 2, "notify": "@x"},
        {"ready": 64, "notify": "@x"},
        {"ready": 3, "notify": ""},
        {"ready": 3, "notify": "/run/x"},
        {"ready": 3, "notify": "@" + "x" * 200},
        {"ready": 3, "notify": "@x", "sockets": [KEY], "socket_names": ["a"]},
        {"umask": -1},
        {"umask": 0o1000},
        {"limits": {"FILES": 1}},
        {"limits": {"NOFILE": -2}},
        {"limits": {"NOFILE": 1 << 63}},
        {"note": "0" * 65},
        {"note": "0AF9"},
        {"note": "0\n"},
        {"confinement": Confinement(memory=-1)},
        {"confinement": Confinement(nice=20)},
        {"confinement": Confinement(score=-1001)},
        {"confinement": Confinement(capabilities=["CAP_KILL"])},
        {"confinement": Confinement(read_only=["etc"])},
        {"confinement": Confinement(read_only=["/etc/../root"])},
        {"confinement": Confinement(writable=["/a\nt/b"])},
        {"confinement": Confinement(writable=["/a"] * 65)},
        {"user": "sh\0op"},
        {"user": "1" * 5000},
    ],
)
def test_malformed_launch(desk: Desk, changes: dict[str, object]) -> None:
    """A launch that no manager of ours would send ends the session, in `launch` and in `verify`."""
    with pytest.raises(ProtocolError):
        ask(desk, Spawner.launch, LAUNCH._replace(**changes))
    with pytest.raises(ProtocolError):
        ask(desk, Spawner.verify, [LAUNCH._replace(**changes)], {})


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        (Spawner.signal, (TOKEN, 0)),
        (Spawner.signal, (TOKEN, 65)),
        (Spawner.signal, ("1", 9)),
        (Spawner.kill, (["../../proc/1"],)),
        (Spawner.signal_all, (["../../proc/1"], 15)),
        (Spawner.follow, ("../../proc/1", 15)),
        (Spawner.follow, (TOKEN, -1)),
        (Spawner.follow, (TOKEN, 1 << 31)),
        (Spawner.signal_all, ([TOKEN], 65)),
        (Spawner.forget, (["x"],)),
        (Spawner.forget, ([TOKEN] * 10_001,)),
        (Spawner.inventory, ("x",)),
        (Spawner.verify, ([LAUNCH] * 201, {})),
        (Spawner.verify, ([LAUNCH], {TOKEN: ["shop"] * 200})),
        (Spawner.verify, ([LAUNCH], {TOKEN: ["shop\0"]})),
        (Spawner.close_socket, ("front",)),
        (Spawner.open_socket, (ListenSpec("front=127.0.0.1:8081", "127.0.0.1:80"),)),
        (Spawner.open_socket, (ListenSpec("fr/ont=127.0.0.1:8081", "127.0.0.1:8081"),)),
        (Spawner.open_socket, (ListenSpec("front=127.0.0.1:99999", "127.0.0.1:99999"),)),
        (Spawner.open_socket, (ListenSpec("front=unix:run/x", "unix:run/x"),)),
        (Spawner.open_socket, (ListenSpec(KEY, "127.0.0.1:8080", 0),)),
        (Spawner.reserve, (ListenSpec(KEY, "127.0.0.1:8080", mode=0o600),)),
        (Spawner.reserve, (ListenSpec("front=unix:@shop", "unix:@shop", user="shop"),)),
        (Spawner.reserve, (ListenSpec(*FRONT, mode=0o1777),)),
        (Spawner.reserve, (ListenSpec(*FRONT, mode=-2),)),
        (Spawner.reserve, (ListenSpec(*FRONT, user="x" * 300),)),
        (Spawner.reserve, (ListenSpec(*FRONT, group="\0"),)),
    ],
)
def test_malformed(desk: Desk, method: Method[Any, Any], arguments: tuple[Any, ...]) -> None:
    """Malformed requests end the session."""
    with pytest.raises(ProtocolError):
        ask(desk, method, *arguments)


@pytest.mark.parametrize("user", ["root", "", "61184"])
def test_users_that_policy_refuses(desk: Desk, user: str) -> None:
    """Root by name or by default, and the manager's own uid: refused, recorded, the session goes on."""
    heard: list[log.Record] = []
    before = log.set_sink(heard.append)
    try:
        with pytest.raises(NotPermitted):
            ask(desk, Spawner.launch, LAUNCH._replace(user=user))
    finally:
        log.set_sink(before)
    assert [(record.level, record.fields["request"]) for record in heard] == [("warning", "Spawner.launch")]


@pytest.mark.parametrize("user", ["ghost", "0", "1000"])
def test_users_that_do_not_exist(desk: Desk, user: str) -> None:
    """Unknown names and numbers that are no dynamic uid."""
    with pytest.raises(UserError) as caught:
        ask(desk, Spawner.launch, LAUNCH._replace(user=user))
    assert str(caught.value).startswith("cannot launch web: ")


def test_refusals_are_logged_at_a_rate(desk: Desk) -> None:
    """A manager that has gone mad cannot fill the disk."""
    heard: list[log.Record] = []
    before = log.set_sink(heard.append)
    try:
        for _ in range(1000):
            with pytest.raises(NotPermitted):
                ask(desk, Spawner.launch, LAUNCH._replace(user="root"))
    finally:
        log.set_sink(before)
    assert len(heard) == 200


def test_launches_at_a_rate(desk: Desk) -> None:
    """A burst as large as a node is fine; beyond it, launches are refused until time has passed."""
    for _ in range(5000):
        ask(desk, Spawner.launch, LAUNCH)
    with pytest.raises(HostError):
        ask(desk, Spawner.launch, LAUNCH)
    desk.clock.advance("1s")  # type: ignore[attr-defined]
    ask(desk, Spawner.launch, LAUNCH)


def test_sockets(desk: Desk) -> None:
    """Opened, found again, closed; the daemon is told of each once."""
    spec = ListenSpec(KEY, "127.0.0.1:8080")
    listening = Listening(KEY, "127.0.0.1:8080")
    assert ask(desk, Spawner.open_socket, spec) == Replied(listening, opened=KEY)
    assert ask(desk, Spawner.open_socket, spec) == Replied(listening)
    assert ask(desk, Spawner.close_socket, KEY) == Replied(None, closed=KEY)
    assert ask(desk, Spawner.close_socket, KEY) == Replied(None)


def test_reservations(desk: Desk) -> None:
    """Reserved, verified with, listed, opened; the daemon is told when it is open, and not of one given back."""
    spec = ListenSpec(KEY, "127.0.0.1:8080")
    reserved = Listening(KEY, "127.0.0.1:8080", reserved=True)
    assert ask(desk, Spawner.reserve, spec) == Replied(reserved)
    assert ask(desk, Spawner.reserve, spec) == Replied(reserved)
    assert ask(desk, Spawner.sockets) == Replied([reserved])
    assert refusals(desk, LAUNCH._replace(sockets=[KEY], socket_names=["front"])) == []
    assert ask(desk, Spawner.close_socket, KEY) == Replied(None)
    ask(desk, Spawner.reserve, spec)
    assert ask(desk, Spawner.open_socket, spec) == Replied(Listening(KEY, "127.0.0.1:8080"), opened=KEY)
    assert ask(desk, Spawner.reserve, spec) == Replied(Listening(KEY, "127.0.0.1:8080"))
    assert ask(desk, Spawner.close_socket, KEY) == Replied(None, closed=KEY)


def test_more_sockets_than_the_daemon_could_be_given(desk: Desk) -> None:
    """The refusal counts what is there; one that is there already is no further one."""
    for number in range(MOST_SOCKETS):
        method = Spawner.open_socket if number % 5 else Spawner.reserve
        ask(desk, method, ListenSpec(f"s=unix:@{number}", f"unix:@{number}"))
    with pytest.raises(HostError) as refused:
        ask(desk, Spawner.reserve, ListenSpec("s=unix:@x", "unix:@x"))
    assert str(refused.value) == (
        "cannot open unix:@x for socket s: 250 sockets are the most, 200 are open and 50 reserved"
    )
    assert "until the change is done" in refused.value.hint
    assert ask(desk, Spawner.reserve, ListenSpec("s=unix:@7", "unix:@7")) is not None


def test_port_that_policy_refuses(desk: Desk) -> None:
    """With the line that would allow it."""
    with pytest.raises(NotPermitted):
        ask(desk, Spawner.reserve, ListenSpec("front=0.0.0.0:80", "0.0.0.0:80"))
    with pytest.raises(NotPermitted) as caught:
        ask(desk, Spawner.open_socket, ListenSpec("front=0.0.0.0:80", "0.0.0.0:80"))
    assert str(caught.value) == "cannot open 0.0.0.0:80 for socket front: not allowed by policy"
    assert (
        caught.value.hint == 'allow it with  ports = ["80", "0", "1024-65535"]  in /etc/snowfox/policy.toml'
    )


def test_unix_path_that_policy_refuses(desk: Desk) -> None:
    """Nowhere but in the configuration's folder."""
    with pytest.raises(NotPermitted):
        ask(desk, Spawner.open_socket, ListenSpec("front=unix:/run/docker.sock", "unix:/run/docker.sock"))
    abstract = ListenSpec("front=unix:@shop", "unix:@shop")
    assert ask(desk, Spawner.open_socket, abstract).opened == "front=unix:@shop"


@pytest.mark.parametrize(
    ("asked", "owner"),
    [
        ({}, (0o666, 0, 0)),
        ({"mode": 0o660, "group": "web"}, (0o660, 0, 10_002)),
        ({"mode": 0, "user": "shop"}, (0, 1000, 1000)),
        ({"user": "shop", "group": "web"}, (0o666, 1000, 10_002)),
        ({"user": "61200"}, (0o666, 61200, 61200)),
        ({"user": "root"}, (0o666, 0, 0)),
    ],
)
def test_owner_of_a_unix_socket(
    desk: Desk, bench: Bench, asked: dict[str, Any], owner: tuple[int, int, int]
) -> None:
    """Mode, user and group as asked; a user alone brings its group."""
    bench.kernel.add_user("web-server", 1001, groups=("web",))
    bench.kernel.groups["web"] = 10_002
    ask(desk, Spawner.reserve, ListenSpec(*FRONT, **asked))
    found = bench.posix.files.stat("/srv/shop/front.sock")
    assert (found.mode & 0o777, found.uid, found.gid) == owner


def test_owners_that_cannot_be(desk: Desk, bench: Bench) -> None:
    """No such user, no such group; whom policy does not allow is refused with the line that would."""
    for asked, text in (({"user": "ghost"}, "no user ghost"), ({"group": "ghosts"}, "no group ghosts")):
        with pytest.raises(UserError) as caught:
            ask(desk, Spawner.reserve, ListenSpec(*FRONT, **asked))
        assert str(caught.value) == f"cannot open {FRONT[1]} for socket front: {text}"
    bench.kernel.write("/etc/snowfox/policy.toml", b'users = ["www"]')
    with pytest.raises(NotPermitted) as refused:
        ask(desk, Spawner.reserve, ListenSpec(*FRONT, user="shop"))
    assert (
        str(refused.value) == f"cannot open {FRONT[1]} for socket front: user shop is not allowed by policy"
    )
    assert 'users = ["shop", "www"]' in refused.value.hint
    assert bench.posix.folders.names("/srv/shop") == [".snowfox"]


def test_taken_port(desk: Desk, bench: Bench) -> None:
    """An error of the host is the answer."""
    rival = FakePosix(bench.kernel)
    rival.sockets.listen(rival.sockets.bind("127.0.0.1:8080"), 1)
    with pytest.raises(PosixError):
        ask(desk, Spawner.open_socket, ListenSpec(KEY, "127.0.0.1:8080"))


def refusals(desk: Desk, launch: Launch) -> list[Refusal]:
    """What `verify` says of a launch."""
    return ask(desk, Spawner.verify, [launch], {}).value


def test_verify(desk: Desk, bench: Bench) -> None:
    """A launch that can be made has no refusals; what speaks against others is a line with the instance."""
    bench.kernel.folder("/root/x", mode=0o755)
    bench.kernel.folder("/root", mode=0o700).mode = 0o40700
    assert refusals(desk, LAUNCH) == []
    assert refusals(desk, LAUNCH._replace(folder="/root/x")) == [
        Refusal(
            TOKEN, "cannot launch web: user shop cannot reach folder /root/x: /root does not let it in", ""
        )
    ]
    assert refusals(desk, LAUNCH._replace(program="nope")) == [
        Refusal(TOKEN, "cannot launch web: no program nope in PATH (/usr/bin)", "")
    ]
    assert refusals(desk, LAUNCH._replace(user="ghost")) == [
        Refusal(TOKEN, "cannot launch web: no user ghost", "getent passwd lists them")
    ]
    (refused,) = refusals(desk, LAUNCH._replace(user="root"))
    assert refused.hint.startswith("allow it with  users = ")
    assert refusals(desk, LAUNCH._replace(sockets=[KEY], socket_names=["front"])) == [
        Refusal(TOKEN, f"cannot launch web: socket {KEY} is neither open nor reserved", "")
    ]


def test_verify_says_everything(desk: Desk) -> None:
    """All that speaks against all launches comes at once: users, folders, programs, sockets, limits."""
    bad = LAUNCH._replace(
        folder="/srv/x",
        program="/usr/bin/gone",
        sockets=[KEY],
        socket_names=["front"],
        limits={"NOFILE": 1 << 40, "CORE": 0},
    )
    ghost = bad._replace(token=f"api~{ID}", user="ghost", limits={})
    relative = LAUNCH._replace(token=f"job~{ID}", folder="/srv/x", program="./job")
    said = ask(desk, Spawner.verify, [bad, ghost, LAUNCH, relative], {}).value
    assert [refusal.text for refusal in said] == [
        f"cannot launch web: limits.files {1 << 40} is above the node's hard limit, 4096",
        "cannot launch web: user shop cannot reach folder /srv/x: no such file or directory",
        "cannot launch web: no program /usr/bin/gone: no such file or directory",
        f"cannot launch web: socket {KEY} is neither open nor reserved",
        "cannot launch api: no user ghost",
        f"cannot launch api: socket {KEY} is neither open nor reserved",
        "cannot launch job: user shop cannot reach folder /srv/x: no such file or directory",
    ]


def test_verify_for_more_users(desk: Desk, bench: Bench) -> None:
    """What one gets to another may not: each is judged, by policy and by the way; what only they see is looked at once."""
    bench.kernel.folder("/srv/mine", ids=Ids(1000, 1000, (1000,)), mode=0o700)
    mine = LAUNCH._replace(folder="/srv/mine")
    (refused,) = ask(desk, Spawner.verify, [LAUNCH, mine], {TOKEN: ["shop", "61999"]}).value
    assert refused == Refusal(
        TOKEN, "cannot launch web: user 61999 cannot reach folder /srv/mine: its mode is 0700", ""
    )
    ghost, own = ask(desk, Spawner.verify, [LAUNCH], {TOKEN: ["ghost", "shop", "61184"]}).value
    assert ghost.text == "cannot launch web: no user ghost"
    assert own.text == "cannot launch web: user 61184 is the manager's own"


def test_limits_above_the_hard_one(desk: Desk) -> None:
    """Root could raise them; the spawner does not, be it asked to verify or to launch, and says what to do."""
    launch = LAUNCH._replace(limits={"NOFILE": 1 << 40})
    text = f"cannot launch web: limits.files {1 << 40} is above the node's hard limit, 4096"
    hint = "write less, or start the node where more is allowed: ulimit -Hn, LimitNOFILE= of a unit"
    assert refusals(desk, launch) == [Refusal(TOKEN, text, hint)]
    with pytest.raises(HostError) as caught:
        ask(desk, Spawner.launch, launch)
    assert str(caught.value) == text


def test_other_limits_than_we_ask_for_are_judged_as_well(desk: Desk, bench: Bench) -> None:
    """A manager that is not ours may ask for any; the largest core file is told as a size."""
    limits = bench.posix.limits
    limits.set("MEMLOCK", 4096, 4096)
    limits.set("CORE", 1 << 20, 1 << 20)
    asked = LAUNCH._replace(limits={"MEMLOCK": 4097, "CORE": -1})
    assert [one.text for one in refusals(desk, asked)] == [
        "cannot launch web: limit MEMLOCK 4097 is above the node's hard limit, 4096",
        "cannot launch web: limits.core unlimited is above the node's hard limit, 1.0M",
    ]


@pytest.mark.parametrize("changes", [{"folder": "/srv/.." * 1000}, {"program": "/srv/.." * 1000}])
def test_paths_that_no_kernel_takes(desk: Desk, changes: dict[str, object]) -> None:
    """They are not followed, which could take seconds, but refused."""
    (refused,) = refusals(desk, LAUNCH._replace(**changes))
    assert refused.text.endswith("file name too long (ENAMETOOLONG)")


def test_verify_limits_of_an_ordinary_user(bench: Bench) -> None:
    """A limit above the hard one cannot be had."""
    bench.kernel.add_user("a", 2000)
    posix = FakePosix(bench.kernel, uid=2000)
    rules = InForce(posix, bench.policy.replace(own=2000, manager=2000))
    desk = requests.desk(
        posix,
        bench.kernel.clock,
        confining=bench.confining,
        rules=rules,
        knocks=bench.knocks,
        holders=bench.held.holders,
    )
    launch = LAUNCH._replace(user="", limits={"NOFILE": 5000})
    (refused,) = refusals(desk, launch)
    assert refused.text == "cannot launch web: limits.files 5000 is above the node's hard limit, 4096"
    assert refusals(desk, launch._replace(limits={"NOFILE": 4096})) == []
