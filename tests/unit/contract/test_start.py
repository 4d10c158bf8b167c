"""What a daemon is told and says: both ends agree."""

from __future__ import annotations

import pytest

from snowfox.contract.start import Early, Node, Said, parse, said, said_line
from snowfox.errors import UsageError

FULL = Node(
    "/srv/a b",
    configuration="Procfile",
    shown="shop/",
    policy="/etc/p",
    ready=3,
    go=4,
    viewer=77,
    early=Early(79, 6, 7),
    is_detached=True,
    paths=("/a", "/b"),
)


@pytest.mark.parametrize("node", [Node("/srv"), FULL])
def test_words_are_read_back(node: Node) -> None:
    """What the command line writes is what the daemon reads."""
    assert parse(node.words()) == node


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--project"],
        ["--project", "relative"],
        ["--project", "/x", "--ready", "three"],
        ["--project", "/x", "--what", "1"],
        ["--project", "/x", "--early", "manager=1,2,3"],
        ["--project", "/x", "--early", "1,2"],
    ],
)
def test_wrong_words_are_refused(words: list[str]) -> None:
    """A daemon that was told nonsense does not start."""
    with pytest.raises(UsageError, match="cannot start the daemon"):
        parse(words)


@pytest.mark.parametrize(
    "line",
    [
        Said("listening", 812),
        Said("busy", 0),
        Said("up"),
        Said("failed", 0, "cannot start: a\ttab", "one\ntwo"),
        Said("failed", 0, "no hint", ""),
    ],
)
def test_lines_of_the_pipe_are_read_back(line: Said) -> None:
    """A line is one line, whatever is in it; a tab of the text becomes a space."""
    raw = said_line(line)
    assert raw.count(b"\n") == 1
    assert said(raw) == line._replace(text=line.text.replace("\t", " "))
