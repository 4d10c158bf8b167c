"""Root's policy."""

from __future__ import annotations

import os

import pytest

from snowfox.core.posix.api import Ids
from snowfox.errors import UserError
from snowfox.spawner.policy import Account, Policy, load, parse
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.values import MANAGER_UIDS, SERVICE_UIDS

START = Policy(own=0, manager=61184, home="/srv/shop")
USERS = Policy(own=1000, manager=1000, home="/home/a/shop")


def account(uid: int, name: str = "") -> Account:
    """A user of this number."""
    return Account(name or str(uid), Ids(uid, uid, (uid,)), stays=False)


def refused(policy: Policy, uid: int, name: str = "") -> tuple[str, str] | None:
    """Text and advice of a refusal; None when allowed."""
    error = policy.user_refused(account(uid, name), "launch web")
    return None if error is None else (str(error), error.hint)


def test_default_users() -> None:
    """Without a policy: anybody but root and the manager's own user."""
    assert refused(START, 1000, "shop") is None
    assert refused(START, 61500) is None
    assert refused(START, 0, "root") == (
        "cannot launch web: user root is not allowed by policy",
        'allow it with  users = ["root", "*"]  in /etc/snowfox/policy.toml',
    )
    assert refused(START, 61184) == ("cannot launch web: user 61184 is the manager's own", "")


def test_listed_users() -> None:
    """Names, uids and ranges are allowed, nobody else; the advice keeps what is allowed."""
    policy = parse(b'users = ["shop", "61300-61400", "1007"]', START)
    assert refused(policy, 1000, "shop") is None
    assert refused(policy, 61300) is None
    assert refused(policy, 61400) is None
    assert refused(policy, 1007, "other") is None
    assert refused(policy, 61401) == (
        "cannot launch web: user 61401 is not allowed by policy",
        'allow it with  users = ["61401", "shop", "61300-61400", "1007"]  in /etc/snowfox/policy.toml',
    )


def test_advice_allows() -> None:
    """What the advice says to write does allow it, and keeps the defaults."""
    line = refused(START, 0, "root")[1].split("  ")[1]
    policy = parse(line.encode(), START)
    assert refused(policy, 0, "root") is None
    assert refused(policy, 1000, "shop") is None
    ports = START.port_refused(80, "open x").hint.split("  ")[1]
    policy = parse(ports.encode(), START)
    assert policy.port_refused(80, "open x") is None
    assert policy.port_refused(8080, "open x") is None
    assert policy.port_refused(81, "open x") is not None


def test_root_needs_its_name() -> None:
    """Neither `*` nor a range that begins at 0 means root; and an alias of uid 0 is root."""
    assert refused(parse(b'users = ["*", "0-65535"]', START), 0, "root") is not None
    assert refused(parse(b'users = ["*"]', START), 0, "toor") is not None
    assert refused(parse(b'users = ["root"]', START), 0, "root") is None
    assert refused(parse(b'users = ["0"]', START), 0, "root") is None


def test_manager_is_never_allowed() -> None:
    """A policy that lists the manager's uid does not help: a service could trace the manager."""
    assert refused(parse(b'users = ["61184-65519", "*"]', START), 61184) is not None


def test_managers_of_other_nodes_are_as_safe() -> None:
    """No uid that a manager of any root's node may have, under whatever name and policy."""
    listed = parse(b'users = ["61184-65519", "shop", "*"]', START)
    for uid in (MANAGER_UIDS[0], MANAGER_UIDS[-1]):
        refusal = (f"cannot launch web: uid {uid} is kept for the managers of nodes", "")
        assert refused(START, uid) == refused(listed, uid, "shop") == refusal
    assert refused(listed, SERVICE_UIDS[-1]) is None
    assert not set(MANAGER_UIDS) & set(SERVICE_UIDS)


def test_ports() -> None:
    """Unprivileged ports by default; what is listed otherwise."""
    assert START.port_refused(1024, "open x") is None
    assert START.port_refused(0, "open x") is None
    error = START.port_refused(80, "open 0.0.0.0:80 for socket front")
    assert str(error) == "cannot open 0.0.0.0:80 for socket front: not allowed by policy"
    assert error.hint == 'allow it with  ports = ["80", "0", "1024-65535"]  in /etc/snowfox/policy.toml'
    policy = parse(b'ports = ["80", "8000-8080"]', START)
    assert [policy.port_refused(port, "open x") is None for port in (80, 8000, 8080, 81, 8081, 0)] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_ordinary_user() -> None:
    """Only that user; every port and path, unless a file says otherwise."""
    assert refused(USERS, 1000, "a") is None
    assert refused(USERS, 0, "root") == (
        "cannot launch web: an ordinary user's node runs services as that user only",
        "",
    )
    assert USERS.port_refused(80, "open x") is None
    assert USERS.folder_refused("/tmp/x.sock", "open x") is None
    assert parse(b'ports = ["8080"]', USERS).port_refused(80, "open x") is not None


def test_unix_sockets() -> None:
    """Root opens unix sockets below the configuration's folder and what policy lists, and nowhere else."""
    assert START.folder_refused("/srv/shop/run/front.sock", "open x") is None
    error = START.folder_refused("/run/docker.sock", "open unix:/run/docker.sock for socket front")
    assert error.hint == 'allow it with  sockets = ["/run"]  in /etc/snowfox/policy.toml'
    for path in ("/srv/shop/../x.sock", "/srv/shopper/x.sock", "/srv/shop//x", "srv/shop/x"):
        assert START.folder_refused(path, "open x") is not None, path
    assert parse(b'sockets = ["/run/shop"]', START).folder_refused("/run/shop/a/b.sock", "open x") is None


def test_the_nodes_own_folder() -> None:
    """Nobody's socket stands in the way of the node's records and sockets, whatever policy lists."""
    for start in (START, START.replace(sockets=("/srv",))):
        for path in ("/srv/shop/.snowfox", "/srv/shop/.snowfox/x", "/srv/shop/.snowfox/run/launches/x"):
            assert start.folder_refused(path, "open x") is not None, path
        assert start.folder_refused("/srv/shop/.snowfox2/x", "open x") is None


def test_advice_for_paths_that_no_policy_allows() -> None:
    """A line for the policy would be in vain: the node's own folder, and what is written with `..`."""
    for start in (START, START.replace(sockets=("/srv",)), USERS.replace(home="/srv/shop")):
        error = start.folder_refused("/srv/shop/.snowfox/run/x", "open x")
        assert error is not None
        assert (str(error), error.hint) == (
            "cannot open x: /srv/shop/.snowfox is the node's own, for its records and sockets",
            "put it into another folder, for example run beside it",
        )
        error = start.folder_refused("/srv/shop/run/../x", "open x")
        assert error is not None
        assert error.hint == "write /srv/shop/x"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"users = [", "cannot read policy /etc/snowfox/policy.toml:"),
        (b"\xff", "cannot read policy"),
        (b'user = ["x"]', 'unknown key "user"'),
        (b'users = "x"', "users is not a list"),
        (b"ports = [80]", "ports: 80 is not a text in quotes"),
        (b'ports = ["http"]', 'ports: "http" is not a number'),
        (b'ports = ["9-1"]', 'ports: "9-1" is not a number'),
        (b'users = ["9-"]', 'users: "9-" is not a number'),
        (b'sockets = ["run"]', 'sockets: "run" is not the absolute path'),
    ],
)
def test_wrong_content(content: bytes, says: str) -> None:
    """Each mistake is named."""
    with pytest.raises(UserError) as caught:
        parse(content, START)
    assert says in str(caught.value)


def opened(kernel: FakeKernel, *, uid: int = 0) -> tuple[FakePosix, int]:
    """The policy as a process of this user opens it."""
    posix = FakePosix(kernel, uid=uid)
    return posix, posix.files.open("/etc/snowfox/policy.toml", os.O_RDONLY)


def test_absent() -> None:
    """/dev/null in its place is no policy."""
    posix = FakePosix(FakeKernel())
    assert load(posix, posix.files.open("/dev/null", os.O_RDONLY), START) == START


@pytest.mark.parametrize(
    ("owner", "mode", "says"),
    [
        (0, 0o664, "others may write it"),
        (0, 0o646, "others may write it"),
        (1000, 0o644, "it belongs to uid 1000"),
    ],
)
def test_file_that_others_could_write(owner: int, mode: int, says: str) -> None:
    """A policy that others than root may write is refused."""
    kernel = FakeKernel()
    kernel.write("/etc/snowfox/policy.toml", b"", ids=Ids(owner, owner, (owner,)), mode=mode)
    with pytest.raises(UserError) as caught:
        load(*opened(kernel), START)
    assert says in str(caught.value)


def test_file_of_root() -> None:
    """A policy of root's is read; an ordinary user may have one of its own."""
    kernel = FakeKernel()
    kernel.add_user("a", 1000)
    kernel.write("/etc/snowfox/policy.toml", b'ports = ["80"]')
    assert load(*opened(kernel), START).ports == ("80",)
    assert load(*opened(kernel, uid=1000), USERS).ports == ("80",)
    kernel.write("/etc/snowfox/policy.toml", b'ports = ["81"]', ids=Ids(1000, 1000, (1000,)))
    assert load(*opened(kernel, uid=1000), USERS).ports == ("81",)


def test_rights_that_services_may_have() -> None:
    """Capabilities, priorities and gaining rights are refused by default, and allowed as the advice says."""
    refused = START.capabilities_refused(["KILL", "NET_RAW"], "launch web")
    assert refused is not None
    assert str(refused) == "cannot launch web: capabilities KILL, NET_RAW not allowed by policy"
    policy = parse(refused.hint.split("  ")[1].encode(), START)
    assert policy.capabilities_refused(["NET_RAW"], "launch web") is None
    again = policy.capabilities_refused(["CHOWN"], "launch web")
    assert again is not None
    assert '["CHOWN", "KILL", "NET_RAW"]' in again.hint
    assert parse(START.lower_refused("nice", -5, "x").hint.split("  ")[1].encode(), START).nice == -5
    assert parse(START.lower_refused("oom-score", -5, "x").hint.split("  ")[1].encode(), START).score == -5
    assert parse(START.privileges_refused("x").hint.split("  ")[1].encode(), START).new_privileges


@pytest.mark.parametrize(
    "text",
    [
        "nice = 5",
        "nice = -21",
        "nice = true",
        "oom-score = '1'",
        "new-privileges = 1",
        "capabilities = ['CAP_KILL']",
    ],
)
def test_rights_that_cannot_be_read(text: str) -> None:
    """A key with a value that it cannot have is named."""
    with pytest.raises(UserError, match=text.split(" ", maxsplit=1)[0]):
        parse(text.encode(), START)
