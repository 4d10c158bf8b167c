"""What an operation knows of its instances."""

from __future__ import annotations

from snowfox.manager.engine.watch import Watch


def watch(*instances):
    """An operation with these pending."""
    found = Watch("op", "start", 10.0)
    found.pending = dict.fromkeys(instances)
    return found


def test_who_was_given_up_stays_so_until_it_gets_there():
    """Not known again is no news after a failure; success is."""
    found = watch("web")
    assert found.settle("web", False)
    assert not found.settle("web", None)
    assert found.lost() == ["web"]
    assert found.settle("web", True)
    assert found.lost() == []


def test_who_was_ready_can_be_pending_again():
    """A crash after readiness makes the operation wait again; to be back is no news, to be given up is."""
    found = watch("web")
    assert found.settle("web", True)
    assert not found.settle("web", True)
    assert not found.settle("web", None)
    assert list(found.pending) == ["web"]
    assert not found.settle("web", True)
    assert found.settle("web", False)
    assert found.settle("web", True)


def test_when_it_looks_again():
    """At the next deadline while something is pending; then at the end of the watched second; else never."""
    found = watch("a", "b")
    assert found.next_look(10.0) is None
    assert found.give("a", 40.0) == 40.0
    assert found.give("b", 20.0) == 20.0
    assert found.give("a", 50.0) == 40.0
    assert found.next_look(10.0) == 20.0
    assert found.pass_deadlines(20.0) == ["b"]
    assert found.next_look(20.0) == 40.0
    found.settle("a", True)
    found.settle("b", True)
    found.until = 11.0
    assert found.next_look(10.0) == 11.0
    assert found.next_look(11.0) is None
    found.settle("a", False)
    found.settle("b", False)
    assert found.next_look(10.0) is None
