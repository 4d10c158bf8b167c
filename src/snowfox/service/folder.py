"""The folder form of a configuration: `node.toml`, and a file for each service below `services/`."""

from __future__ import annotations

from typing import Final

MAIN: Final = "node.toml"
"""What all services share: node, defaults, templates, sockets."""

SERVICES: Final = "services/"
SUFFIX: Final = ".toml"


def is_service_file(name: str) -> bool:
    """Whether a file, named below the folder of the configuration, is to be one of a service."""
    return name.startswith(SERVICES) and name.endswith(SUFFIX)


def service_of(name: str) -> str:
    """The service that a file is about: `shop.web` of `services/shop/web.toml`. It may be no name."""
    return name.removeprefix(SERVICES).removesuffix(SUFFIX).replace("/", ".")


def folder_of(root: str, name: str) -> str:
    """The folder of a file, absolute, by that of the configuration."""
    below = name.rpartition("/")[0]
    return f"{root.rstrip('/')}/{below}" if below else root
