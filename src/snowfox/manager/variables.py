"""The environment of a launch as its process gets it, for `snowfox env`: what the spawner adds included."""

from __future__ import annotations

from typing import Final

from snowfox.contract.manager import Variable
from snowfox.contract.spawner import Launch

_FIRST: Final = 3
"""Of the descriptors that are passed, sd_listen_fds(3)."""

_LISTENING: Final = frozenset({"LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID", "LISTEN_PIDFDID"})


def variables(launch: Launch) -> list[Variable]:
    """All variables by name; of a secret only where it comes from."""
    found = {
        name: Variable(name, value) for name, value in launch.environment.items() if name not in _LISTENING
    }
    number = _FIRST + len(launch.sockets)
    for secret in launch.secrets:
        note = f"secret, from {secret.file}"
        if secret.form == "environment":
            found[secret.name] = Variable(secret.name, "", note)
            continue
        value = f"/proc/self/fd/{number}" if secret.form == "file" else str(number)
        found[secret.name] = Variable(secret.name, value, note)
        number += 1
    if launch.sockets:
        found["LISTEN_FDS"] = Variable("LISTEN_FDS", str(len(launch.sockets)))
        found["LISTEN_FDNAMES"] = Variable("LISTEN_FDNAMES", ":".join(launch.socket_names))
        found["LISTEN_PID"] = Variable("LISTEN_PID", "", "the pid of its process")
    return [found[name] for name in sorted(found)]
