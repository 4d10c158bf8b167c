"""The end of a node whose essential service has failed for good.

While a change is under way nothing ends: it goes back to what was there before, and that may be well again.
"""

from __future__ import annotations

import asyncio
from typing import Final

from snowfox.core.log import get
from snowfox.errors import SnowFoxError
from snowfox.manager.node import Node
from snowfox.service import effects
from snowfox.values import Exit, Seconds

_LOOK_EVERY: Final[Seconds] = 0.2

_log: Final = get("manager.essential")


class Essentials:
    """Has the daemon stop the node, once.

    Args:
        node: which.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._is_ending = False

    def lost(self, effect: effects.EssentialLost) -> None:
        """An essential service has failed for good."""
        if not self._is_ending:
            self._is_ending = True
            self._node.beside(self._end(effect), f"essential {effect.instance}")

    async def _end(self, effect: effects.EssentialLost) -> None:
        node = self._node
        while node.changes.is_under_way:  # noqa: ASYNC110 - a change tells nobody that it has ended
            await asyncio.sleep(_LOOK_EVERY)
        status = node.board.statuses.get(effect.instance)
        if status is None or status.state != "failed":
            self._is_ending = False
            return
        reason = f"{effect.instance} is essential and has failed: {status.message}"
        _log.error("the node stops", reason=reason)
        try:
            await node.daemon.stop(code_of(effect.exit), reason)
        except SnowFoxError as error:  # the daemon is gone: so are we
            _log.error("cannot stop the node", error=str(error))


def code_of(exit: Exit) -> int:
    """The exit code that a node ends with for a service's end: a signal counts as in a shell, what is unknown as 1."""
    if exit.signal is not None:
        return 128 + exit.signal
    return exit.code or 1
