"""Who listens to the output of a launch: whoever waits until it prints that it is ready."""

from __future__ import annotations

from contextlib import suppress

from snowfox.manager.node import Node
from snowfox.manager.probe.printed import Printed
from snowfox.service.event import ProbeAnswered


def listener(node: Node, token: str, instance: str) -> Printed | None:
    """For `ready = { log = … }`; None where it says so in another way."""
    pattern = node.blueprints.line(instance)
    if pattern is None:
        return None

    def tell() -> None:
        node.driver.tell(ProbeAnswered(token, "printed"))
        node.keeper.hurry()  # it is not printed again for a manager that takes our place

    def found() -> None:
        with suppress(RuntimeError):  # no loop any more
            node.loop.call_soon_threadsafe(tell)

    return Printed(pattern, found)
