"""`snowfox run`."""

from __future__ import annotations

from typing import Any

from snowfox.contract.manager import RunOutput


def test_what_it_prints_and_its_exit_code(played: Any) -> None:
    """Both are the command's; its options are its own."""
    played.answers["run"] = [RunOutput(b"a"), RunOutput(b"b\n"), RunOutput(b"", 3, last=True)]
    assert played.run("run", "web", "--", "ls", "-l") == (3, "ab\n", "")
    assert played.asked == [("run", "web", ["ls", "-l"])]


def test_a_signal_as_a_shell_tells_it(played: Any) -> None:
    """128 and its number; without a command it is that of the service."""
    played.answers["run"] = [RunOutput(b"", None, 9, last=True)]
    assert played.run("run", "migrate")[0] == 137
    assert played.asked == [("run", "migrate", [])]
