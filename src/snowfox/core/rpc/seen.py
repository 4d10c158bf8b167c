"""Calls as metrics and log see them: begin, end and failure, sizes and durations, at both ends.

`is_watched` is asked once when a call begins: where nobody takes numbers nor records of level `debug` that is all that it costs.

```text
snowfox_rpc_begun_total     {side, method}               requests that began
snowfox_rpc_calls_total     {side, method, outcome}      those that ended: `ok`, or the name of the error
snowfox_rpc_seconds_total   {side, method}               that they took
snowfox_rpc_bytes_total     {side, method, way}          of their arguments, results and items
```

`side` is `caller` or `server`, `way` is `in` or `out` as seen from there. Withdrawn ones end with `Cancelled`, those under
way when a session ends with `ConnectionLost`.
"""

from __future__ import annotations

from typing import Final

from snowfox.core import log, metrics
from snowfox.core.clock import active
from snowfox.core.metrics import counter

BEGUN: Final = counter("snowfox_rpc_begun_total")
CALLS: Final = counter("snowfox_rpc_calls_total")
SECONDS: Final = counter("snowfox_rpc_seconds_total")
BYTES: Final = counter("snowfox_rpc_bytes_total")

CALLER: Final = "caller"
SERVER: Final = "server"
OK: Final = "ok"

_log = log.get("rpc")
_logged = log.State
_counted = metrics.State


class Seen:
    """A call that somebody looks at.

    Args:
        side: `CALLER` or `SERVER`.
        link: name of the session.
        method: its full name.
        request: its number.
        asked: bytes of its arguments.

    Attributes:
        replied: bytes of its result, or of its items so far.
    """

    __slots__ = ("_asked", "_began", "_link", "_method", "_request", "_side", "replied")

    def __init__(self, side: str, link: str, method: str, *, request: int, asked: int) -> None:
        self._side = side
        self._link = link
        self._method = method
        self._request = request
        self._asked = asked
        self._began = active().now()
        self.replied = 0
        BEGUN.add(side=side, method=method)
        _log.debug("a call began", side=side, link=link, method=method, request=request, bytes=asked)

    def end(self, outcome: str = OK) -> None:
        """It is over: fine, or by an error of this name."""
        took = active().now() - self._began
        side, method = self._side, self._method
        CALLS.add(side=side, method=method, outcome=outcome)
        SECONDS.add(took, side=side, method=method)
        asked, replied = ("out", "in") if side == CALLER else ("in", "out")
        BYTES.add(self._asked, side=side, method=method, way=asked)
        BYTES.add(self.replied, side=side, method=method, way=replied)
        _log.debug(
            "a call ended" if outcome == OK else "a call failed",
            side=side,
            link=self._link,
            method=method,
            request=self._request,
            outcome=outcome,
            seconds=took,
            bytes=self.replied,
        )


def is_watched() -> bool:
    """Whether somebody looks at calls."""
    return _counted.sink is not None or _logged.detailed is not None
