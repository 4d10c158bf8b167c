"""Hooks of an instance, and commands among the steps of its stop, decided here and run by the driver.

One runs at a time, under the token of a launch. `before-start` comes before the launch that has that token, and when
it fails there is none; `before-stop` before the first step of a stop, when it was ready. `after-ready` and `after-exit`
hold up nobody but the next launch, and a stop, which is over when all is. What fails among these is told, and that is all.
"""

from __future__ import annotations

from snowfox.service.effects import RunHook, StopHook
from snowfox.service.fact import HookFailed
from snowfox.service.hook import Hook
from snowfox.service.instance import Instance, Turn
from snowfox.values import Exit, signal_name


def begin(instance: Instance, name: str, hook: Hook, turn: Turn, exit: Exit | None = None) -> None:
    """Run a hook; one that still runs is given up.

    Args:
        instance: whose.
        name: of the hook, as it is written.
        hook: what to run.
        turn: the call under way.
        exit: how the process ended that it comes after.
    """
    drop(instance, turn)
    instance.hook, instance.hook_token = name, instance.token or instance.last
    environment: tuple[tuple[str, str], ...] = ()
    if exit is not None:
        environment = _told(exit)
    elif instance.pid:
        environment = (("MAINPID", str(instance.pid)),)
    turn.effects.append(
        RunHook(instance.id, instance.hook_token, name, hook.command, hook.timeout, environment)
    )


def drop(instance: Instance, turn: Turn) -> None:
    """Give up the hook that runs, if there is one."""
    if instance.hook:
        turn.effects.append(StopHook(instance.hook_token))
        instance.hook = ""


def over(instance: Instance, text: str, turn: Turn) -> str:
    """The hook has ended; why it failed is `text`, or "". Gives its name."""
    name, instance.hook = instance.hook, ""
    if text:
        instance.emit(HookFailed(name, text), turn)
    return name


def _told(exit: Exit) -> tuple[tuple[str, str], ...]:
    """How it ended, as systemd tells `ExecStopPost=` (systemd.exec(5))."""
    if exit.signal is not None:
        return (("EXIT_CODE", "killed"), ("EXIT_STATUS", signal_name(exit.signal)))
    if exit.code is not None:
        return (("EXIT_CODE", "exited"), ("EXIT_STATUS", str(exit.code)))
    return ()
