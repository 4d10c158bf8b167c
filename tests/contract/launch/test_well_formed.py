"""What a check of a configuration accepts, the spawner finds well-formed: else it would end the manager's session."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from snowfox.contract.spawner import Launch, Spawner
from snowfox.core.rpc.interface import Method
from snowfox.errors import ProtocolError, SnowFoxError
from snowfox.manager.blueprint import Blueprints, listen_specs
from snowfox.service.launch import Node
from snowfox.spawner import requests
from snowfox.spawner.events import Caller
from snowfox.testing.configuration import checked
from snowfox.testing.launches import Bench, host

NODE = Node("box", uid=1000, user="shop", is_root=False, path="/bin", notify="@notify")
DEEP = "d/" * 2100

ODD = st.one_of(
    st.sampled_from(
        ["", "/", ".", "..", "//x", "${E}", "${E}/x", "${E:-}", "${HOME}", "a=b", "a:b", "\t", DEEP]
    ),
    st.text(max_size=12),
    st.from_regex(r"[a-z/.$={}:-]{1,12}", fullmatch=True),
)
NAME = st.one_of(
    st.sampled_from(
        ["A-B", "1", "", "LISTEN_PIDFDID", "LISTEN_FDS", "K" * 201, "K" * 202, "É", "K\n", "K\0", "A.B"]
    ),
    st.text(max_size=6),
    st.from_regex("[A-Z_]{1,8}", fullmatch=True),
)
SECRET = st.fixed_dictionaries(
    {"file": ODD}, optional={"as": st.sampled_from(["environment", "file", "descriptor", "none"])}
)
KEYS: dict[str, st.SearchStrategy[Any]] = {
    "directory": ODD,
    "environment": st.dictionaries(NAME, ODD, max_size=3).map(lambda names: {"E": "", **names}),
    "secrets": st.dictionaries(NAME, SECRET, max_size=3),
    "sockets": st.sampled_from([["front"], ["front", "front"], ["back"], []]),
    "instances": st.sampled_from([1, 2]),
    "user": ODD,
    "limits": st.fixed_dictionaries(
        {},
        optional={
            "memory": st.sampled_from(["1", "512M", f"{1 << 50}", f"{(1 << 50) + 1}", "x"]),
            "cpu": st.one_of(st.floats(), st.integers(-1, 9000), st.just(0.01)),
            "processes": st.integers(0, 1 << 23),
            "files": st.integers(7, 1 << 31),
            "io": st.sampled_from(["1", "9G", "0"]),
            "core": st.sampled_from(["0", "1G", f"{1 << 49}", f"{1 << 50}"]),
        },
    ),
    "sandbox": st.fixed_dictionaries(
        {},
        optional={
            "no-new-privileges": st.booleans(),
            "capabilities": st.lists(st.sampled_from(["KILL", "cap_kill", "CAP_BPF", "X"]), max_size=3),
            "private-tmp": st.booleans(),
            "read-only": st.lists(ODD, max_size=2),
            "writable": st.lists(ODD, max_size=2),
        },
    ),
    "nice": st.integers(-21, 20),
    "oom-score": st.integers(-1001, 1001),
    "umask": st.sampled_from(["0", "077", "0777", "1000"]),
    "ready": st.one_of(
        st.just({"notify": True}), st.fixed_dictionaries({"command": st.lists(ODD, max_size=2)})
    ),
}
SERVICE = st.one_of(
    *(st.fixed_dictionaries({"command": st.just("web"), name: key}) for name, key in KEYS.items()),
    st.fixed_dictionaries({"command": st.one_of(ODD, st.lists(ODD, max_size=3))}),
    st.fixed_dictionaries({"command": st.just(["${E}x"])}, optional=KEYS),
)
LISTEN = st.one_of(
    st.sampled_from(
        [":80", "[::1]:0", "udp::53", ["unix:x", ":81"], "unix:@x", f"unix:{DEEP[:4090]}", "unix:/a/../b"]
    ),
    ODD.map("unix:".__add__),
    ODD,
)
LOOK: dict[str, st.SearchStrategy[Any]] = {
    "backlog": st.integers(-1, 70000),
    "mode": st.sampled_from(["0660", "777", "1777", ""]),
    "user": ODD,
    "limits": st.fixed_dictionaries(
        {},
        optional={
            "memory": st.sampled_from(["1", "512M", f"{1 << 50}", f"{(1 << 50) + 1}", "x"]),
            "cpu": st.one_of(st.floats(), st.integers(-1, 9000), st.just(0.01)),
            "processes": st.integers(0, 1 << 23),
            "files": st.integers(7, 1 << 31),
            "io": st.sampled_from(["1", "9G", "0"]),
            "core": st.sampled_from(["0", "1G", f"{1 << 49}", f"{1 << 50}"]),
        },
    ),
    "sandbox": st.fixed_dictionaries(
        {},
        optional={
            "no-new-privileges": st.booleans(),
            "capabilities": st.lists(st.sampled_from(["KILL", "cap_kill", "CAP_BPF", "X"]), max_size=3),
            "private-tmp": st.booleans(),
            "read-only": st.lists(ODD, max_size=2),
            "writable": st.lists(ODD, max_size=2),
        },
    ),
    "nice": st.integers(-21, 20),
    "oom-score": st.integers(-1001, 1001),
    "umask": st.sampled_from(["0", "077", "0777", "1000"]),
    "group": ODD,
}
SOCKET = st.one_of(
    st.just({"listen": ["unix:x", ":81"]}),
    st.fixed_dictionaries({"listen": LISTEN}),
    *(st.fixed_dictionaries({"listen": st.just("unix:x"), name: key}) for name, key in LOOK.items()),
)


def written(value: Any) -> str:
    """A value as TOML has it; what JSON writes otherwise is refused by both."""
    if isinstance(value, dict):
        inside = (f"{written(name)} = {written(item)}" for name, item in value.items())
        return "{ " + ", ".join(inside) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def launches(blueprints: Blueprints) -> list[Launch]:
    """All that the manager would have launched: instances, and commands beside them."""
    return blueprints.prepare()[0]


def sent(text: str) -> int:
    """Have the spawner look at all that a manager would ask for this configuration; how much that was.

    Raises ProtocolError when something would end the session.
    """
    configuration = checked(text).configuration
    if configuration is None:
        return 0
    bench = Bench(*host())
    desk = requests.desk(
        bench.posix,
        bench.kernel.clock,
        confining=bench.confining,
        rules=bench.rules,
        knocks=bench.knocks,
        holders=bench.held.holders,
    )
    asked: list[tuple[Method[Any, Any], object]] = [
        (Spawner.reserve, spec) for spec in listen_specs(configuration)
    ]
    made = launches(Blueprints(configuration, NODE, bench.posix.users))
    asked += [(Spawner.launch, launch) for launch in made]
    for method, argument in asked:
        try:
            requests.handle(desk, Caller(1, 1), method.full_name, (argument,))
        except ProtocolError:
            raise
        except SnowFoxError:  # refused, which is an answer
            continue
    return len(asked)


@given(SERVICE, SOCKET)
@example({"command": "web"}, {"listen": "unix:${E}"})
def test_what_a_check_accepts_is_well_formed(service: dict[str, Any], socket: dict[str, Any]) -> None:
    """Whatever texts stand where: refused with the configuration, or by an answer."""
    sent(f"socket.front = {written(socket)}\nservice.web = {written(service)}\n")


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("", 2),
        ('secrets."A-B" = { file = "k" }', 0),
        (f"secrets.{'K' * 201} = {{ file = 'k' }}", 2),
        (f"secrets.{'K' * 202} = {{ file = 'k' }}", 0),
        ('secrets.LISTEN_PIDFDID = { file = "k" }', 0),
        ("\n".join(f'secrets.K{number} = {{ file = "k" }}' for number in range(64)), 2),
        ("\n".join(f'secrets.K{number} = {{ file = "k" }}' for number in range(65)), 0),
        (f'secrets.K = {{ file = "{DEEP}" }}', 0),
        (f'secrets.K = {{ file = "${{D}}" }}\nenvironment.D = "{DEEP}"', 1),
        ('secrets.K = { file = "${NOPE}" }', 0),
        ('ready.command = ["${E}", "x"]\nenvironment.E = ""', 0),
        ('ready.command = ["${E}", "x"]\nenvironment.E = "x"', 3),
    ],
)
def test_limits(line: str, count: int) -> None:
    """What is just allowed is sent; what is one too much is refused with the configuration, or at the latest when planned."""
    text = '[socket.front]\nlisten = ":8080"\n[service.web]\ncommand = "web"\nsockets = ["front"]\n'
    assert sent(text + line) == count
