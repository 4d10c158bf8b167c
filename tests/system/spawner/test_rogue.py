"""A manager that was taken over by somebody, against a real spawner: it gains nothing, and the spawner stays well."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from snowfox.contract.control import SpawnerControl
from snowfox.contract.spawner import ListenSpec, Spawner
from snowfox.core.rpc.interface import Method
from snowfox.errors import PosixError, SnowFoxError
from snowfox.testing.spawner import ID, MANAGER_UID, RealSpawner, order

pytestmark = pytest.mark.system
is_root = os.geteuid() == 0


def descriptors(spawner: RealSpawner) -> int:
    """How many the spawner has open."""
    return len(list(Path(f"/proc/{spawner.pid}/fd").iterdir()))


def memory(spawner: RealSpawner) -> int:
    """Resident bytes at most so far."""
    for line in Path(f"/proc/{spawner.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no VmHWM")


def is_well(spawner: RealSpawner) -> None:
    """It answers its daemon within the five seconds after which it would count as hung, and serves a new manager."""
    began = time.monotonic()
    assert spawner.daemon.call(SpawnerControl.held) is not None
    assert time.monotonic() - began < 5
    spawner.attach()
    spawner.manager.call(Spawner.inventory, "")


def flood(spawner: RealSpawner, method: Method[..., object], *arguments: object, times: int) -> None:
    """Ask and ask, and read no answer."""
    channel = spawner.manager.channel
    for _ in range(times):
        channel.call(method, *arguments)
        channel.flush()


def test_f42_an_error_that_cannot_be_shown(spawner: RealSpawner) -> None:
    """A report of an exit that is answered by an error without sense ends the session, not the spawner."""

    def refuse(_method: str, _arguments: tuple[object, ...]) -> None:
        error = PosixError("bind", "x", "no number")  # type: ignore[arg-type]
        channel = spawner.manager.channel
        channel.refuse(max(channel._session.requests._open), error)

    spawner.manager.serve = refuse
    spawner.launch("web", "exit 0")
    for _ in range(100):
        spawner.manager.pump(0.05)
        if spawner.manager.ended is not None:
            break
    assert spawner.manager.ended is not None
    is_well(spawner)


@pytest.mark.parametrize("user", ["sh\0op", "1" * 5000, "٣", "x" * 10_000])
def test_f42_names_of_users_that_no_host_has(spawner: RealSpawner, user: str) -> None:
    """Refused, or the end of the session."""
    with pytest.raises((SnowFoxError, AssertionError)):
        spawner.launch("web", "exit 0", user=user)
    is_well(spawner)


def test_f42_answers_that_nobody_reads(spawner: RealSpawner) -> None:
    """Neither descriptors nor memory grow with what is asked, and the daemon is answered meanwhile."""
    for number in range(20):
        spawner.launch(f"web@{number}", "sleep 100")
    before = descriptors(spawner)
    spawner.daemon.pump(0)
    flood(spawner, Spawner.inventory, "", times=15_000)
    spawner.daemon.call(SpawnerControl.held)
    assert descriptors(spawner) - before < 2000
    assert memory(spawner) < 100 << 20
    is_well(spawner)
    until = time.monotonic() + 5
    while descriptors(spawner) > before + 1:  # what was sent is closed just after
        assert time.monotonic() < until, "descriptors were lost"
        time.sleep(0.01)


def test_f42_large_requests_behind_slow_ones(spawner: RealSpawner) -> None:
    """What waits is bounded, in bytes too: the rest stays with its sender."""
    spawner.manager.call(Spawner.inventory, "")  # before its greeting only one request may be sent
    slow = order("web", "exit 0", program="no-such-program", environment={"PATH": "/a:" * 1000})
    flood(spawner, Spawner.verify, [slow], {}, times=3000)
    large = order("web", "exit 0", arguments=["xy"] * 300_000)
    flood(spawner, Spawner.verify, [large], {}, times=60)
    until = time.monotonic() + 3
    while spawner.manager.channel.unsent and time.monotonic() < until:
        spawner.manager.channel.flush()
    assert memory(spawner) < 100 << 20
    is_well(spawner)


def test_f42_random_requests(spawner: RealSpawner) -> None:
    """Whatever well-formed requests come in whatever order, only what policy allows comes to be."""
    rng = random.Random(42)
    tokens = [f"web@{number}~{ID}" for number in range(6)]
    users = ["root", "", "61500", "61501", str(MANAGER_UID), "no-such-user", "0", "61183", "65520", "daemon"]
    programs = ["sh", "/bin/sh", "../bin/sh", "/etc/shadow", "/no/such", "/proc/1/exe"]
    folders = ["/", "/root", "/proc/1/root", "/no/such", f"{spawner.run}/launches"]
    addresses = [
        "127.0.0.1:80",
        "127.0.0.1:0",
        "127.0.0.1:18080",
        "unix:/etc/x.sock",
        f"unix:@x-{os.getpid()}",
    ]
    addresses += [f"unix:{spawner.run}/launches/{tokens[0]}", f"unix:{spawner.run}/../../front.sock"]
    asked: list[int] = []
    before = set(spawner.folder.rglob("*"))
    for _ in range(2000):
        token = rng.choice(tokens)
        launch = order("x", "sleep 100")._replace(
            token=token, user=rng.choice(users), program=rng.choice(programs), folder=rng.choice(folders)
        )
        address = rng.choice(addresses)
        method, arguments = rng.choice(
            [
                (Spawner.launch, (launch,)),
                (Spawner.verify, ([launch], {token: [rng.choice(users)]})),
                (Spawner.signal, (token, rng.choice([1, 15, 9, 19]))),
                (Spawner.kill, ([token],)),
                (Spawner.signal_all, ([token], rng.choice([1, 15, 9, 19]))),
                (Spawner.forget, ([token],)),
                (Spawner.inventory, ("",)),
                (Spawner.open_socket, (ListenSpec(f"front={address}", address),)),
                (Spawner.close_socket, (f"front={address}",)),
                (Spawner.watch_sockets, ([f"front={address}"],)),
                (Spawner.stirred, ([f"front={address}"],)),
            ]
        )
        asked.append(spawner.manager.send(method, *arguments))
    for request in asked:
        try:
            spawner.manager.wait(request)
        except Exception as error:  # noqa: BLE001 - refusals are fine, an end of the session is not
            assert spawner.manager.ended is None, error
    allowed = {61500, 61501, 1} if is_root else {os.geteuid()}
    for line in spawner.inventory().values():
        spawner.launched[line.token] = line.pid
        status = Path(f"/proc/{line.pid}/status")
        if line.exit is None and status.exists():
            uids = {int(word) for word in status.read_text().split("Uid:")[1].split()[:4]}
            assert uids <= allowed
    new = {path for path in set(spawner.folder.rglob("*")) - before if path.is_socket()}
    assert new <= {spawner.folder / "front.sock"}
    assert not Path("/etc/x.sock").exists()
    is_well(spawner)
