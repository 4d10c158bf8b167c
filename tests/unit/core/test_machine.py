"""State machine tables."""

import pytest

from snowfox.core.machine import Move, Refused, Table, refused
from snowfox.errors import InternalError

ROWS = {
    "closed": {"open": Move("open", "stuck", do=len), **refused("it is closed", "close")},
    "open": {"close": Move("closed"), "open": Refused("it is open")},
    "stuck": refused("it is stuck", "open", "close"),
}


def door(**changes):
    """A table of a door."""
    return Table("door", **{"initial": ("closed",), "events": ("open", "close"), "rows": ROWS, **changes})


def test_cells():
    """A cell gives its targets and handler, or the reason of its refusal."""
    table = door()
    assert table.move("closed", "open").to == ("open", "stuck")
    assert table.move("closed", "open").do is len
    assert table.cell("open", "open") == Refused("it is open")
    assert table.states == ("closed", "open", "stuck")


def test_refused_move_is_our_mistake():
    """`move` of a refused cell and a cell that there is not raise, naming machine, state and event."""
    with pytest.raises(InternalError, match="machine door: close in closed: it is closed"):
        door().move("closed", "close")
    with pytest.raises(InternalError, match="no cell closed x kick"):
        door().cell("closed", "kick")


def test_gap_is_refused():
    """A table with a missing cell cannot be defined."""
    rows = {**ROWS, "open": {"close": Move("closed")}}
    with pytest.raises(InternalError, match="machine door: no cell open x open"):
        door(rows=rows)


def test_unknown_target_and_event_are_refused():
    """A target that is no state, an event that is none, a cell without target, a strange start: each is named."""
    rows = {**ROWS, "stuck": {"open": Move("ajar"), "close": Move(), "kick": Refused("")}}
    with pytest.raises(InternalError) as caught:
        door(rows=rows, initial=("closed", "gone"))
    assert "stuck x open leads to ajar, which is no state" in str(caught.value)
    assert "stuck x close leads nowhere" in str(caught.value)
    assert "kick in row stuck is no event" in str(caught.value)
    assert "gone is no state" in str(caught.value)


def test_unreachable_state_is_refused():
    """A state that no way leads to cannot be defined."""
    with pytest.raises(InternalError, match="lost cannot be reached"):
        door(rows={**ROWS, "lost": refused("", "open", "close")})


def test_diagram():
    """The diagram shows the start and one arrow per pair of states, with its events."""
    assert door().diagram() == (
        "stateDiagram-v2\n"
        "    [*] --> closed\n"
        "    closed --> open: open\n"
        "    closed --> stuck: open\n"
        "    open --> closed: close\n"
    )


def test_text_has_every_cell():
    """The table as text has a row for every cell, the refused with their reason."""
    text = door().text()
    assert text.count("\n") == 2 + 6
    assert "| closed | open | → open or stuck |" in text
    assert "| stuck | open | refused: it is stuck |" in text


def test_classes_as_events():
    """Events may be classes, shown by their names."""

    class Opened:
        pass

    table = Table("t", initial=("a",), events=(Opened,), rows={"a": {Opened: Move("a")}})
    assert "a --> a: Opened" in table.diagram()
