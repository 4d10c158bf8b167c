"""Operations: steps, ends, and their last words."""

from __future__ import annotations

import pytest

from snowfox.service.event import Ask, StopAll
from snowfox.service.spec import Service
from snowfox.testing.stage import Stage
from snowfox.values import Exit


def test_an_operation_is_told_as_facts_too():
    """Begun with its verb and size, ended with outcome and duration, under its own id."""
    stage = Stage(Service("web", ("x",), instances=2))
    stage.up()
    stage.advance(1.5)
    facts = [fact for subject, fact in stage.facts if subject == "up"]
    assert [fact.kind for fact in facts] == ["operation.started", "operation.ended"]
    assert (facts[0].verb, facts[0].instances) == ("up", 2)
    assert (facts[1].outcome, facts[1].seconds) == ("done", 1.0)


def test_words_for_one_and_for_many():
    """One instance is named with its state or its reason, many are counted."""
    stage = Stage(Service("a", ("x",)), Service("b", ("x",)), Service("job", ("x",), is_task=True))
    stage.up()
    stage.exit("job", Exit(0))
    stage.advance(2)
    assert stage.done["up"].message == "node test is up: 3 services, 3 instances"
    one = stage.ask("stop", "a")
    assert stage.done[one].message == "a is stopped"
    rerun = stage.ask("restart", "job")
    stage.exit("job", Exit(0))
    assert stage.done[rerun].message == "job is finished"
    stage.refusals = {"a": ("cannot launch a: no", "", False)}
    again = stage.ask("start", "a")
    stage.advance(60)
    assert stage.done[again].message == "a did not get ready: cannot launch a: no; 5 failed starts within 1m"
    stage.tell(StopAll("down"))
    assert stage.done["down"].message == "node test is down"


@pytest.mark.parametrize("verb", ["up", "apply"])
def test_who_crashes_early_is_told_ready_once(verb):
    """As long as it is tried again there is nothing to add; that it failed is told."""
    stage = Stage(Service("web", ("x",)))
    stage.up()
    if verb == "apply":
        stage.advance(2)
        stage.steps.clear()
        stage.apply(Service("web", ("y",)))
    for _ in range(5):
        while not stage.running:
            stage.advance(0.1)
        stage.exit("web", Exit(1))
    assert [(step.state, step.is_well) for step in stage.steps] == [("ready", True), ("failed", False)]


def test_who_was_told_ready_before_it_crashed_is_not_told_again():
    """It came back, and the operation ends well."""
    stage = Stage(Service("web", ("x",)))
    stage.up()
    stage.exit("web", Exit(1))
    stage.advance(3)
    assert [step.state for step in stage.steps] == ["ready"]
    assert stage.done["up"].outcome == "done"


def test_two_operations_may_watch_one_instance():
    """Both end when it has got there."""
    stage = Stage(Service("web", ("x",)))
    stage.held = {"web"}
    stage.up()
    other = stage.ask("start", "web")
    stage.answer("web")
    stage.advance(1.1)
    assert (stage.done["up"].outcome, stage.done[other].outcome) == ("done", "done")


def test_an_operation_that_another_undid_has_failed():
    """A start whose instance somebody stops meanwhile ends with that, and the node is up."""
    stage = Stage(Service("web", ("x",)))
    stage.held = {"web"}
    stage.up()
    stage.ask("stop", "web")
    assert "up" not in stage.done
    stage.answer("web")
    assert stage.done["up"].message == "web did not get ready: stopped by a person"
    assert stage.phases[-1] == "up"


def test_an_id_is_used_once():
    """The same request told twice while it is under way is one operation."""
    stage = Stage(Service("web", ("x",)))
    stage.up()
    stage.advance(2)
    stage.stubborn = {"web"}
    stage.tell(Ask("one", "restart", ("web",)), Ask("one", "restart", ("web",)))
    stage.advance(20)
    ended = [subject for subject, fact in stage.facts if fact.kind == "operation.ended" and subject == "one"]
    assert ended == ["one"]
    assert stage.ends == ["web"]
