"""`snowfox apply`, and what `snowfox rollback` has in common with it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from snowfox.contract.manager import Progress
from snowfox.errors import ConnectionLost, DeadlineExceeded, NoNode, NotNow, UserError
from snowfox.testing.clock import VirtualClock

STEPS = [
    Progress("shop.web@1", "starting", "", 100),
    Progress("shop.web@1", "ready", "", 1910),
]
MADE = "81d0e77 is in force: 1 created, 1 kept"
DONE = f"{MADE} · 2.1 s · snowfox rollback  goes back"
TAKEN = "cannot open 127.0.0.1:8080 for socket front: address in use (EADDRINUSE)\n   held by nginx (pid 812)"
END = Progress("", "done", MADE, 2100, last=True)


def end(code: int, state: str, message: str, *details: str) -> Progress:
    """An end that is none as wished."""
    return Progress("", state, message, 2100, last=True, code=code, details=list(details))


def test_in_force(played: Any) -> None:
    """Progress as of `up`, then the node's own line, how long it took and how to go back."""
    played.answers["apply"] = [*STEPS, END]
    assert played.run("apply") == (0, f"✓ shop.web@1     ready      1.9 s\n{DONE}\n", "")
    assert played.asked == [("apply", "", False, 0, False)]


def test_in_force_for_now(played: Any) -> None:
    """With --confirm what has to be done is said instead."""
    played.answers["apply"] = [END]
    out = f"{MADE} · 2.1 s · goes back after 10m unless  snowfox confirm\n"
    assert played.run("apply", "--confirm", "10m") == (0, out, "")


def test_in_force_already(played: Any) -> None:
    """There is nothing to go back from."""
    line = "81d0e77 is in force already: nothing changed"
    played.answers["apply"] = [Progress("", "unchanged", line, 20, last=True)]
    assert played.run("apply") == (0, f"{line}\n", "")


def test_plain_paper(played: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal without the dot gets another sign."""
    monkeypatch.setattr("snowfox.cli.paper.Paper.dot", lambda _: "-")
    played.answers["apply"] = [END]
    assert played.run("apply")[1] == f"{MADE} - 2.1 s - snowfox rollback  goes back\n"


def test_all_its_words(played: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each reaches the node; a path where nothing is does not."""
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path)
    here = os.path.realpath(tmp_path)
    played.answers["apply"] = [END]
    words = ("apply", "shop", "--keep", "--confirm", "10m", "--supersede", "--wait", "5s")
    assert played.run(*words)[0] == 0
    assert played.run("apply", "git:shop@v2")[0] == 0
    why = "cannot read gone: no such file or directory (ENOENT)\n"
    assert played.run("apply", "gone") == (3, "", why)
    assert played.asked == [
        ("apply", f"{here}/shop", True, 600_000, True),
        ("apply", f"git:{here}/shop@v2", False, 0, False),
    ]


@pytest.mark.parametrize(
    ("last", "err"),
    [
        (
            end(
                3,
                "refused",
                "refused: nothing was changed",
                TAKEN,
            ),
            f"{TAKEN}\nrefused: nothing was changed\n",
        ),
        (
            end(4, "failed", "rolled back to 3f9a1c2: web is not ready"),
            "rolled back to 3f9a1c2: web is not ready\n",
        ),
        (end(5, "failed", "degraded: cannot go back", "cache: x"), "cache: x\ndegraded: cannot go back\n"),
        (
            end(1, "failed", "81d0e77 is in force, web is not ready"),
            "81d0e77 is in force, web is not ready\n",
        ),
    ],
    ids=["refused", "rolled back", "degraded", "kept"],
)
@pytest.mark.parametrize("verb", ["apply", "rollback"])
def test_other_ends(played: Any, verb: str, last: Progress, err: str) -> None:
    """Told apart by their texts, on standard error, and by exit codes."""
    played.answers[verb] = [last]
    assert played.run(verb) == (last.code, "", err)


@pytest.mark.parametrize("verb", ["apply", "rollback"])
def test_json(played: Any, verb: str) -> None:
    """An object a line; the last has details, message and the code, which is the command's."""
    steps = [*STEPS, end(4, "failed", "rolled back", "why")]
    played.answers[verb] = steps
    code, out, err = played.run(verb, "--json")
    assert (code, err) == (4, "")
    assert [json.loads(line) for line in out.splitlines()] == [step._asdict() for step in steps]


@pytest.mark.parametrize("verb", ["apply", "rollback"])
def test_interrupted(played: Any, verb: str) -> None:
    """Ctrl-C ends the watching, says so in one line with the way back, and is 130."""
    played.answers[verb] = [KeyboardInterrupt()]
    undo = {"apply": "; to undo it: snowfox rollback --supersede"}.get(verb, "")
    assert played.run(verb) == (130, "", f"interrupted: the {verb} goes on{undo}; see: snowfox status\n")


@pytest.mark.parametrize("verb", ["apply", "rollback", "plan"])
def test_not_now(played: Any, verb: str) -> None:
    """A refusal as any other: 3, and as JSON an end of its own."""
    text = f"cannot {verb}: #17 (apply by anna) is under way"
    error = NotNow(text, "wait for it")
    played.answers[verb] = error if verb == "plan" else [error]
    assert played.run(verb) == (3, "", f"{text}\n   wait for it\n")
    code, out, err = played.run(verb, "--json")
    assert (code, err) == (3, "")
    found = json.loads(out)
    if verb == "plan":
        assert found["refusals"] == [text]
    else:
        assert found == Progress("", "refused", text, 0, last=True, code=3)._asdict()


@pytest.mark.parametrize("verb", ["apply", "rollback"])
def test_watching_ends(played: Any, noon: VirtualClock, verb: str) -> None:
    """After --wait the command ends with 8, and says that it goes on."""

    def steps() -> Iterator[Any]:
        yield STEPS[1]
        noon.advance("10s")
        yield DeadlineExceeded("cannot Manager.apply: no answer in time")

    played.answers[verb] = steps()
    assert played.run(verb, "--wait", "10s") == (
        8,
        "✓ shop.web@1     ready      1.9 s\n",
        f"the {verb} is still under way after 10s, and goes on; see: snowfox status\n",
    )


@pytest.mark.parametrize("more", [(), ("--wait", "10s")])
def test_a_deadline_of_the_node(played: Any, noon: VirtualClock, more: tuple[str, ...]) -> None:
    """One that is not over here is a failure like others."""
    played.answers["apply"] = [DeadlineExceeded("cannot ask the spawner: no answer in time")]
    assert played.run("apply", *more) == (1, "", "cannot ask the spawner: no answer in time\n")


@pytest.mark.parametrize("verb", ["apply", "rollback"])
def test_the_node_ends_the_session(played: Any, verb: str) -> None:
    """Exit code 1, and how to learn what became of it; the same when it ends without a word."""
    played.answers[verb] = [*STEPS, ConnectionLost("gone")]
    code, _, err = played.run(verb)
    assert code == 1
    assert err.splitlines() == [
        f"cannot follow the {verb}: the node ended the session",
        "   snowfox status tells which version is in force, and why",
    ]
    played.answers[verb] = STEPS
    assert played.run(verb)[0] == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotNow("cannot apply: #17 is under way, by anna", "take its place: --supersede"), 3),
        (UserError("cannot read /etc: it is not below /srv/shop", "start a node there"), 1),
    ],
)
def test_errors(played: Any, error: Any, code: int) -> None:
    """One that is under way, a path outside of the node's folder."""
    played.answers["apply"] = [error]
    assert played.run("apply", "/etc") == (code, "", f"{error}\n   {error.hint}\n")


def test_no_node(played: Any) -> None:
    """Exit code 6."""
    played.refuses = NoNode("none", "start one")
    assert played.run("apply") == (6, "", "none\n   start one\n")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--confirm", "0s"), "cannot wait for a confirmation 0s\n   at least 1s\n"),
        (("--confirm", "31d"), "cannot wait for a confirmation 31d\n   at most 30d\n"),
        (
            ("--confirm", "soon"),
            'cannot wait for a confirmation: "soon" is not a duration\n   for example "30s", "5m"\n',
        ),
        (("--wait", "0s"), "cannot wait 0s\n   at least 1s\n"),
        (("a", "b"), 'cannot read the command: "b" is one word too many\n   see: snowfox apply --help\n'),
    ],
)
def test_wrong_use(played: Any, words: tuple[str, ...], line: str) -> None:
    """Exit code 2, the node is not asked."""
    assert played.run("apply", *words) == (2, "", line)
    assert played.asked == []
