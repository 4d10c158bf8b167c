"""Problems collected."""

import pytest

from snowfox.core.config.document import Document, parse
from snowfox.core.config.report import MOST, Enough, Report


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
    """One too many ends it, and the list says that it is not all."""
    found = report("a = 1\n")
    for _ in range(MOST):
        found.wrong(("a",), "no")
    with pytest.raises(Enough):
        found.wrong(("a",), "no")
    assert len(found.listed()) == MOST + 1
    assert found.listed()[-1].show() == "f: only the first 100 problems are listed"
