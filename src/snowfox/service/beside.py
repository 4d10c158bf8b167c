"""Commands that a service has run beside its instances, and what each is for."""

from __future__ import annotations

from collections.abc import Iterator

from snowfox.core.named import NamedTuple
from snowfox.service.hook import HOOKS
from snowfox.service.spec import Service


class Beside(NamedTuple):
    """A command beside an instance.

    Args:
        role: what it is for, in a word: `before-start`.
        words: to execute.
    """

    role: str
    words: tuple[str, ...]


def hooks(service: Service) -> Iterator[Beside]:
    """Those that run as hooks do: hooks, the command of a reload, commands among the steps of a stop."""
    for field in HOOKS:
        hook = getattr(service, field)
        if hook is not None:
            yield Beside(field.replace("_", "-"), hook.command)
    if service.reload is not None and service.reload.command:
        yield Beside("reload", service.reload.command)
    for number, step in enumerate(service.stop.steps, 1):
        if step.command:
            yield Beside(f"stop-{number}", step.command)
