"""Builds the launcher with the package, where there is a compiler. Without one the spawner forks."""

from __future__ import annotations

import runpy
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class LauncherHook(BuildHookInterface[Any]):
    """Runs before a wheel is made, editable ones included."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the launcher beside its source; a wheel that has it is for this platform only."""
        said = runpy.run_path(f"{self.root}/src/snowfox/spawner/build_launcher.py")["build"]()
        sys.stderr.write(f"launcher: {said}\n")
        if said.startswith("built") and version != "editable":
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
