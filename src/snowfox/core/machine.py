"""State machines as tables: each state x event cell is written or refused, which is proved where it is defined.

```python
TABLE = Table(
    "door",
    initial=("closed",),
    events=("open", "close"),
    rows={
        "closed": {"open": Move("open", do=ring), "close": Refused("it is closed")},
        "open": {"close": Move("closed"), **refused("it is open", "open")},
    },
)
match TABLE.cell(state, event):
    case Move(do=do): ...
    case Refused(reason=reason): ...
```

Prior art: h11's `_state.py`, and the action table of s6-supervise. States and events are strings or anything else that
is hashable; `str` of it is its name in the diagram (a class's is its name).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from snowfox.core.named import NamedTuple
from snowfox.errors import InternalError

S = TypeVar("S")
E = TypeVar("E")
H = TypeVar("H")


class Refused(NamedTuple):
    """A cell that must not happen, or that changes nothing: why."""

    reason: str


class Move(Generic[H]):
    """A cell that is acted upon.

    Args:
        to: the next states that are possible; the handler says which where there are several.
        do: what decides and names the effects; None where moving is all.
    """

    __slots__ = ("do", "to")
    __match_args__ = ("to", "do")

    def __init__(self, *to: Any, do: H | None = None) -> None:
        self.to: tuple[Any, ...] = to
        self.do = do

    def __repr__(self) -> str:
        return f"Move({', '.join(map(repr, self.to))}, do={self.do!r})"


def refused(reason: str, *events: E) -> dict[E, Refused]:
    """Cells of a row that are refused for one reason."""
    return dict.fromkeys(events, Refused(reason))


class Table(Generic[S, E, H]):
    """A total table.

    Args:
        name: for messages and the diagram.
        initial: states in which it may begin.
        events: all events.
        rows: for each state a cell for each event.

    Raises InternalError when a cell is missing or too many, a target is no state, or a state cannot be reached.
    """

    def __init__(
        self,
        name: str,
        *,
        initial: tuple[S, ...],
        events: tuple[E, ...],
        rows: Mapping[S, Mapping[E, Move[H] | Refused]],
    ) -> None:
        self.name = name
        self.initial = initial
        self.events = events
        self.states: tuple[S, ...] = tuple(rows)
        self._cells: dict[tuple[S, E], Move[H] | Refused] = {
            (state, event): cell for state, row in rows.items() for event, cell in row.items()
        }
        problems = [*self._missing(), *self._foreign(), *self._unreachable()]
        if problems:
            msg = f"machine {name}: {'; '.join(problems)}"
            raise InternalError(msg)

    def cell(self, state: S, event: E) -> Move[H] | Refused:
        """What happens to `event` in `state`. Raises InternalError for a state or event that the table has not."""
        try:
            return self._cells[state, event]
        except KeyError:
            msg = f"machine {self.name} has no cell {_label(state)} x {_label(event)}"
            raise InternalError(msg) from None

    def move(self, state: S, event: E) -> Move[H]:
        """The same where a refusal is our own mistake: raises InternalError with its reason."""
        cell = self.cell(state, event)
        if isinstance(cell, Refused):
            msg = f"machine {self.name}: {_label(event)} in {_label(state)}: {cell.reason}"
            raise InternalError(msg)
        return cell

    def diagram(self) -> str:
        """A state diagram in Mermaid's language: states, and per pair of states the events that lead there."""
        arrows: dict[tuple[str, str], list[str]] = {}
        for (state, event), cell in self._cells.items():
            if isinstance(cell, Move):
                for target in cell.to:
                    arrows.setdefault((_label(state), _label(target)), []).append(_label(event))
        lines = ["stateDiagram-v2"]
        lines += [f"    [*] --> {_label(state)}" for state in self.initial]
        lines += [
            f"    {source} --> {target}: {', '.join(names)}" for (source, target), names in arrows.items()
        ]
        return "\n".join(lines) + "\n"

    def text(self) -> str:
        """The whole table in Markdown: a row per state and event with its targets or the reason of refusal."""
        lines = ["| state | event | then |", "| -- | -- | -- |"]
        for (state, event), cell in self._cells.items():
            then = (
                f"refused: {cell.reason}"
                if isinstance(cell, Refused)
                else f"→ {' or '.join(map(_label, cell.to))}"
            )
            lines.append(f"| {_label(state)} | {_label(event)} | {then} |")
        return "\n".join(lines) + "\n"

    def _missing(self) -> list[str]:
        return [
            f"no cell {_label(state)} x {_label(event)}"
            for state in self.states
            for event in self.events
            if (state, event) not in self._cells
        ]

    def _foreign(self) -> list[str]:
        out = [
            f"{_label(event)} in row {_label(state)} is no event"
            for state, event in self._cells
            if event not in self.events
        ]
        for (state, event), cell in self._cells.items():
            if isinstance(cell, Move):
                if not cell.to:
                    out.append(f"cell {_label(state)} x {_label(event)} leads nowhere")
                out += [
                    f"cell {_label(state)} x {_label(event)} leads to {_label(target)}, which is no state"
                    for target in cell.to
                    if target not in self.states
                ]
        out += [f"{_label(state)} is no state" for state in self.initial if state not in self.states]
        return out

    def _unreachable(self) -> list[str]:
        reached = set(self.initial)
        waiting = list(self.initial)
        while waiting:
            state = waiting.pop()
            for event in self.events:
                cell = self._cells.get((state, event))
                fresh = (
                    [target for target in cell.to if target not in reached] if isinstance(cell, Move) else []
                )
                reached.update(fresh)
                waiting.extend(fresh)
        return [f"{_label(state)} cannot be reached" for state in self.states if state not in reached]


def _label(value: object) -> str:
    return value.__name__ if isinstance(value, type) else str(value)
