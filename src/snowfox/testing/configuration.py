"""Configurations from text, for tests."""

from __future__ import annotations

from snowfox.core.config.source import File, Sources
from snowfox.service.checked import Checked
from snowfox.service.configuration import read
from snowfox.service.spec import Configuration

FOLDER = "/srv/shop"


def checked(text: str, *, name: str = "snowfox.toml", owner: int = 1000, env: str | None = None) -> Checked:
    """What a check of this text, in `FOLDER` of host `box`, finds; `env` is that of a `.env` beside."""
    beside = () if env is None else (File(".env", env, owner),)
    return read(Sources(FOLDER, (File(name, text, owner), *beside)), host="box")


def configuration(
    text: str, *, name: str = "snowfox.toml", owner: int = 1000, env: str | None = None
) -> Configuration:
    """What this text says. Raises ConfigurationRefused when it has errors."""
    return checked(text, name=name, owner=owner, env=env).require()


def shown(text: str, *, name: str = "snowfox.toml", env: str | None = None) -> str:
    """All problems of a text as they are printed."""
    return "\n".join(problem.show() for problem in checked(text, name=name, env=env).problems)
