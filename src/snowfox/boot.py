"""Start one of the three processes: `python -I -S boot.py ROLE [--path FOLDER]... ARGUMENTS`.

`-I -S` keep the user's environment and `site` (3 to 29 ms) out. The package's own folder is found from this file and
comes after the standard library, so that nothing beside the package can stand in for a module of it. `--path` names
folders of third-party packages; the manager alone takes them: daemon and spawner stand on the standard library.
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module

ROLES = ("daemon", "spawner", "manager")


def boot(words: list[str]) -> int:
    """Set `sys.path` and run the role's `main`; its exit code.

    Args:
        words: ROLE, `--path FOLDER` pairs, and the role's own arguments.
    """
    role, *arguments = words or [""]
    if role not in ROLES:
        sys.stderr.write(f"cannot boot: the role is one of {', '.join(ROLES)}\n")
        return 2
    gc.disable()  # what is imported stays: the role's `main` freezes it and enables
    sys.path.append(__file__.rpartition("/snowfox/")[0])
    while role == "manager" and arguments[:1] == ["--path"]:
        sys.path.append(arguments[1])
        del arguments[:2]
    code: int = import_module(f"snowfox.{role}.main").main(arguments)
    return code


if __name__ == "__main__":
    try:
        sys.exit(boot(sys.argv[1:]))
    except KeyboardInterrupt:  # before the daemon watches its signals
        sys.exit(130)
