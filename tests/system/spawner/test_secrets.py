"""Secrets given by a real spawner, with the launcher in C and with the fork."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from snowfox.contract.spawner import Launched, ListenSpec, Secret, Spawner
from snowfox.errors import NotPermitted, SnowFoxError, UserError
from snowfox.spawner.in_force import FRESH
from snowfox.testing.spawner import RealSpawner, order, readable

pytestmark = pytest.mark.system
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root launches as others")
WORDS = "correct horse battery staple"


def output(launched: Launched) -> list[str]:
    """Lines that it wrote until the word `end`."""
    assert launched.output is not None
    descriptor = launched.output.take()
    text = b""
    try:
        while b"end\n" not in text:
            assert readable(descriptor, 20), text
            text += os.read(descriptor, 65536)
    finally:
        os.close(descriptor)
    return text.decode().splitlines()


def keep(spawner: RealSpawner, content: str = WORDS + "\n", *, mode: int = 0o600) -> str:
    """A secret of the project's."""
    folder = spawner.folder / "secrets"
    folder.mkdir(exist_ok=True)
    file = folder / "words"
    file.write_text(content)
    file.chmod(mode)
    return str(file)


def descriptors(spawner: RealSpawner) -> int:
    """How many it has, once what it sent is closed."""
    spawner.manager.call(Spawner.sockets)
    return len(os.listdir(f"/proc/{spawner.pid}/fd"))


SCRIPT = """
echo "$A"; cat "$B"; stat -L -c '%a %u' "$B"; cat <&$C; (echo x >"$B") 2>/dev/null || echo sealed
tr '\\0' ' ' </proc/$$/cmdline | grep -c "$A"; ls /proc/$$/fd | tr '\\n' ' '; echo; echo end
"""


def test_forms(spawner: RealSpawner) -> None:
    """In the environment, as a file that only its user can read and nobody can change, as a descriptor; in no argument."""
    file = keep(spawner)
    secrets = [Secret("A", file), Secret("B", file, "file"), Secret("C", file, "descriptor")]
    launched = spawner.launch("web", SCRIPT, secrets=secrets)
    said = output(launched)
    user = 61500 if os.geteuid() == 0 else os.geteuid()
    assert said[:5] == [WORDS, WORDS, f"400 {user}", WORDS, "sealed"]
    assert said[5] == "0"
    assert said[6].split()[:5] == ["0", "1", "2", "3", "4"]
    record = (spawner.run / "launches" / launched.token).read_bytes()
    assert b"horse" not in record
    assert "horse" not in spawner.logged()


def test_behind_sockets(spawner: RealSpawner) -> None:
    """Sockets come first, and secrets are not counted as such."""
    address = f"unix:@snowfox-test-{os.getpid()}"
    spawner.manager.call(Spawner.open_socket, ListenSpec(f"front={address}", address))
    launched = spawner.launch(
        "web",
        'echo "$LISTEN_FDS $B $C"; cat "$B"; echo end',
        sockets=[f"front={address}"],
        socket_names=["front"],
        secrets=[Secret("B", keep(spawner), "file"), Secret("C", keep(spawner), "descriptor")],
    )
    assert output(launched) == ["1 /proc/self/fd/4 5", WORDS, "end"]


def test_descriptors_do_not_stay(spawner: RealSpawner) -> None:
    """The spawner keeps none of them, whether the launch succeeds or fails."""
    secrets = [Secret("B", keep(spawner), "file")]
    spawner.launch("web", "exec sleep 100", secrets=secrets)
    before = descriptors(spawner)
    for number in range(10):
        with pytest.raises(SnowFoxError):
            spawner.launch(f"bad{number}", "", folder="/no/where", secrets=secrets)
    assert descriptors(spawner) == before


@needs_root
def test_file_of_root(make: Callable[..., RealSpawner]) -> None:
    """A file of root's outside of the project: refused and recorded; with the policy that names it, given."""
    spawner = make(policy='users = ["*"]')
    file = spawner.folder / "hidden"
    file.write_text(WORDS)
    file.chmod(0o640)
    secrets = [Secret("A", str(file))]
    (refusal,) = spawner.manager.call(Spawner.verify, [order("web", "", secrets=secrets)], {})
    assert f'secrets = ["{file}"]' in refusal.hint or "cannot reach" in refusal.text
    with pytest.raises(SnowFoxError):
        spawner.launch("web", "", secrets=secrets)
    spawner.policy.write_text(f'secrets = ["{file.parent}/*"]')
    time.sleep(2 * FRESH)
    assert spawner.manager.call(Spawner.verify, [order("web", "", secrets=secrets)], {}) == []
    assert output(spawner.launch("web", 'echo "$A"; echo end', secrets=secrets))[0] == WORDS
    spawner.policy.write_text("secrets = []")
    time.sleep(2 * FRESH)
    with pytest.raises(SnowFoxError):
        spawner.launch("api", "", secrets=secrets)


@needs_root
def test_shadow(spawner: RealSpawner) -> None:
    """The host's own secrets are not given to anybody, be it by a link or by a second name."""
    with pytest.raises(NotPermitted) as caught:
        spawner.launch("web", 'echo "$A"', secrets=[Secret("A", "/etc/shadow")])
    assert str(caught.value) == "cannot launch web: secret A: /etc/shadow is not allowed by policy"
    assert "/etc/shadow is not allowed" in spawner.logged()
    link = Path(keep(spawner)).with_name("link")
    link.symlink_to("/etc/shadow")
    with pytest.raises(UserError, match="is a link"):
        spawner.launch("web", 'echo "$A"', secrets=[Secret("A", str(link))])
    os.link(keep(spawner), link.with_name("second"))
    with pytest.raises(UserError, match="second name"):
        spawner.launch("web", 'echo "$A"', secrets=[Secret("A", keep(spawner))])


@needs_root
def test_other_services_cannot_read_it(spawner: RealSpawner) -> None:
    """Neither the variable nor the file of a service can be read by another user's."""
    file = keep(spawner)
    secrets = [Secret("A", file), Secret("B", file, "file")]
    has = spawner.launch("has", "echo end; exec sleep 100", secrets=secrets)
    output(has)
    spy = f"cat /proc/{has.pid}/environ /proc/{has.pid}/fd/3 2>/dev/null; echo end"
    assert output(spawner.launch("spy", spy, user="61501")) == ["end"]


def test_refused_by_name(spawner: RealSpawner) -> None:
    """`verify` tries to read, and says which secret of which launch cannot be had, without its content."""
    file = keep(spawner, WORDS + "\0")
    launches = [order("web", "", secrets=[Secret("A", file), Secret("B", f"{file}-none", "file")])]
    said = spawner.manager.call(Spawner.verify, launches, {})
    assert [refusal.text.partition(f" {spawner.folder}")[0] for refusal in said] == [
        "cannot launch web: secret A:",
        "cannot launch web: read secret B from",
    ]
    assert "horse" not in str(said)
    os.mkfifo(f"{file}-fifo", 0o600)
    (refusal,) = spawner.manager.call(
        Spawner.verify, [order("web", "", secrets=[Secret("A", f"{file}-fifo")])], {}
    )
    assert "is not a file" in refusal.text
