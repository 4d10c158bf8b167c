"""The pages that are written from the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tools import make_docs

from snowfox import errors
from snowfox.cli.main import MEANINGS
from snowfox.core.posix.restricted import all_calls
from snowfox.core.posix.roles import ROLES
from snowfox.service.life import INPUTS, TABLE
from snowfox.service.status import STATES

PAGES = ("states", "events", "posix", "modules", "errors")


@pytest.fixture
def pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """All pages by name, written into a folder that was not there."""
    folder = tmp_path / "new" / "docs"
    assert make_docs.main([str(folder)]) == 0
    assert capsys.readouterr().out == "".join(f"wrote {folder}/{name}.md\n" for name in PAGES)
    return {file.stem: file.read_text() for file in folder.iterdir()}


def test_all_pages(pages: dict[str, str]) -> None:
    """Each has a title, and every row of a table as many cells as its head."""
    assert sorted(pages) == sorted(PAGES)
    for text in pages.values():
        assert text.startswith("# ")
        for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_the_table_of_states_is_whole(pages: dict[str, str]) -> None:
    """The diagram, and a row for each input in each state."""
    text = pages["states"]
    assert f"```mermaid\n{TABLE.diagram()}```" in text
    for state in STATES:
        for told in INPUTS:
            assert f"\n| {state} | {told} | " in text


def test_all_events(pages: dict[str, str]) -> None:
    """With their fields and whether they are kept."""
    text = pages["events"]
    assert "| `service.stuck` | `pid`, `token` | yes | SIGKILL did not end it. |" in text
    assert "    stuck(pid, token) *" in text
    assert "| `service.probe-failed` | `text` |  | " in text


def test_all_kernel_calls(pages: dict[str, str]) -> None:
    """Each call has a row with a mark for each role that may use it, and its summary."""
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| (.*) \|$", pages["posix"], re.MULTILINE))
    assert set(rows) == all_calls()
    for call, row in rows.items():
        *marks, summary = row.split(" | ", len(ROLES))
        assert [mark.strip() == "●" for mark in marks] == [call in allowed for allowed in ROLES.values()]
        assert summary


def test_the_modules(pages: dict[str, str]) -> None:
    """In the order of setup, with what they need."""
    names = re.findall(r"^\| ([a-z]+) \| [A-Z]+ \|", pages["modules"], re.MULTILINE)
    assert names.index("store") < names.index("journal") < names.index("engine")
    assert "| journal | STORE | `store` | yes | `snowfox.manager.journal.module` |" in pages["modules"]


def test_errors_and_exit_codes(pages: dict[str, str]) -> None:
    """All published classes below their parents, each with its code; all codes with their meaning."""
    text = pages["errors"]
    for code, meaning in MEANINGS.items():
        assert f"\n| {code} | {meaning} |" in text
    public = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.SnowFoxError) and not name.startswith("_")
    }
    assert set(re.findall(r"^\| (?:— )*`(\w+)`", text, re.MULTILINE)) == public
    assert "| — — `NoNode` | 6 | `text`, `advice` | Nobody is there to talk to" in text


def test_a_bar_in_a_cell() -> None:
    """It is escaped, or the table would break."""
    assert make_docs.row(["a|b", "c"]) == "| a\\|b | c |"
