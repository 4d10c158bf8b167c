"""A manager that is not ours against a real spawner."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from snowfox.contract.spawner import ListenSpec, Spawner
from snowfox.errors import ConnectionLost, NotPermitted, SnowFoxError, UserError
from snowfox.spawner.in_force import FRESH
from snowfox.testing.spawner import ID, MANAGER_UID, RealSpawner, order

pytestmark = pytest.mark.system
is_root = os.geteuid() == 0


def still_serves(spawner: RealSpawner) -> bool:
    """Whether the session goes on, with nothing launched."""
    return spawner.manager.call(Spawner.inventory, "") == []


@pytest.mark.skipif(not is_root, reason="policy of root's node")
@pytest.mark.parametrize("user", ["root", "", str(MANAGER_UID)])
def test_users_of_root(spawner: RealSpawner, user: str) -> None:
    """Root and the manager's own uid are refused, recorded, and the session goes on."""
    with pytest.raises(NotPermitted):
        spawner.launch("web", "id", user=user)
    assert still_serves(spawner)
    assert '"text":"refused"' in spawner.logged()
    assert list((spawner.run / "launches").iterdir()) == []


@pytest.mark.skipif(is_root, reason="an ordinary user's node")
def test_users_of_a_user(spawner: RealSpawner) -> None:
    """An ordinary user's node runs nothing as anybody else."""
    with pytest.raises(NotPermitted):
        spawner.launch("web", "id", user="root")
    assert still_serves(spawner)


def test_unknown_users(spawner: RealSpawner) -> None:
    """There is no such user."""
    for user in ("no-such-user", "0", "1"):
        with pytest.raises(UserError):
            spawner.launch("web", "id", user=user)
    assert still_serves(spawner)


@pytest.mark.skipif(not is_root, reason="policy of root's node")
def test_port(spawner: RealSpawner) -> None:
    """A privileged port is refused with the line that would allow it."""
    with pytest.raises(NotPermitted) as caught:
        spawner.manager.call(Spawner.open_socket, ListenSpec("front=0.0.0.0:80", "0.0.0.0:80"))
    assert (
        caught.value.hint == 'allow it with  ports = ["80", "0", "1024-65535"]  in /etc/snowfox/policy.toml'
    )


def test_policy_file(make: Callable[..., RealSpawner]) -> None:
    """A policy restricts; the advice names its file."""
    spawner = make(policy='ports = ["8080"]')
    address = "127.0.0.1:18081"
    with pytest.raises(NotPermitted) as caught:
        spawner.manager.call(Spawner.open_socket, ListenSpec(f"front={address}", address))
    assert caught.value.hint == f'allow it with  ports = ["18081", "8080"]  in {spawner.policy}'


@pytest.mark.skipif(not is_root, reason="policy of root's node")
def test_policy_changed_between_verify_and_launch(make: Callable[..., RealSpawner]) -> None:
    """What was verified and reserved is judged by the policy as it is at the launch; a broken policy changes nothing."""
    spawner = make(policy='users = ["61500"]\nports = ["1024-65535"]')
    front = ListenSpec("front=127.0.0.1:18083", "127.0.0.1:18083")
    spawner.manager.call(Spawner.reserve, front)
    assert spawner.manager.call(Spawner.verify, [order("web", "exit 0")], {}) == []
    spawner.policy.write_text('users = ["61501"]\nports = ["443"]')
    with pytest.raises(NotPermitted) as caught:
        spawner.launch("web", "exit 0")
    assert caught.value.hint == f'allow it with  users = ["61500", "61501"]  in {spawner.policy}'
    with pytest.raises(NotPermitted):
        spawner.manager.call(Spawner.open_socket, front)
    spawner.policy.write_text("users = [")
    with pytest.raises(NotPermitted):
        spawner.launch("web", "exit 0")
    said = spawner.manager.call(Spawner.verify, [order("web", "exit 0")], {})
    assert said[0].text.startswith(f"cannot read policy {spawner.policy}: ")
    spawner.policy.write_text('users = ["61500"]')
    time.sleep(2 * FRESH)
    spawner.launch("web", "exit 0")


def test_unknown_token(spawner: RealSpawner) -> None:
    """Nobody is signalled by a token that was never launched, whatever process has that number."""
    assert spawner.manager.call(Spawner.signal, f"{os.getpid()}~{ID}", 9) is False
    spawner.manager.call(Spawner.kill, [f"{os.getpid()}~{ID}"])


@pytest.mark.parametrize("token", ["../../x", f"../x~{ID}", "1", f"x~{ID}\n"])
def test_malformed_token_ends_the_session(spawner: RealSpawner, token: str) -> None:
    """Malformed: the session ends; the daemon's goes on, and a new manager is served."""
    with pytest.raises((SnowFoxError, AssertionError)):
        spawner.launch("web", "exit 0", token=token)
    for _ in range(100):
        spawner.manager.pump(0.05)
        if spawner.manager.ended is not None:
            break
    assert spawner.manager.ended is not None
    spawner.attach()
    assert still_serves(spawner)


def test_malformed_bytes_end_the_session(spawner: RealSpawner) -> None:
    """Bytes that are no message: the session ends, services and the daemon's session stay."""
    launched = spawner.launch("web", "sleep 100")
    os.write(spawner.manager.channel.socket, b"\xff" * 300)
    for _ in range(100):
        spawner.manager.pump(0.05)
        if spawner.manager.ended is not None:
            break
    assert spawner.manager.ended is not None
    os.kill(launched.pid, 0)
    spawner.attach()
    assert set(spawner.inventory()) == {launched.token}


@pytest.mark.parametrize("mode", [0o666, 0o664])
def test_policy_that_others_may_write(make: Callable[..., RealSpawner], mode: int) -> None:
    """Such a policy is refused at the start, with one clear line."""
    spawner = make(policy="")
    spawner.kill()
    spawner.policy.chmod(mode)
    with pytest.raises(ConnectionLost):
        spawner.start()
    assert spawner.wait() == 3
    assert f"others may write it (mode 0{mode:o})" in spawner.logged()
