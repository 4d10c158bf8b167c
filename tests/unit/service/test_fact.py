"""The catalogue of what happens to services."""

from __future__ import annotations

from snowfox.core.event.fact import Fact
from snowfox.service import fact


def test_every_fact_has_a_kind_of_its_own_and_words():
    """Kinds differ, begin with service, node or operation, and each fact is described."""
    found = [
        each
        for each in vars(fact).values()
        if isinstance(each, type) and issubclass(each, Fact) and each is not Fact
    ]
    kinds = [each.kind for each in found]
    assert len(set(kinds)) == len(kinds) > 10
    assert {kind.partition(".")[0] for kind in kinds} == {"service", "node", "operation"}
    assert all(each.__doc__ for each in found)


def test_only_tries_of_probes_are_not_kept():
    """What may come many times a second does not go to the journal."""
    assert not fact.ProbeFailedFact.kept
    assert fact.ServiceExited.kept


def test_a_fact_is_one_line_of_json():
    """As the journal stores it; an unknown exit is neither code nor signal."""
    text = fact.ServiceExited(7, "web~1", None, None, False, 1.5).json()
    assert '"code":null' in text.replace(" ", "")
    assert "\n" not in text
