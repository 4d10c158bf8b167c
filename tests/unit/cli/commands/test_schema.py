"""`snowfox schema`."""

import json

import pytest

from snowfox.cli.main import run


@pytest.mark.parametrize(
    ("words", "title"),
    [([], "snowfox.toml"), (["--for", "node"], "node.toml"), (["--for", "service"], "services/NAME.toml")],
)
def test_kinds(words, title, capsys):
    """It prints one JSON object, for the file that is asked for."""
    assert run(["schema", *words]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == title
