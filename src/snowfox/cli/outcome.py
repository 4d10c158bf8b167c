"""How a start goes on and how it ended, for whoever waits for it and for the viewer of the foreground."""

# pathlib costs 5 ms of import in every command.
# ruff: noqa: PTH123

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Final

from snowfox.cli import node, progress
from snowfox.contract.manager import Progress
from snowfox.contract.start import NODE_LOG, Said
from snowfox.core.rpc.interface import Method
from snowfox.errors import ConnectionLost, HostError, SnowFoxError
from snowfox.values import Seconds

_REFUSED: Final = 3
PATIENCE: Final[Seconds] = 60.0
"""How long a manager may take to answer."""
_PAUSE: Final[Seconds] = 0.1


def finish(last: Progress | None, *, as_json: bool) -> int:
    """Print how a start ended, in yellow where the last good version runs instead; the exit code."""
    is_instead = last is not None and last.is_well and last.code == _REFUSED
    return progress.finish(last, as_json=as_json, colour="yellow" if is_instead else "")


def steps(place: node.Place, method: Method[[], Progress]) -> Iterator[Progress]:
    """All steps of an operation of the node, to its end.

    A manager that takes the place of one that died is asked anew; the daemon says when there will be none.

    Raises NoNode when the node is gone.
    """
    while True:
        try:
            with node.open_session(place, timeout=PATIENCE) as session:
                for step in session.stream(method):
                    yield step
                    if step.last:  # a node that goes down may not come to say more
                        return
        except ConnectionLost:
            time.sleep(_PAUSE)
        else:
            return


def failure(line: Said | None, place: node.Place) -> SnowFoxError:
    """Why a daemon did not start, by what it said last, and what its log says last where it only names the log."""
    see = f"see {place.home}/{NODE_LOG}"
    if line is None or line.word != "failed":
        return HostError("cannot start the node: its daemon ended without a word", see)
    if NODE_LOG not in line.hint:
        return HostError(line.text, line.hint)
    reason = _last_error(place)
    return HostError(line.text, f"{reason}\n{see}" if reason else see)


def _last_error(place: node.Place) -> str:
    """The last error in the node's log; "" where there is none or it cannot be read."""
    import json  # noqa: PLC0415 - only for a failure

    try:
        with open(f"{place.home}/{NODE_LOG}", "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 65536))
            lines = file.read().splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        if b'"level":"error"' in line:
            try:
                return str(json.loads(line)["text"])
            except (ValueError, KeyError):
                return ""
        if b'"listening"' in line:  # the beginning of this start
            return ""
    return ""
