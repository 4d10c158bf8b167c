"""`snowfox schema [--for file|node|service]`."""

from __future__ import annotations

import argparse
import json

from snowfox.core.config.registry import Sections
from snowfox.service.schema import of_file, of_node, of_service


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument(
        "--for",
        dest="kind",
        choices=("file", "node", "service"),
        default="file",
        help="snowfox.toml (the default), node.toml, or a file below services/",
    )


def run(options: argparse.Namespace) -> int:
    """0. Raises ModuleFailed when two installed modules bring the same table."""
    sections = Sections(with_installed=True)
    match options.kind:
        case "node":
            schema = of_node(sections)
        case "service":
            schema = of_service()
        case _:
            schema = of_file(sections)
    print(json.dumps(schema, indent=2))
    return 0
