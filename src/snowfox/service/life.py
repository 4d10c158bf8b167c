"""The life of an instance: a total table of states and inputs, and what each cell does.

```text
stopped --start--> waiting --go--> starting --ready--> ready --exited--> backoff --retry--> waiting
                                       |                  |                 (or failed, finished, waiting at once)
                                       |                +--unwell--> failing
                                       +--unready, overdue--> failing --exited--> backoff, failed
                              stop: starting, ready, failing -> stopping --exited--> stopped (or waiting: again)
                                    failing, stopping: grace-over kills, kill-over -> stuck
```

Prior art: the action table of `s6-supervise.c`; systemd's unit states, of which we keep "failing" apart: a process
that runs but did not get ready in time, does not answer, or takes too long, is ended by us, and still its end is a failure.

An end that we asked for (`stopping`, `stuck`) never counts as a failure. A launch under way cannot be taken back: a
stop then waits in `stopping` without a pid until the launch has an answer. An input that a cell refuses changes
nothing: it came late, from an earlier launch or timer.

What the cells do is in `service.beginning`, `service.ending` and `service.recall`; what follows the end of a process in
`service.aftermath`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from snowfox.core.machine import Move, Refused, Table, refused
from snowfox.service import beginning, ending, recall, reloading
from snowfox.service.aftermath import bury
from snowfox.service.instance import Input, Instance, Turn
from snowfox.values import Exit

INPUTS: Final = (
    "start",  # it is wanted: wait for your turn
    "go",  # it is your turn: launch under this token
    "stop",  # end, in order
    "kill",  # end, at once
    "launched",
    "refused",
    "ready",
    "unready",  # the time to get ready is over
    "unwell",  # it was ready and does not answer any more: a probe, the watchdog
    "overdue",  # the time of a task is over
    "exited",
    "grace-over",
    "kill-over",
    "reload",  # read anew, as its service says
    "reload-over",  # the time for that is over
    "retry",
    "hook-over",  # a command beside it has ended; `text` says why it failed
    "adopt",  # a process of an earlier manager runs
    "ended-before",  # a process of an earlier manager has ended meanwhile
    "finished-before",  # an earlier manager saw it finish
    "failed-before",
)

Handler = Callable[[Instance, Input, Turn], None]
Row = dict[str, Move[Handler] | Refused]


def step(instance: Instance, told: Input, turn: Turn) -> bool:
    """Tell an instance something. False where its table refuses: nothing has changed then."""
    match TABLE.cell(instance.state, told.kind):
        case Move(do=do) if do is not None:
            do(instance, told, turn)
            return True
        case _:
            return False


def leave(instance: Instance, exit: Exit, turn: Turn) -> None:
    """The process of an instance whose place another takes has ended: it is over, and nothing follows."""
    asked = instance.state in {"stopping", "stuck"}
    instance.disarm(turn)
    bury(instance, exit, turn, asked=asked)
    instance.enter("stopped", turn)


def _stay(_instance: Instance, _told: Input, _turn: Turn) -> None:
    """It is so already."""


_UNHEALTH: Final = ("unready", "unwell", "overdue")
_PROCESS: Final = ("launched", "refused", "ready", *_UNHEALTH, "exited", "grace-over", "kill-over")
_BEFORE: Final = ("adopt", "ended-before", "finished-before", "failed-before")
_AFTER_DEATH: Final = ("backoff", "failed", "finished", "waiting")
_RELOAD: Final = refused("it is not ready", "reload", "reload-over")
_IDLE: Final[Row] = {
    **_RELOAD,
    **refused("it has no process", *_PROCESS),
    **refused("only what is stopped is taken over", *_BEFORE),
    **refused("it waits for nothing", "retry"),
    **refused("it is not waiting", "go"),
    "start": Move("waiting", do=beginning.start),
    "stop": Move("stopped", do=ending.stop_idle),
    "kill": Move("stopped", do=ending.stop_idle),
}
_ALIVE: Final[Row] = {
    **_RELOAD,
    **refused("it has a launch already", "go"),
    **refused("it is not waiting to be tried again", "retry"),
    **refused("it is not being ended", "grace-over", "kill-over"),
    **refused("only what is stopped is taken over", *_BEFORE),
    "kill": Move("stopping", do=ending.kill),
}

ROWS: Final[dict[str, Row]] = {
    "stopped": {
        **_IDLE,
        "stop": Move("stopped", do=_stay),
        "kill": Move("stopped", do=ending.kill_idle),
        "hook-over": Move("stopped", do=ending.hooked),
        "adopt": Move("ready", "starting", do=recall.adopt),
        "ended-before": Move(*_AFTER_DEATH, do=recall.ended_before),
        "finished-before": Move("finished", do=recall.finished_before),
        "failed-before": Move("failed", do=recall.failed_before),
    },
    "waiting": {
        **_IDLE,
        "start": Move("waiting", do=_stay),
        "go": Move("starting", do=beginning.go),
        "hook-over": Move("waiting", do=ending.hooked),
    },
    "starting": {
        **_ALIVE,
        **refused("it was not ready yet", "unwell"),
        "start": Move("starting", do=_stay),
        "stop": Move("stopping", "stopped", "waiting", do=ending.stop),
        "kill": Move("stopping", "stopped", do=ending.kill),
        "hook-over": Move("starting", "backoff", "failed", do=ending.hooked_starting),
        "launched": Move("starting", "ready", do=beginning.launched),
        "refused": Move("backoff", "failed", "starting", do=ending.refused),
        "ready": Move("ready", "starting", do=beginning.ready),
        "unready": Move("failing", do=ending.unready),
        "overdue": Move("failing", do=ending.overdue),
        "exited": Move(*_AFTER_DEATH, do=ending.exited),
    },
    "ready": {
        **_ALIVE,
        **refused("it is ready", "unready", "overdue"),
        "ready": Move("ready", do=reloading.answered),
        "reload": Move("ready", do=reloading.begin),
        "reload-over": Move("ready", do=reloading.overdue),
        **refused("its launch has ended", "launched", "refused"),
        "start": Move("ready", do=_stay),
        "stop": Move("stopping", do=ending.stop),
        "unwell": Move("failing", do=ending.unwell),
        "hook-over": Move("ready", do=reloading.hooked),
        "exited": Move(*_AFTER_DEATH, do=ending.exited),
    },
    "failing": {
        **_ALIVE,
        **refused("it is too late", "ready", *_UNHEALTH),
        **refused("its launch has ended", "launched", "refused"),
        "start": Move("failing", do=_stay),
        "stop": Move("stopping", do=ending.stop_on),
        "grace-over": Move("failing", do=ending.grace_over),
        "kill-over": Move("stuck", do=ending.kill_over),
        "hook-over": Move("failing", do=ending.hooked_ending),
        "exited": Move("backoff", "failed", do=ending.exited_failing),
    },
    "stopping": {
        **_ALIVE,
        **refused("it is being stopped", "ready", *_UNHEALTH),
        "start": Move("stopping", do=ending.start_after),
        "stop": Move("stopping", do=ending.stop_on),
        "launched": Move("stopping", do=ending.launched_late),
        "refused": Move("stopped", "waiting", "stopping", do=ending.refused_late),
        "grace-over": Move("stopping", do=ending.grace_over),
        "kill": Move("stopping", "stopped", do=ending.kill),
        "kill-over": Move("stuck", do=ending.kill_over),
        "hook-over": Move("stopping", "stopped", "waiting", do=ending.hooked_ending),
        "exited": Move("stopped", "waiting", "stopping", do=ending.exited_asked),
    },
    "backoff": {
        **_IDLE,
        "retry": Move("waiting", do=beginning.retry),
        "hook-over": Move("backoff", do=ending.hooked),
    },
    "failed": {**_IDLE, "hook-over": Move("failed", do=ending.hooked)},
    "finished": {**_IDLE, "hook-over": Move("finished", do=ending.hooked)},
    "stuck": {
        **_ALIVE,
        **refused("it is stuck", "ready", *_UNHEALTH),
        **refused("its launch has ended", "launched", "refused"),
        "start": Move("stuck", do=ending.start_after),
        "stop": Move("stuck", do=ending.stop_stuck),
        "hook-over": Move("stuck", do=ending.hooked),
        "exited": Move("stopped", "waiting", "stopping", do=ending.exited_asked),
    },
}

TABLE: Final[Table[str, str, Handler]] = Table("instance", initial=("stopped",), events=INPUTS, rows=ROWS)
