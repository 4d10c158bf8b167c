"""What a service requires, as it is written."""

from __future__ import annotations

import pytest

from snowfox.service.requirement import Required, names, place_of
from snowfox.testing.configuration import checked, shown

CACHE = '[service.cache]\ncommand = "x"\nready = { notify = true }\n'


def web(requires):
    """A service that requires this, and the cache."""
    return f'[service.web]\ncommand = "x"\nrequires = [{requires}]\n{CACHE}'


def test_a_name_and_a_table_say_the_same():
    """Both name a service; the table may say what follows from a crash."""
    plain = checked(web('"cache"')).require().services["web"]
    table = checked(web('{ service = "cache" }')).require().services["web"]
    assert (plain.requires, plain.on_restart) == (table.requires, table.on_restart) == (("cache",), {})
    tied = checked(web('{ service = "cache", on-restart = "restart" }')).require().services["web"]
    assert tied.on_restart == {"cache": "restart"}


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ("3", "item 1 of requires must be a name, not a number"),
        ("{}", "service in item 1 of requires is missing"),
        ('{ service = "a b" }', '"a b" is not a name'),
        ('{ service = "cache", on = "restart" }', 'unknown key "on in item 1 of requires"'),
        ('{ service = "cach" }', 'there is no service "cach"'),
    ],
)
def test_mistakes_in_it(item, why):
    """A mistake in a table is told where it stands."""
    assert why in shown(web(item))


def test_names_come_once():
    """The order of the first mention."""
    assert names([Required("b"), Required("a", "restart"), Required("b")]) == ("b", "a")


def test_place_in_what_is_written():
    """A service is found as a name and in a table; what is no list has no places."""
    written = ["a", {"service": "b"}]
    assert [place_of(written, name) for name in ("a", "b", "c")] == [0, 1, 0]
    assert place_of(None, "a") == 0
