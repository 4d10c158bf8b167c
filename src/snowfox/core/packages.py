"""Looking through packages: those that a process names, and those that installed distributions name by entry points.

Entry points are read from `*.dist-info/entry_points.txt` below `sys.path` (packaging.python.org, "Entry points
specification"). `importlib.metadata` does the same and costs 26 ms of import, a tenth of the time in which a node is
to have its first services up; pathlib costs another 5.
"""

# ruff: noqa: PTH118, PTH119, PTH123, PTH208

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from contextlib import suppress
from types import ModuleType
from typing import Final

from snowfox.core.named import NamedTuple
from snowfox.errors import ModuleFailed

ENTRY_POINTS: Final = "snowfox.modules"
"""The group in which a distribution names its packages with modules and sections."""

_FOLDER: Final = ".dist-info"


class EntryPoint(NamedTuple):
    """A line of a distribution: `name = value`, where value is `package.module`."""

    name: str
    value: str
    distribution: str


def parts_of(package: str) -> list[ModuleType]:
    """A package and all below it, by importing them. Raises ModuleFailed."""
    top = _import(package)
    parts = [top]
    if hasattr(top, "__path__"):
        for _, name, _ in pkgutil.walk_packages(top.__path__, f"{package}.", onerror=_refuse):
            parts.append(_import(name))
    return parts


def entry_points(group: str) -> list[EntryPoint]:
    """The lines of a group, sorted; of a distribution that is found twice the first counts, as for imports."""
    found: dict[tuple[str, str], EntryPoint] = {}
    seen: set[str] = set()
    for entry in sys.path:
        for folder in _distributions(entry or "."):
            distribution = os.path.basename(folder).removesuffix(_FOLDER).partition("-")[0]
            if distribution in seen:
                continue
            with suppress(FileNotFoundError):
                for name, value in _lines(os.path.join(folder, "entry_points.txt"), group):
                    found.setdefault((distribution, name), EntryPoint(name, value, distribution))
                seen.add(distribution)
    return sorted(found.values())


def _distributions(entry: str) -> list[str]:
    """Folders of what is installed in a folder of `sys.path`; none where that is no folder."""
    try:
        names = os.listdir(entry)
    except OSError:
        return []
    return [os.path.join(entry, name) for name in sorted(names) if name.endswith(_FOLDER)]


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        msg = f"cannot import {name}: {type(error).__name__}: {error}"
        raise ModuleFailed(msg) from error


def _refuse(name: str) -> None:
    error = sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1]
    msg = f"cannot import {name}: {type(error).__name__}: {error}"
    raise ModuleFailed(msg) from error


def _lines(file: str, group: str) -> list[tuple[str, str]]:
    """Raises FileNotFoundError."""
    out: list[tuple[str, str]] = []
    is_inside = False
    with open(file, encoding="utf-8", errors="replace") as opened:
        text = opened.read()
    for line in text.splitlines():
        text = line.strip()
        if text.startswith("["):
            is_inside = text == f"[{group}]"
        elif is_inside and "=" in text and not text.startswith(("#", ";")):
            name, _, value = text.partition("=")
            # `package.module:attribute [extra]`: we look through the module.
            out.append((name.strip(), value.partition(":")[0].partition("[")[0].strip()))
    return out
