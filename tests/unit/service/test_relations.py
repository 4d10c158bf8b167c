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
        "      |             " + "^" * 41
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
    ("keys", "why"),
    [
        ({"a": 'conflicts = ["a"]'}, "it conflicts with itself"),
        ({"a": 'conflicts = ["b"]', "b": ""}, "both it and b start with the node"),
        ({"a": 'conflicts = ["b"]\nrequires = ["b"]', "b": ""}, "it requires b"),
        ({"a": 'conflicts = ["b"]', "b": 'requires = ["a"]'}, "b requires it"),
        (
            {"a": 'conflicts = ["b"]', "b": "", "c": 'requires = ["a"]', "d": 'requires = ["b", "c"]'},
            "d requires both",
        ),
        (
            {"a": 'conflicts = ["b"]', "b": "autostart = false", "c": 'wants = ["b"]'},
            "both it and b start with the node",
        ),
    ],
)
def test_conflicts_that_cannot_be_kept(keys, why):
    """Two that would have to run side by side are refused."""
    assert f"cannot read service a: {why}" in shown(services(**keys))


def test_conflicts_that_can_be_kept():
    """One of the two waits to be started."""
    text = services(a='conflicts = ["b"]', b="autostart = false")
    assert checked(text).require().services["a"].conflicts == ("b",)


def test_a_circle_is_told_once():
    """What could be said of conflicts then is not."""
    text = services(a='requires = ["b"]\nconflicts = ["b"]', b='requires = ["a"]')
    assert "waits for itself" in shown(text)
    assert "conflict" not in shown(text).partition("\n")[0]
