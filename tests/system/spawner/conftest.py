"""A real spawner, with the launcher in C and with the fork."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from snowfox.spawner.build_launcher import build
from snowfox.testing.spawner import RealSpawner


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """The launcher; None without a compiler."""
    folder = tmp_path_factory.mktemp("launcher")
    folder.chmod(0o755)
    return folder / "launcher" if build(str(folder)).startswith("built") else None


@pytest.fixture(params=["launcher", "fork"])
def make(
    request: pytest.FixtureRequest, built: Path | None, tmp_path: Path
) -> Iterator[Callable[..., RealSpawner]]:
    """Makes spawners that are ended with the test."""
    if request.param == "launcher" and built is None:
        pytest.skip("no C compiler")
    launcher = built if request.param == "launcher" and built is not None else Path("/no/launcher")
    made: list[RealSpawner] = []

    def make(policy: str | None = None) -> RealSpawner:
        made.append(RealSpawner(tmp_path, launcher=launcher, policy=policy))
        return made[-1]

    yield make
    for spawner in made:
        spawner.close()


@pytest.fixture
def spawner(make: Callable[..., RealSpawner]) -> RealSpawner:
    """A spawner without a policy."""
    return make()
