"""`planning.py FILE N`: the manager's plan where one of the services of FILE changes, in this process, N times.

The real objects, without a node: what was read and checked twice is compared, planned, and made what `snowfox plan`
shows. Reading and checking are in `snowfox check`, the spawner's answer is about one launch. Prints ms, one a line.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from snowfox.core.config.plan import plan
from snowfox.core.config.source import File, Sources
from snowfox.manager.change import view
from snowfox.service.configuration import read
from snowfox.service.resources import carried, differ, resources


def main():
    path = Path(sys.argv[1])
    text = path.read_text()
    one = text.rfind("command = [") + len("command = [")
    before = checked(path, text)
    for count in range(int(sys.argv[2])):
        other = checked(path, f'{text[:one]}"/bin/{count}", {text[one:]}')
        start = time.perf_counter()
        after = carried(before, other)
        plan(resources(before), resources(after), differ(before, after))
        shown = view.plan(before, after, {})
        took = time.perf_counter() - start
        if len(shown.steps) != 1:
            raise SystemExit(f"{len(shown.steps)} steps where one service changed")
        print(round(took * 1000, 3))


def checked(path, text):
    sources = Sources(str(path.parent), (File(path.name, text, 0),))
    return read(sources, host="bench").require()


if __name__ == "__main__":
    main()
