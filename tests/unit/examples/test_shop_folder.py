"""The shop as a folder of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from snowfox.cli import reading
from snowfox.cli.place import place
from snowfox.core.posix.linux import LinuxPosix
from snowfox.service.configuration import read
from snowfox.service.spec import Configuration

EXAMPLES = Path(__file__).parents[3] / "examples"


def configuration(name: str) -> Configuration:
    """What an example says."""
    sources = reading.read(place(str(EXAMPLES / name)), posix=LinuxPosix())
    return read(sources, host="host").require()


@pytest.mark.parametrize("service", ["shop.migrate", "shop.web", "shop.worker"])
def test_it_says_what_the_file_says(service: str) -> None:
    """The same services, but for the folder that they run in."""
    file, folder = configuration("shop").services[service], configuration("shop-folder").services[service]
    assert folder.directory == f"{EXAMPLES}/shop-folder/app"
    same = {"directory": "", "folder": ""}
    assert folder.replace(**same) == file.replace(**same)
