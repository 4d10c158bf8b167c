"""Facts, events, the catalogue."""

import json

import pytest

from snowfox.core.event.fact import Event, Fact, catalogue, fields, tree
from snowfox.errors import InternalError


class DoorOpened(Fact, kind="test.door.opened", kept=True):
    who: str
    times: int = 1


class DoorStuck(DoorOpened, kind="test.door.stuck"):
    why: tuple[str, ...] = ()


class Group(Fact):
    """Without a kind."""


def test_fact_knows_kind_and_kept():
    """Kind and kept are the class's own and are not inherited."""
    assert (DoorOpened.kind, DoorOpened.kept) == ("test.door.opened", True)
    assert (DoorStuck.kind, DoorStuck.kept) == ("test.door.stuck", False)
    assert DoorOpened("a") == DoorOpened("a", 1)
    assert DoorOpened("a") != DoorStuck("a")


def test_json():
    """A fact's JSON has its fields, tuples as lists."""
    assert json.loads(DoorStuck("é", 2, ("x", "y")).json()) == {"who": "é", "times": 2, "why": ["x", "y"]}


def test_event_is_frozen():
    """An event cannot be changed, and compares by its fields."""
    event = Event("1", "k", "s", 5, "t", "", DoorOpened("a"))
    assert event == Event("1", "k", "s", 5, "t", "", DoorOpened("a"))
    with pytest.raises(AttributeError):
        event.id = "2"


def test_catalogue_has_what_has_a_kind():
    """The catalogue finds every kind that is defined, and no groups."""
    found = catalogue()
    assert found["test.door.opened"] is DoorOpened
    assert found["test.door.stuck"] is DoorStuck
    assert Group not in found.values()
    assert list(found) == sorted(found)


@pytest.mark.goal
def test_tree():
    """The catalogue is drawn as a tree with fields; kept ones are marked."""
    assert tree({fact.kind: fact for fact in (DoorOpened, DoorStuck)}) == (
        "test\n    door\n        opened(who, times) *\n        stuck(who, times, why)"
    )
    assert fields(DoorStuck) == ("who", "times", "why")


def test_doubled_kind_is_refused():
    """A kind that two classes claim is named with both."""

    class Again(Fact, kind="test.door.opened"):
        pass

    try:
        with pytest.raises(InternalError, match=r"test\.door\.opened is claimed by .*DoorOpened and .*Again"):
            catalogue()
    finally:
        Again.kind = ""
