"""`snowfox init [PATH]`."""

# pathlib costs 5 ms of import in every command.
# ruff: noqa: PTH118, PTH123

from __future__ import annotations

import argparse
import os
from typing import Final

from snowfox.cli import paper
from snowfox.errors import HostError, UserError, errno_text

NAME: Final = "snowfox.toml"

# The program, folder and environment of what is written here exist on every host, for every user: also for the
# dynamic uid that a root's node gives it, and when the project lies in a closed home.
TEXT: Final = """\
# What runs here. Check it with  snowfox check , start it with  snowfox up  (or  snowfox up -d ).

[service.clock]
command = ["sh", "-c", "while true; do date; sleep 1; done"]
directory = "/"

# [node]
# name = "shop-1"                        # default: the host's name

# [socket.front]                         # a listening socket that services get as LISTEN_FDS
# listen = "127.0.0.1:8080"              # or "[::]:80", "unix:run/front.sock", or a list

# [service.migrate]
# type = "task"                          # runs to its end
# command = "python3 manage.py migrate"

# [service.web]
# command = "python3 web.py"             # split into words as a shell would, but no shell runs
# directory = "app"                      # default: the folder of this file
# environment = { DEBUG = "0" }          # a service's environment holds what is written, and little else
# user = "www-data"                      # only in a node started by root
# sockets = ["front"]
# instances = 2                          # web@1 and web@2
# requires = ["migrate"]                 # ready, or finished well, before this starts
# after = ["clock"]                      # order only
# ready = { notify = true, timeout = "30s" }       # or tcp, http, command, delay
# restart = { when = "always", delay = "100ms", max-delay = "30s", limit = 5, window = "1m" }
# stop = { signal = "TERM", grace = "10s" }
# log = { size = "20M", keep = 5 }
# autostart = true
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare its words."""
    parser.add_argument("path", nargs="?", default=".", metavar="PATH", help="a folder; default: here")


def run(options: argparse.Namespace) -> int:
    """0: written. Raises UserError when it is there already, HostError when it cannot be written."""
    path = os.path.join(options.path, NAME) if options.path != "." else NAME
    write(path)
    paper.out().line(f"wrote {path}; now: snowfox check, snowfox up")
    return 0


def write(path: str) -> None:
    """A new file with the text; one that is there is never touched, nor is what a link at its place leads to.

    Raises UserError when it is there already, HostError when it cannot be written; then nothing is left of it.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except FileExistsError:
        msg = f"cannot write {path}: it exists already"
        raise UserError(msg, f"look at it, or move it away: mv {path} {path}.old") from None
    except OSError as error:
        raise _failed(path, error) from error
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(TEXT)
    except OSError as error:
        os.unlink(path)  # noqa: PTH108 - see above
        raise _failed(path, error) from error


def _failed(path: str, error: OSError) -> HostError:
    return HostError(f"cannot write {path}: {errno_text(error.errno or 0)}")
