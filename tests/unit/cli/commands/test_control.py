"""`snowfox start · stop · restart`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from snowfox.contract.manager import Progress
from snowfox.errors import ConnectionLost, NotFound, NotPermitted

STEPS = [
    Progress("web@1", "ready", "", 1910),
    Progress("web@2", "backoff", "exit 1, next try in 1 s", 1960),
    Progress("", "failed", "web@2 did not get ready", 2000, last=True, code=1),
]


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_each_verb(played: Any, verb: str) -> None:
    """The node is asked for that verb and these patterns; all well is exit code 0."""
    played.answers[verb] = [STEPS[0], Progress("", "done", "2 instances ready", 2000, last=True)]
    assert played.run(verb, "web", "shop.*") == (
        0,
        "✓ web@1          ready      1.9 s\n2 instances ready\n",
        "",
    )
    assert played.asked == [(verb, "web shop.*")]


def test_something_did_not_get_there(played: Any) -> None:
    """Its line has the reason, the end is on standard error, and the exit code is the node's."""
    played.answers["start"] = STEPS
    code, out, err = played.run("start", "--all")
    assert (code, err) == (1, "web@2 did not get ready\n   see: snowfox why web@2\n")
    assert out == (
        "✓ web@1          ready      1.9 s\n✗ web@2          backoff    2.0 s  exit 1, next try in 1 s\n"
    )
    assert played.asked == [("start", "*")]


def test_json(played: Any) -> None:
    """An object a line, and the exit code of the last."""
    played.answers["restart"] = STEPS
    code, out, err = played.run("restart", "web", "--json")
    assert (code, err) == (1, "")
    assert [json.loads(line) for line in out.splitlines()] == [step._asdict() for step in STEPS]


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_everything_only_when_told(played: Any, verb: str) -> None:
    """Without a pattern nothing is asked; exit code 2 with the words for both."""
    code, out, err = played.run(verb)
    assert (code, out) == (2, "")
    assert err == (
        f"cannot {verb} everything unless told so\n"
        f"   name services: snowfox {verb} PATTERN, or all of them: snowfox {verb} --all\n"
    )
    assert played.asked == []


@pytest.mark.parametrize(
    ("error", "code"), [(NotFound("there is none"), 4), (NotPermitted("no"), 7), (ConnectionLost("gone"), 1)]
)
def test_errors(played: Any, error: Any, code: int) -> None:
    """What the node raises has its own exit code, also when it comes in the middle."""
    played.answers["stop"] = [STEPS[0], error]
    assert played.run("stop", "web") == (code, "✓ web@1          ready      1.9 s\n", f"{error}\n")


def test_interrupted(played: Any) -> None:
    """Ctrl-C ends the command, not the operation, and says so."""
    played.answers["stop"] = [KeyboardInterrupt()]
    assert played.run("stop", "web") == (130, "", "the node goes on with it; see: snowfox status\n")
