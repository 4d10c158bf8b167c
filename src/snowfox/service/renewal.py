"""How a service is reloaded and when it is made anew, as users write it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from snowfox.core.config.section import Section
from snowfox.service.written import COMMAND, DURATION, SIGNAL, SIZE
from snowfox.values import Seconds

RELOAD_FORMS: Final = ("signal", "command", "notify")


class Reload(Section):
    """What `snowfox reload` does: a signal, a command, or a signal that is answered; without it a replacement.

    Args:
        signal: to the main process, a name without SIG; with `notify` by default HUP.
        command: words, run as a hook is, with MAINPID.
        notify: it answers by `RELOADING=1`, then `READY=1` (sd_notify(3)); it is waited for.
        timeout: seconds until a reload by command or notify has failed; default: 30.
    """

    EXAMPLE: ClassVar[str] = '{ signal = "HUP" }'
    WHOLE: ClassVar[bool] = True

    signal: Annotated[int, SIGNAL] | None = None
    command: Annotated[tuple[str, ...], COMMAND] = ()
    notify: bool = False
    timeout: Annotated[Seconds, DURATION] = 30.0


class Recycle(Section):
    """When an instance that is well is replaced by a fresh one.

    Args:
        age: seconds that its process has lived.
        memory: bytes that all its processes have resident, as `status` shows them.
    """

    EXAMPLE: ClassVar[str] = '{ age = "1d", memory = "1G" }'

    age: Annotated[Seconds, DURATION] | None = None
    memory: Annotated[int, SIZE] | None = None
