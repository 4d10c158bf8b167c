"""The word that was probably meant."""

from snowfox.core.config.nearest import did_you_mean, nearest


def test_near_words():
    """A typo and another case are found, best first; what looks like nothing is not."""
    assert nearest("restrt", ["ready", "restart", "requires"]) == ["restart"]
    assert nearest("WEB", ["web", "worker"]) == ["web"]
    assert nearest("wrker", ["worker1", "worker"], most=2) == ["worker", "worker1"]
    assert nearest("xyz", ["web"]) == []


def test_question():
    """It is a question, or nothing."""
    assert did_you_mean("restrt", ["restart"]) == 'did you mean "restart"?'
    assert did_you_mean("q", ["restart"]) == ""
