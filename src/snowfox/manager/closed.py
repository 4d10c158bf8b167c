"""What else is loaded before the uid is given up, where Python or a package lies in a folder that only root can enter.

Elsewhere these are imported when first needed: they take a tenth of the time until the first service runs. An ordinary
user's manager keeps its rights and leaves it at that.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from posixpath import dirname, realpath
from typing import Final

from snowfox.core.posix.api import Files
from snowfox.errors import PosixError

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


_READ: Final = 0o4
_READ_AND_ENTER: Final = 0o5


def load(files: Files) -> None:
    """Import all of it, unless everybody can do that later."""
    if not is_open(files):
        load_all()


def is_open(files: Files) -> bool:
    """Whether everybody may read what is not imported yet, and list and enter all folders above it.

    False as well where a link is on the way: who knows what is above what it leads over.
    """
    found = (find_spec(name) for name in (*LATER, *IF_THERE) if name not in sys.modules)
    texts = {one.origin for one in found if one is not None and one.has_location and one.origin}
    wanted = dict.fromkeys(texts, _READ)
    for text in texts:
        folder = dirname(text)
        while folder not in wanted:
            wanted[folder] = _READ_AND_ENTER
            folder = dirname(folder)
    try:
        return all(files.stat(path).mode & bits == bits for path, bits in wanted.items()) and all(
            realpath(text) == text for text in texts
        )
    except PosixError:
        return False


def load_all() -> None:
    """Import all of it."""
    for name in (*LATER, *filter(find_spec, IF_THERE)):
        import_module(name)
    import_module(next(name for name in ANY_OF if find_spec(name) is not None))
