"""What docs/rpc.md shows is what runs."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

from snowfox.core.posix.active import activate
from snowfox.core.rpc.handlers import table

ROOT = Path(__file__).parents[3]
BLOCKS = re.findall(
    r"^```(\w+)\n(.*?)^```$", (ROOT / "docs" / "rpc.md").read_text(), re.MULTILINE | re.DOTALL
)
PYTHON = [text for kind, text in BLOCKS if kind == "python"]


def test_the_program_runs_as_printed(tmp_path):
    """The page has the example's text, and that text, run alone, prints what the page says."""
    program = (ROOT / "examples" / "chat" / "chat.py").read_text()
    assert program in PYTHON
    (console,) = [text for kind, text in BLOCKS if kind == "console"]
    command, _, printed = console.partition("\n")
    assert command == "$ python examples/chat/chat.py"
    file = tmp_path / "chat.py"
    file.write_text(program)
    done = subprocess.run(
        [sys.executable, file],
        env={**os.environ, "PYTHONWARNINGS": "error"},  # of all three
        check=False,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, printed, "")


def test_what_is_shown_can_be_written(capsys):
    """All other examples, one after the other, are Python whose declarations and imports are there; one is to be tried."""
    module = type(sys)("page")
    sys.modules["page"] = module
    try:
        for text in PYTHON:
            if "__main__" not in text:
                exec(text, module.__dict__)
        shop = module.Shop
        assert [one.name for one in shop.find.arguments] == ["name", "most"]
        assert len(table(shop, module.ShopHandlers())) == 3
        asyncio.run(module.hello())
        assert capsys.readouterr().out == "[Fruit(name='apple', price=3)]\n"
    finally:
        activate(None)
        del sys.modules["page"]
