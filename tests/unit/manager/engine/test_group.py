"""What the places of members amount to."""

from __future__ import annotations

from snowfox.manager.engine.group import Group, Member
from snowfox.service.instance import Instance
from snowfox.service.spec import Service


def group(*states):
    """A group with a hopeless member in each of these states."""
    found = Group(Service("web", ("x",)))
    for state in states:
        member = Member(Instance("web", found.service, 0.0), found)
        member.instance.state, member.place = state, "hopeless"
        found.members.append(member)
    return found


def test_its_condition_is_that_of_its_worst_member():
    """In words, the worst first; nothing when it is only on its way."""
    assert group("waiting", "failed").condition() == "has failed"
    assert group("failed", "stuck").condition() == "is stuck"
    assert group("finished").condition() == "has finished"
    assert group("waiting").condition() == "cannot start"
    assert group().condition() == "is stopped"
    coming = group("failed")
    coming.is_hopeless = False
    assert coming.condition() == ""


def test_it_is_open_when_nothing_is_in_the_way():
    """Both kinds of edges close it."""
    found = group()
    assert found.is_open
    found.unmet = 1
    assert not found.is_open
    found.unmet, found.coming_before = 0, 1
    assert not found.is_open
