"""Whether and when it is tried again: pure, seeded, without a clock.

A *failed start* is an end before it was ready or within `early` seconds of life, a launch that was refused, a start
that did not get ready in time; a task's failed run is one as well. `limit` of them within `window` are final. An end
later in life only delays the next start, so that somebody who kills a service now and then does not lose it. Delay
and count start over once it lived `reset` seconds. An end that we asked for is never brought here.

What a probe or a watchdog ends has lived until it was last known to be well: that it hangs is found out late, and one
that hangs from the beginning must not start for ever where one that exits would not. For the same reason the time that
failed starts take is no part of the window: five starts that wait 30 s each to get ready are five, too.

systemd counts starts, not failed ones (StartLimitBurst): a service restarted by hand six times in ten seconds is then
refused. s6 and runit have no limit at all and try each second for ever.
"""

from __future__ import annotations

from random import Random
from typing import Final

from snowfox.core.backoff import Backoff
from snowfox.core.frozen import Frozen
from snowfox.service.spec import Restart, Service
from snowfox.values import (
    HOST_MEMORY_REACHED,
    MEMORY_REACHED,
    PROCESSES_REACHED,
    Exit,
    Seconds,
    duration_text,
    span_text,
)

REFUSED_DELAY = 0.1
"""Seconds: the least delay after a launch that made no process or a start that we ended, whatever the service says."""


_REACHED: Final = {
    MEMORY_REACHED: "memory limit reached: the kernel killed one of its processes",
    HOST_MEMORY_REACHED: "the host had no memory left: the kernel killed one of its processes",
    PROCESSES_REACHED: "limit of processes reached",
}


class Death(Frozen):
    """How a start or a life ended without being asked to.

    Args:
        reason: for people, `exit 1 after 1.2 s`.
        lived: seconds from its launch until it ended or was last known to be well; 0 without a process.
        was_ready: whether it had been ready.
        exit: how its process ended; None where there was none or where we ended it for not getting ready.
        is_temporary: the host could not launch it now; not its fault, not counted.
        failing: seconds from the end of its life, `lived` after its launch, to that of its process.
    """

    reason: str
    lived: Seconds = 0.0
    was_ready: bool = False
    exit: Exit | None = None
    is_temporary: bool = False
    failing: Seconds = 0.0


class History(Frozen):
    """What counts for the next decision: deaths in a row, times of the failed starts within the window.

    The time of one is that of its end, moved on by what each failed start after it took.
    """

    deaths: int = 0
    failures: tuple[Seconds, ...] = ()


FRESH = History()


class Verdict(Frozen):
    """What follows a death.

    Args:
        outcome: `again`, `finished` or `failed`.
        message: for people: the reason, and for `failed` why not again.
        history: for the next time.
        delay: seconds until the next try.
        attempt: which of `limit` tries the next one is.
    """

    outcome: str
    message: str
    history: History = FRESH
    delay: Seconds = 0.0
    attempt: int = 0


def death_text(exit: Exit, lived: Seconds | None, by: str = "") -> str:
    """`exit 1 after 1.2 s`, `killed by signal 9 (KILL), not by us`, `exit unknown: nobody saw it end`.

    `by`: the person who had us send that signal: `killed by signal 9 (KILL), sent by anna`. A limit that was reached is
    told: `killed by memory limit after 3 s`, `exit 1 after 1.2 s, limit of processes reached`.
    """
    if exit.is_unknown:
        return "exit unknown: nobody saw it end"
    after = "" if lived is None else f" after {span_text(lived)}"
    if exit.is_out_of_memory:
        return f"{exit}{after}"
    reached = f", {_REACHED[exit.reached]}" if exit.reached in _REACHED else ""
    if exit.signal is not None:
        return (f"{exit}, sent by {by}" if by else f"{exit}, not by us") + reached
    return f"{exit}{after}{reached}"


def decide(service: Service, history: History, death: Death, now: Seconds, random: Random) -> Verdict:
    """What follows a death of an instance of this service at `now`."""
    restart = service.restart
    code = death.exit.code if death.exit is not None else None
    is_success = code is not None and code in restart.success
    if is_success and (service.is_task or restart.when != "always"):
        return Verdict("finished", death.reason)
    if code is not None and code in restart.final:
        return Verdict("failed", f"{death.reason}; exit {code} is final")
    if restart.when == "never" and not death.is_temporary:
        return Verdict("failed", death.reason)
    return _again(service, history, death, now, random)


def _again(service: Service, history: History, death: Death, now: Seconds, random: Random) -> Verdict:
    restart = service.restart
    if death.lived >= restart.reset and (death.was_ready or service.is_task):
        history = FRESH
    is_failed = is_failed_start(restart, death)
    took = death.lived + death.failing if is_failed else 0.0
    failures = tuple(time + took for time in history.failures if time + took > now - restart.window)
    if is_failed:
        failures = (*failures, now)
        if 0 < restart.limit <= len(failures):
            count = f"{len(failures)} failed starts within {duration_text(restart.window)}"
            return Verdict("failed", f"{death.reason}; {count}")
    deaths = history.deaths + 1
    has_process = death.exit is not None
    first = restart.delay if has_process else max(restart.delay, REFUSED_DELAY)
    delay = Backoff(first, restart.growth, max(restart.max_delay, first), restart.jitter).delay(
        deaths, random
    )
    return Verdict("again", death.reason, History(deaths, failures), delay, len(failures) + 1)


def is_failed_start(restart: Restart, death: Death) -> bool:
    """Whether a death counts towards `limit`."""
    return not death.is_temporary and (not death.was_ready or death.lived < restart.early)


def next_try_text(restart: Restart, verdict: Verdict, left: Seconds) -> str:
    """`killed by signal 9 (KILL), not by us; next try in 7 s, 3 of 5`, with `left` seconds to go."""
    tries = f", {verdict.attempt} of {restart.limit}" if restart.limit > 0 else ""
    return f"{verdict.message}; next try in {span_text(max(left, 0.0))}{tries}"
