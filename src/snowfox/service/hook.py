"""Commands around the life of an instance, and the steps of its end, as users write them.

A hook runs as the service's user, in its folder and environment, without its sockets; what it prints goes into the
service's log. It has a deadline; what is over it is killed.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final

from snowfox.core.config.kind import Findings, Items, is_table
from snowfox.core.config.scanner import Path
from snowfox.core.config.section import Nested, Section, build
from snowfox.service.written import COMMAND, DURATION, SIGNAL
from snowfox.values import Seconds

HOOKS: Final = ("before_start", "after_ready", "before_stop", "after_exit")
"""Fields of a service that are hooks."""

MOST_STEPS: Final = 20


class Hook(Section):
    """A command that runs before or after something.

    Args:
        command: words.
        timeout: seconds until it is killed, and has failed; default: 30.
    """

    EXAMPLE: ClassVar[str] = '["./prepare"]'
    WHOLE: ClassVar[bool] = True

    command: Annotated[tuple[str, ...], COMMAND]
    timeout: Annotated[Seconds, DURATION] = 30.0


class Step(Section):
    """A step of a stop: a signal to the main process, or a command.

    Args:
        signal: a name without SIG.
        command: words; it is killed when its time is over.
        wait: seconds until the next step, or until all that is left is killed; default: 10.
    """

    EXAMPLE: ClassVar[str] = '{ signal = "QUIT", wait = "30s" }'

    signal: Annotated[int, SIGNAL] | None = None
    command: Annotated[tuple[str, ...], COMMAND] = ()
    wait: Annotated[Seconds, DURATION] = 10.0


class _Hook(Nested):
    """A command alone, or a table."""

    words = "a command, or a table"
    example = '["./prepare"]'

    def __init__(self) -> None:
        super().__init__(Hook)

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """A `Partial` of it."""
        if is_table(value):
            return super().read(value, path, findings)
        return {"command": COMMAND.read(value, path, findings)}

    def schema(self) -> dict[str, Any]:
        """A command, or a table."""
        return {"anyOf": [*COMMAND.schema()["anyOf"], super().schema()]}


class _Steps(Items):
    """Steps, each with a signal or a command."""

    def __init__(self) -> None:
        super().__init__(Nested(Step), most=MOST_STEPS)

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """A tuple of `Partial`s."""
        steps = super().read(value, path, findings)
        if value == []:
            findings.wrong(path, "there is no step in it", hint=f"for example [{Step.EXAMPLE}]")
        for index, step in enumerate(value if steps else ()):
            if is_table(step) and ("signal" in step) == ("command" in step):
                findings.wrong((*path, index), "a step is a signal or a command", hint=Step.EXAMPLE)
        return steps

    def finish(self, value: Any) -> Any:
        """A tuple of `Step`s."""
        return tuple(build(Step, step) for step in value)


HOOK: Final = _Hook()
STEPS: Final = _Steps()
