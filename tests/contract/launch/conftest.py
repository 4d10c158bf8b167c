"""Both ways to make a process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from snowfox.core.posix.linux import LinuxPosix
from snowfox.spawner.build_launcher import build
from snowfox.spawner.fork import Forker
from snowfox.spawner.launch import Launcher, Maker


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The launcher, where there is a compiler."""
    folder = tmp_path_factory.mktemp("launcher")
    folder.chmod(0o755)
    said = build(str(folder))
    if not said.startswith("built"):
        pytest.skip(said)
    return folder / "launcher"


@pytest.fixture(params=["launcher", "fork"])
def maker(request: pytest.FixtureRequest) -> Iterator[Maker]:
    """Both ways to make a process."""
    if request.param == "fork":
        made: Maker = Forker(LinuxPosix())
    else:
        made = Launcher(LinuxPosix(), str(request.getfixturevalue("launcher")))
    yield made
    made.close()


@pytest.fixture
def confiner(launcher: Path) -> Iterator[Launcher]:
    """The one that changes mounts and capabilities."""
    made = Launcher(LinuxPosix(), str(launcher))
    yield made
    made.close()
