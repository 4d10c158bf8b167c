"""`snowfox plan`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from snowfox.contract.manager import Plan, PlanLine, Reason, VersionLine
from snowfox.errors import ConfigurationRefused, NoNode, UserError

BEFORE = VersionLine("3f9a1c2" + "0" * 57, "main", "", 1, "anna", is_current=True)
AFTER = VersionLine("81d0e77" + "0" * 57, "main", "", 0, "")
CACHE = PlanLine(
    "update", "service", "cache", "", [Reason("restart.limit", "5", "10", "live")], "live, same pid", 0, True
)
CHANGES = Plan(BEFORE, AFTER, 4, [CACHE])
NONE = Plan(BEFORE, BEFORE, 5, [])
REFUSED = CHANGES._replace(refusals=["cannot open 0.0.0.0:80: not allowed by policy", '   ports = ["80"]'])


def test_changes(played: Any) -> None:
    """Like a diff, on standard output; of where the version in force came from."""
    played.answers["plan"] = CHANGES
    assert played.run("plan") == (
        0,
        """\
3f9a1c2 → 81d0e77 (main)
 = 4 kept
 ~ cache  restart.limit: 5 → 10  live, same pid
away: nothing · all of it can be undone
""",
        "",
    )
    assert played.asked == [("plan", "")]


def test_of_another_source(played: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is asked for is absolute, and there."""
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path)
    here = os.path.realpath(tmp_path)
    played.answers["plan"] = NONE
    assert played.run("plan", "shop")[0] == played.run("plan", "git:shop@v2", "--json")[0] == 0
    code, out, _ = played.run("plan", "gone", "--json")
    assert code == 3
    assert json.loads(out)["refusals"] == ["cannot read gone: no such file or directory (ENOENT)"]
    assert played.asked == [("plan", f"{here}/shop"), ("plan", f"git:{here}/shop@v2")]


@pytest.mark.parametrize(
    ("plan", "plain", "told"), [(CHANGES, 0, 8), (NONE, 0, 0), (REFUSED, 3, 3)], ids=["some", "none", "bad"]
)
def test_exit_codes(played: Any, plan: Plan, plain: int, told: int) -> None:
    """With --exit-code changes are 8; a refusal is 3 in any case; the same for people and as JSON."""
    played.answers["plan"] = plan
    for more in ((), ("--json",)):
        assert played.run("plan", *more)[0] == plain
        assert played.run("plan", "--exit-code", *more)[0] == told


def test_refused(played: Any) -> None:
    """Each reason with its advice, and that nothing would be done."""
    played.answers["plan"] = REFUSED
    code, out, err = played.run("plan")
    assert (code, err) == (3, "")
    assert out.endswith(
        'cannot open 0.0.0.0:80: not allowed by policy\n   ports = ["80"]\nrefused: apply would change nothing\n'
    )


def test_json(played: Any) -> None:
    """One object on one line, in the contract's names, with all reasons."""
    played.answers["plan"] = REFUSED._replace(warnings=["w"])
    code, out, err = played.run("plan", "--json")
    assert (code, err, out.count("\n")) == (3, "", 1)
    assert json.loads(out) == {
        "before": BEFORE._asdict(),
        "after": AFTER._asdict(),
        "kept": 4,
        "steps": [
            {
                "action": "update",
                "kind": "service",
                "name": "cache",
                "was": "",
                "reasons": [{"field": "restart.limit", "before": "5", "after": "10", "effect": "live"}],
                "how": "live, same pid",
                "away": 0,
                "undoable": True,
            }
        ],
        "refusals": REFUSED.refusals,
        "warnings": ["w"],
    }


def test_a_wrong_configuration(played: Any) -> None:
    """Its problems, then their number; as JSON they are refusals of a plan without versions."""
    problem = 'snowfox.toml:4:1: cannot read service web: unknown key "restrt"\n    4 | restrt = 1'
    played.answers["plan"] = ConfigurationRefused("1 error", "", [problem])
    assert played.run("plan") == (3, "", f"{problem}\n1 error\n")
    code, out, err = played.run("plan", "--json")
    assert (code, err) == (3, "")
    found = json.loads(out)
    assert list(found) == list(Plan._fields)
    assert (found["before"], found["after"], found["steps"]) == (None, None, [])
    assert found["refusals"] == [problem, "1 error"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NoNode("none", "start one"), 6),
        (UserError("cannot read /etc: it is not below /srv/shop", "start a node there"), 1),
    ],
)
def test_errors(played: Any, error: Any, code: int) -> None:
    """No node, and a path outside of its folder: their own exit codes, also with --json."""
    played.answers["plan"] = error
    for more in ((), ("--json", "--exit-code")):
        assert played.run("plan", "/etc", *more) == (code, "", f"{error}\n   {error.hint}\n")


@pytest.mark.parametrize("words", [["plan"], ["apply"], ["rollback"], ["versions"]])
def test_it_loads_little(words: list[str]) -> None:
    """The node reads and decides: the command loads nothing that could, nor JSON while nobody asked for it."""
    program = (
        "import sys, snowfox.cli.main as main; code = main.run([*sys.argv[1:], '--node', '/nowhere']);"
        "print(code, *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program, *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    code, *loaded = done.stdout.split()
    assert code == "6"
    heavy = {
        "asyncio",
        "dataclasses",
        "difflib",
        "inspect",
        "json",
        "logging",
        "pathlib",
        "shutil",
        "subprocess",
    }
    assert {name for name in loaded if name.startswith(("snowfox.service", "snowfox.core.config"))} == set()
    assert heavy & set(loaded) == set()
