"""What a start waits for, decided from the service alone; who watches for it is the driver.

A task has no readiness: it starts until it has ended. A probe of a service that says `notify` is never made, and a
notification of one that does not say so is ignored, so that exactly one way counts.
"""

from __future__ import annotations

from snowfox.core.frozen import Frozen
from snowfox.service.spec import Ready, Service
from snowfox.values import Seconds, span_text


class Wait(Frozen):
    """What makes an executed program ready.

    Args:
        by: `executed` (at once), `notified`, `probed`, `printed`, `written`, `delay`, or `end` (a task: never ready).
        timer: `ready` (then it is ready), `unready` (then the start failed), `overdue` (then the run of a task failed),
            or "" for none.
        seconds: of the timer, from the launch on.
    """

    by: str
    timer: str = ""
    seconds: Seconds = 0.0

    @property
    def probes(self) -> bool:
        """Whether the driver has to probe."""
        return self.by == "probed"


_END = Wait("end")
_EXECUTED = Wait("executed")


def wait_of(service: Service) -> Wait:
    """What an instance of this service waits for."""
    ready = service.ready
    if service.is_task:
        return _END if service.timeout is None else Wait("end", "overdue", service.timeout)
    if ready.is_immediate:
        return _EXECUTED
    if ready.delay is not None:
        return Wait("delay", "ready", ready.delay)
    return Wait(_way(ready), "unready", ready.timeout)


def _way(ready: Ready) -> str:
    if ready.notify:
        return "notified"
    if ready.descriptor is not None:
        return "written"
    return "printed" if ready.log is not None else "probed"


def unready_text(service: Service, last: str, seconds: Seconds) -> str:
    """`not ready after 30 s: cannot connect 127.0.0.1:6379: connection refused`; `last` is the probe's word, or ""."""
    ready = service.ready
    why = last or ("it did not notify" if ready.notify else "")
    if ready.descriptor is not None:
        why = f"it wrote no line to descriptor {ready.descriptor}"
    if ready.log is not None:
        why = f"it printed no line that matches {ready.log}"
    return f"not ready after {span_text(seconds)}" + (f": {why}" if why else "")
