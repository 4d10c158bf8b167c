"""Problems collected."""

import pytest

from snowfox.core.config.document import Document, parse
from snowfox.core.config.problem import Problem
from snowfox.core.config.report import MOST, Enough, Problems, Report


def report(text):
    """A report on this text."""
    document = parse("f", text)
    assert isinstance(document, Document)
    return Report(document)


def test_order_of_the_file():
    """They are listed as they stand in the file, whatever the order of finding them."""
    found = report("a = 1\nb = 2\n")
    found.wrong(("b",), "second")
    found.warn(("a",), "first")
    assert [(problem.text, problem.is_warning) for problem in found.listed()] == [
        ("first", True),
        ("second", False),
    ]


def test_bound():
    """One too many ends it, and the list says that it is not all; warnings count apart."""
    found = report("a = 1\n")
    for _ in range(MOST):
        found.warn(("a",), "hm")
        found.wrong(("a",), "no")
    with pytest.raises(Enough):
        found.wrong(("a",), "no")
    assert len(found.listed()) == 2 * MOST + 1
    assert found.listed()[-1].show() == "f: only the first 100 errors are listed"


def test_warnings_end_nothing():
    """Of too many the rest is counted."""
    found = report("a = 1\n")
    for _ in range(MOST + 1):
        found.warn(("a",), "hm")
    assert found.listed()[-1].show() == "f: warning: and 1 more warning"
    found.warn(("a",), "hm")
    found.wrong(("a",), "no")
    assert [problem.text for problem in found.listed()[-2:]] == ["no", "and 2 more warnings"]
    assert len(found.listed()) == MOST + 2


def test_once():
    """What is found again at the same place is told the first time; something else there is told too."""
    found = report("a = 1\n")
    found.once(("a",), "of one", key="why")
    found.once(("a",), "of another", key="why")
    found.once(("a",), "of another", key="other")
    assert [problem.text for problem in found.listed()] == ["of one", "of another"]


def test_several_documents():
    """Problems of several documents have one list, file after file, those without a line at the end."""
    shared = Problems()
    for name in ("b", "a"):
        document = parse(name, "x = 1\n")
        assert isinstance(document, Document)
        Report(document, shared).wrong(("x",), name)
    shared.insert(0, Problem("whole", file="a"))
    assert [problem.text for problem in shared.listed(["a", "b"])] == ["a", "b", "whole"]
