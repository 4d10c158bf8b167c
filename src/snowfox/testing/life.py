"""An instance in each state of its life. For tests."""

from __future__ import annotations

from typing import Final

from snowfox.service.instance import Input, Instance, Turn
from snowfox.service.life import step
from snowfox.service.spec import Ready, Service, Stop
from snowfox.values import Exit

WEB: Final = Service("web", ("x",), ready=Ready(notify=True), stop=Stop(15, 5.0))
"""A service that every state is possible of."""

_GO: Final = (Input("start"), Input("go", token="web~1"), Input("launched", pid=7, started=8))
WAYS: Final[dict[str, tuple[Input, ...]]] = {
    "stopped": (),
    "waiting": _GO[:1],
    "starting": _GO,
    "ready": (*_GO, Input("ready", text="notified")),
    "failing": (*_GO, Input("unready")),
    "stopping": (*_GO, Input("stop", text="why")),
    "backoff": (*_GO, Input("exited", exit=Exit(1))),
    "failed": (Input("failed-before", text="was so"),),
    "finished": (Input("finished-before", text="was so"),),
    "stuck": (*_GO, Input("stop"), Input("grace-over"), Input("kill-over")),
}
"""What leads from stopped to a state."""


def bring(instance: Instance, state: str, turn: Turn) -> None:
    """Move an instance of `WEB`, or of one like it, from stopped to a state. Raises AssertionError when it cannot be."""
    for told in WAYS[state]:
        if not step(instance, told, turn):
            msg = f"{told.kind} is refused in {instance.state}"
            raise AssertionError(msg)
    if instance.state != state:
        msg = f"it is {instance.state}, not {state}"
        raise AssertionError(msg)
