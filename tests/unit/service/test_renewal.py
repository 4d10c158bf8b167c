"""Reload and recycle, as users write them."""

from __future__ import annotations

import pytest

from snowfox.service.renewal import Recycle, Reload
from snowfox.testing.configuration import configuration, shown

HEAD = '[service.web]\ncommand = "web"\n'


def test_forms():
    """A signal, a command of the file's folder, an answer; bounds of age and memory."""
    text = (
        HEAD
        + 'reload = { command = "./reload all", timeout = "5s" }\nrecycle = { age = "1d", memory = "1G" }\n'
    )
    found = configuration(text)
    web = found.services["web"]
    assert web.reload == Reload(command=(f"{found.folder}/reload", "all"), timeout=5.0)
    assert web.recycle == Recycle(86400.0, 1 << 30)
    assert configuration(HEAD + 'reload.signal = "HUP"\n').services["web"].reload == Reload(signal=1)
    both = HEAD + 'reload = { notify = true, signal = "USR2" }\n'
    assert configuration(both).services["web"].reload == Reload(signal=12, notify=True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("reload = {}", "reload says nothing"),
        ('reload = { signal = "HUP", command = "x" }', "reload says signal and command: one is enough"),
        ('reload = { signal = "HUP", timeout = "1s" }', "a signal is not waited for"),
        ('reload = { command = "x ${NOBODY}" }', '"NOBODY" is not set'),
        ("recycle = {}", "recycle says nothing"),
        ('recycle = { age = "10 apples" }', "is not a duration"),
    ],
)
def test_mistakes(text, why):
    """Each is told where it stands."""
    assert why in shown(f"{HEAD}{text}\n")
