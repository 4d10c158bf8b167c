"""`snowfox versions`."""

from __future__ import annotations

import json
import time
from typing import Any

from snowfox.contract.manager import VersionLine
from snowfox.testing.clock import VirtualClock

NOON = 1_717_243_200_000
OLD = VersionLine("3f9a1c2" + "0" * 57, "snowfox.toml", "", NOON - 273_600_000, "anna")
FAILED = VersionLine("aa00bb1" + "0" * 57, "main", "77aa001" + "0" * 33, 0, "bert")
NOW = VersionLine("81d0e77" + "0" * 57, "main", "5c0ffee" + "0" * 33, NOON - 12_000, "anna", is_current=True)


def test_a_table(played: Any, noon: VirtualClock) -> None:
    """In the node's order; which one is in force is said in words."""
    played.answers["versions"] = [OLD, FAILED, NOW]
    assert played.run("versions") == (
        0,
        """\
VERSION  SOURCE                APPLIED    BY    MESSAGE
3f9a1c2  snowfox.toml          3d 4h ago  anna
aa00bb1  main, commit 77aa001  never      bert
81d0e77  main, commit 5c0ffee  12s ago    anna  in force
""",
        "",
    )


def test_provisional(played: Any, noon: VirtualClock) -> None:
    """One that has to be confirmed says until when."""
    played.answers["versions"] = [NOW._replace(confirm_by=NOON + 588_000)]
    until = time.strftime("%H:%M:%S", time.localtime((NOON + 588_000) / 1000))
    line = played.run("versions")[1].splitlines()[1]
    assert line.endswith(f"in force, to be confirmed until {until}")


def test_json(played: Any) -> None:
    """A list of objects on one line, with whole ids."""
    played.answers["versions"] = [OLD, NOW]
    code, out, _ = played.run("versions", "--json")
    assert (code, out.count("\n")) == (0, 1)
    assert json.loads(out) == [OLD._asdict(), NOW._asdict()]
    assert list(json.loads(out)[0]) == ["id", "name", "commit", "at", "who", "is_current", "confirm_by"]


def test_none(played: Any) -> None:
    """Only the heads; as JSON an empty list."""
    played.answers["versions"] = []
    assert played.run("versions") == (0, "VERSION  SOURCE  APPLIED  BY  MESSAGE\n", "")
    assert played.run("versions", "--json") == (0, "[]\n", "")
