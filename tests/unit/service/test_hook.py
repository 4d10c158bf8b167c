"""Hooks and steps, as users write them."""

from __future__ import annotations

import pytest

from snowfox.service.hook import Hook, Step
from snowfox.testing.configuration import configuration, shown

HEAD = '[service.web]\ncommand = "web"\n'


def test_a_command_or_a_table():
    """Text, a list, and a table with a deadline; a program that is a path is of the file's folder."""
    web = configuration(
        HEAD
        + 'before-start = "./prepare all"\nafter-ready = ["notify-all"]\n'
        + 'before-stop = { command = ["bin/drain"], timeout = "5s" }\n'
    ).services["web"]
    folder = web.folder or configuration(HEAD).folder
    assert web.before_start == Hook((f"{folder}/prepare", "all"))
    assert web.after_ready == Hook(("notify-all",), 30.0)
    assert web.before_stop == Hook((f"{folder}/bin/drain",), 5.0)
    assert web.after_exit is None


def test_steps():
    """Each has a signal or a command, and a time."""
    web = configuration(
        HEAD
        + 'stop.steps = [{ command = "./drain", wait = "5s" }, { signal = "QUIT", wait = "30s" }, { signal = "INT" }]\n'
    ).services["web"]
    folder = web.folder or configuration(HEAD).folder
    assert web.stop.steps == (Step(None, (f"{folder}/drain",), 5.0), Step(3, (), 30.0), Step(2, (), 10.0))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("before-start = 1", "before-start must be text or a list, not a number"),
        ('before-start = { timeout = "1s" }', "before-start.command is missing"),
        ("stop.steps = []", "there is no step in it"),
        ('stop.steps = [{ wait = "1s" }]', "a step is a signal or a command"),
        ('stop.steps = [{ signal = "TERM", command = "x" }]', "a step is a signal or a command"),
        ('stop = { grace = "1s", steps = [{ signal = "TERM" }] }', "stop has steps, and grace besides"),
        ('before-start = "./x ${NOBODY}"', '"NOBODY" is not set'),
        ('stop.steps = [{ command = ["x", "${NOBODY}"] }]', '"NOBODY" is not set'),
        ('after-exit = { command = "x ${NOBODY}" }', '"NOBODY" is not set'),
    ],
)
def test_mistakes(text, why):
    """Each is told where it stands."""
    assert why in shown(f"{HEAD}{text}\n")
