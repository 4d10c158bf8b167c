"""What else is loaded before the uid is given up: Python itself may lie in a folder that only root can enter.

Elsewhere these are imported when first needed. An ordinary user's manager keeps its rights and leaves it at that.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Final

LATER: Final = (
    "difflib",
    "ipaddress",
    "shlex",
    "snowfox.core.config.describing",
    "snowfox.core.packages",
    "snowfox.core.posix.syscall",
    "snowfox.service.dotenv",
    "snowfox.service.procfile",
    "snowfox.service.toml",
    "tomllib",
    "typing",
    "zoneinfo",
    "unicodedata",
    "encodings.idna",
    "traceback",
    "linecache",
    "tokenize",
)
"""Imported inside functions of ours, and by the standard library when something fails."""

IF_THERE: Final = ("cronsim",)
"""Whoever writes no cron fields does without."""

ANY_OF: Final = ("_sha256", "_sha2", "hashlib")
"""SHA-256 by its names in different versions of Python."""


def load() -> None:
    """Import all of it."""
    for name in (*LATER, *filter(find_spec, IF_THERE)):
        import_module(name)
    import_module(next(name for name in ANY_OF if find_spec(name) is not None))
