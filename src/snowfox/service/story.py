"""What happened to an instance, told for people from the facts that were kept of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from snowfox.core.named import NamedTuple
from snowfox.service.restart import death_text
from snowfox.values import Exit, Seconds, duration_text, signal_name, span_text

_LATE: Final[Seconds] = 1.0
"""What is later than this is told to be late."""
_BY: Final = {
    "notified": "it said so",
    "probed": "its probe found it",
    "printed": "it printed so",
    "written": "it wrote so",
    "delay": "it lived as long as it must",
    "adopted": "it was so before",
}


class Told(NamedTuple):
    """A fact as it was kept.

    Args:
        at: wall clock, ms since 1970.
        kind: of the fact, `service.exited`.
        trace: id of the story that it belongs to; of an operation its id.
        fact: its fields.
    """

    at: int
    kind: str
    trace: str
    fact: dict[str, Any]


class Moment(NamedTuple):
    """Something that happened, in words.

    Args:
        at: wall clock, ms since 1970.
        text: one line.
        pid: whose process; 0 where it is about none.
        trace: as `Told.trace`.
    """

    at: int
    text: str
    pid: int
    trace: str


def moments(told: Iterable[Told]) -> list[Moment]:
    """What the facts of one instance say, in their order; a start says what it followed from.

    That a program was executed is all that its start says, and that it is to be started again goes with that start.
    """
    found: list[Moment] = []
    restarting: Told | None = None
    for one in told:
        if one.kind == "service.ready" and one.fact.get("by") == "executed":
            continue
        if one.kind == "service.started" and restarting is not None:
            text = f"started again {_try(restarting.fact)}"
            if found[-1].text == _text(restarting):
                found.pop()
        else:
            text = _text(one)
        found.append(Moment(one.at, text, int(one.fact.get("pid") or 0), one.trace))
        if one.kind == "service.restarting":
            restarting = one
        elif one.kind in _STARTS:
            restarting = None
    return found


_STARTS: Final = frozenset({"service.started", "service.stopped", "service.failed", "service.finished"})


def _try(fact: dict[str, Any]) -> str:
    limit = fact["limit"]
    tries = f", try {fact['attempt']} of {limit}" if limit else ""
    return f"after {span_text(fact['seconds'])}{tries}" if fact["seconds"] else f"at once{tries}"


def exit_text(fact: dict[str, Any]) -> str:
    """How a process ended, by the fields of `ServiceExited`; `asked for` where we had asked for it."""
    how = Exit(fact["code"], fact["signal"], fact.get("reached", ""))
    lived = span_text(fact["seconds"])
    return (
        f"{how} after {lived}, asked for"
        if fact["asked"]
        else death_text(how, fact["seconds"], fact.get("by", ""))
    )


def _late(fact: dict[str, Any]) -> str:
    if fact["missed"]:
        return ", missed before and made up for"
    return f", {span_text(fact['late'])} late" if fact["late"] >= _LATE else ""


def _unready(fact: dict[str, Any]) -> str:
    said = f": {fact['text']}" if fact["text"] else ""
    return f"not ready within {duration_text(fact['seconds'])}{said}"


def _reason(word: str) -> Callable[[dict[str, Any]], str]:
    """The word and the reason, which may begin with the word."""

    def text(fact: dict[str, Any]) -> str:
        reason: str = fact["reason"]
        return reason if reason.startswith(word) else f"{word}: {reason}" if reason else word

    return text


TEXTS: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "service.started": lambda _: "started",
    "service.adopted": lambda _: "taken over by a new manager, as it was",
    "service.ready": lambda fact: (
        f"ready after {span_text(fact['seconds'])}: {_BY.get(fact['by'], fact['by'])}"
    ),
    "service.exited": exit_text,
    "service.restarting": lambda fact: f"to be started again {_try(fact)}",
    "service.failed": _reason("failed"),
    "service.stopped": _reason("stopped"),
    "service.finished": _reason("finished"),
    "service.called": lambda fact: f"something came for socket {fact['socket'].replace('=', ', ')}",
    "service.idle": lambda fact: f"nothing came for it for {duration_text(fact['seconds'])}: it sleeps",
    "service.replacing": lambda fact: (
        f"a new process {'is launched beside it' if fact['beside'] else 'takes its place'}: {fact['reason']}"
    ),
    "service.kept": lambda fact: f"it serves on: {fact['reason']}",
    "service.stuck": lambda fact: f"SIGKILL did not end process {fact['pid']}",
    "service.launch-failed": lambda fact: fact["text"],
    "service.unready": _unready,
    "service.unwell": lambda fact: fact["text"],
    "service.due": lambda fact: f"due by its schedule{_late(fact)}",
    "service.skipped": lambda fact: f"skipped a run of its schedule: {fact['reason']}",
    "service.follows": lambda fact: f"to {fact['verb']}, because {fact['after']} crashed and is ready again",
    "service.hook-failed": lambda fact: f"{fact['hook']}: {fact['text']}",
    "service.ran": lambda fact: (
        f"{fact['who']} ran {fact['command']}: {Exit(fact['code'], fact['signal'])} after {span_text(fact['seconds'])}"
    ),
    "service.recycled": lambda fact: f"replaced by a fresh one: {fact['reason']}",
    "service.reloaded": lambda fact: f"reload failed: {fact['error']}" if fact["error"] else "reloaded",
    "service.followed": lambda fact: (
        fact["error"] or f"process {fact['pid']} is its main process from now on, as it said"
    ),
    "service.signalled": lambda fact: (
        f"signal {fact['number']} ({signal_name(fact['number'])}) sent by {fact['who']}"
    ),
}
"""The words for each kind of fact that is kept of a service."""


def _text(told: Told) -> str:
    """In the words of its kind; of one without words of ours its fields."""
    words = TEXTS.get(told.kind)
    try:
        if words is not None:
            return words(told.fact)
    except (KeyError, TypeError):  # kept by another version, with other fields
        pass
    name = told.kind.rpartition(".")[2].replace("-", " ")
    rest = ", ".join(str(value) for key, value in told.fact.items() if key not in _UNTOLD and value != "")
    return f"{name}: {rest}" if rest else name


_UNTOLD: Final = frozenset({"pid", "token", "started"})
