"""Configurations from text, for tests."""

from __future__ import annotations

from snowfox.core.config.source import File, Sources
from snowfox.service.checked import Checked
from snowfox.service.configuration import read
from snowfox.service.spec import Configuration

FOLDER = "/srv/shop"


def checked(
    text: str,
    *,
    name: str = "snowfox.toml",
    owner: int = 1000,
    env: str | None = None,
    files: dict[str, str] | None = None,
) -> Checked:
    """What a check of this text, in `FOLDER` of host `box`, finds; `env` is that of a `.env` beside, `files` are others."""
    more = dict(files or {}) if env is None else {".env": env}
    beside = tuple(File(other, content, owner) for other, content in more.items())
    return read(Sources(FOLDER, (File(name, text, owner), *beside)), host="box")


def configuration(
    text: str,
    *,
    name: str = "snowfox.toml",
    owner: int = 1000,
    env: str | None = None,
    files: dict[str, str] | None = None,
) -> Configuration:
    """What this text says. Raises ConfigurationRefused when it has errors."""
    return checked(text, name=name, owner=owner, env=env, files=files).require()


def shown(
    text: str, *, name: str = "snowfox.toml", env: str | None = None, files: dict[str, str] | None = None
) -> str:
    """All problems of a text as they are printed."""
    found = checked(text, name=name, env=env, files=files)
    return "\n".join(problem.show() for problem in found.problems)
