"""A reload of what is ready: cells of `service.life`. It stays ready all the while, and when a reload fails.

By signal it is over as soon as the signal is sent; by command, when that has ended; by notify, when it says `READY=1`
once more, which is heard only after a `RELOADING=1` (`manager.probe.hearing`).
"""

from __future__ import annotations

from signal import SIGHUP

from snowfox.service import hooking
from snowfox.service.effects import Signal
from snowfox.service.fact import ServiceReloaded
from snowfox.service.hook import Hook
from snowfox.service.instance import Input, Instance, Turn
from snowfox.values import span_text

RELOAD = "reload"
"""The name of its command among hooks."""

RELOAD_OVER = "reload-over"
"""The name of its timer."""


def begin(instance: Instance, _told: Input, turn: Turn) -> None:
    """Reload it. Nothing where its service does not say how."""
    reload = instance.service.reload
    if reload is None:
        return
    instance.reload_error = ""
    if instance.said.is_stopping:
        _end(instance, "it stops by itself", turn)
        return
    if reload.command and instance.hook not in ("", RELOAD):
        _end(instance, f"{instance.hook} still runs", turn)
        return
    if reload.command:
        instance.is_reloading = True
        hooking.begin(instance, RELOAD, Hook(reload.command, reload.timeout), turn)
        return
    turn.effects.append(Signal(instance.id, instance.token, reload.signal or SIGHUP))
    if reload.notify:
        instance.is_reloading = True
        instance.arm(RELOAD_OVER, reload.timeout, turn)
    else:
        _end(instance, "", turn)


def answered(instance: Instance, told: Input, turn: Turn) -> None:
    """It is ready once more: that is the end of a reload by notify."""
    if told.text == "notified" and instance.timer == RELOAD_OVER:
        instance.disarm(turn)
        _end(instance, "", turn)


def overdue(instance: Instance, _told: Input, turn: Turn) -> None:
    """It did not answer in time."""
    reload = instance.service.reload
    seconds = reload.timeout if reload else turn.now - instance.since
    _end(instance, f"it did not answer within {span_text(seconds)}", turn)


def hooked(instance: Instance, told: Input, turn: Turn) -> None:
    """A command beside what is ready has ended; it may be that of a reload."""
    if hooking.over(instance, told.text, turn) == RELOAD:
        _end(instance, told.text, turn)


def _end(instance: Instance, error: str, turn: Turn) -> None:
    instance.is_reloading = False
    instance.reload_error = error
    instance.emit(ServiceReloaded(error), turn)
