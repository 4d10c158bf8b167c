"""Circles and conflicts between services."""

from __future__ import annotations

import pytest

from snowfox.testing.configuration import checked, shown


def services(**keys):
    """Services with these keys; all can say that they are ready."""
    return "".join(
        f'[service.{name}]\ncommand = "x"\nready = {{ notify = true }}\n{text}\n'
        for name, text in keys.items()
    )


def test_a_circle_is_told_by_its_path():
    """With the kind of each step, wants and tables of requires included, at the first of them."""
    text = services(
        a='requires = [{ service = "b", on-restart = "restart" }]', b='wants = ["c"]', c='after = ["a"]'
    )
    assert shown(text) == (
        "snowfox.toml:4:13: cannot read service a: it waits for itself: a requires b wants c after a\n"
        '    4 | requires = [{ service = "b", on-restart = "restart" }]\n'
        "      |             " + "^" * 41 + " "
        "one of them has to do without the other, be it for the order alone: leave out one of these"
    )


def test_names_that_are_not_there():
    """Of every key that names services."""
    text = services(a='requires = ["x"]\nwants = ["y"]\nafter = ["z"]\nconflicts = ["q"]')
    assert [line.partition("no service ")[2] for line in shown(text).split("\n") if "no service" in line] == [
        '"x"',
        '"y"',
        '"z"',
        '"q"',
    ]


@pytest.mark.parametrize(
    ("keys", "why", "advice"),
    [
        ({"a": 'conflicts = ["a"]'}, "it conflicts with itself", "leave it out"),
        ({"a": 'conflicts = ["b"]', "b": ""}, "both it and b start with the node", "autostart = false"),
        ({"a": 'conflicts = ["b"]\nrequires = ["b"]', "b": ""}, "it requires b", "one of the two keys"),
        ({"a": 'conflicts = ["b"]', "b": 'requires = ["a"]'}, "b requires it", "one of the two keys"),
        (
            {"a": 'conflicts = ["b"]', "b": "", "c": 'requires = ["a"]', "d": 'requires = ["b", "c"]'},
            "d requires both",
            "let d require one of them",
        ),
        (
            {"a": 'conflicts = ["b"]', "b": "autostart = false", "c": 'wants = ["b"]'},
            "both it and b start with the node",
            "autostart = false",
        ),
    ],
)
def test_conflicts_that_cannot_be_kept(keys, why, advice):
    """Two that would have to run side by side are refused, with what to do."""
    text = shown(services(**keys))
    assert f"cannot read service a: {why}" in text
    assert advice in text


def test_ports_of_instances_that_meet():
    """Of two services that may run at the same time, told of the one that begins later; next to one another is fine."""
    text = shown(
        services(
            a="port = 9000\ninstances = 4",
            b="port = 9004\ninstances = 2",
            c="port = 9003",
            d='port = 9001\nconflicts = ["a"]\nautostart = false',
        )
    )
    assert [line.partition(": ")[2] for line in text.split("\n") if "is the port of" in line] == [
        "warning: service c: 9003 is the port of an instance of a, too"
    ]
    assert "a has 4 from 9000 on; the next that is free: 9004" in text


def test_conflicts_that_can_be_kept():
    """One of the two waits to be started."""
    text = services(a='conflicts = ["b"]', b="autostart = false")
    assert checked(text).require().services["a"].conflicts == ("b",)


def test_a_circle_is_told_once():
    """What could be said of conflicts then is not."""
    text = services(a='requires = ["b"]\nconflicts = ["b"]', b='requires = ["a"]')
    assert "waits for itself" in shown(text)
    assert "conflict" not in shown(text).partition("\n")[0]
