"""Changes of the configuration by the command line, on whole nodes."""

from __future__ import annotations

import json
import re
import signal
from typing import Any

from snowfox.testing.node import Done, Node

FIRST = """
[service.cache]
command = ["sleep", "1000"]
directory = "/"

[service.web]
command = ["sleep", "1001"]
directory = "/"
environment = { DEBUG = "0" }
requires = ["cache"]

[service.report]
command = ["sleep", "1002"]
directory = "/"
"""
SECOND = FIRST.replace('DEBUG = "0"', 'DEBUG = "1"').replace("service.report", "service.mailer")
BROKEN = FIRST.replace('command = ["sleep", "1001"]', 'command = ["sh", "-c", "exit 7"]')
REFUSED = FIRST.replace('command = ["sleep", "1001"]', 'command = ["no-such-program"]')
SLOW = FIRST.replace('DEBUG = "0" }', 'DEBUG = "slow" }\nready = { delay = "10s" }')


def up(node: Node) -> dict[str, Any]:
    """Start with the first; what runs."""
    node.write(FIRST)
    node.good("up", "-d")
    return node.running()


def begun(node: Node, text: str) -> Done:
    """Apply this; how the command ended."""
    node.write(text)
    return node.run("apply")


def notes(node: Node) -> str:
    """What status says of the node itself."""
    return "\n".join(json.loads(node.run("status", "--json").out)["notes"])


def test_planned_applied_and_back(node: Node) -> None:
    """What plan says happens, and nothing else; a rollback needs no file; each kept service has the pid that it had."""
    first = up(node)
    assert "nothing changes" in node.good("plan", "--exit-code")
    before = node.version()
    node.write(SECOND)
    node.until(lambda: "snowfox plan" in node.run("status").out, "the files are looked at again")
    assert "snowfox apply" in node.run("up", "-d").out
    planned = node.run("plan", "--exit-code")
    assert planned.code == 8
    assert [line[:10].rstrip() for line in planned.out.splitlines()[1:5]] == [
        " = 1 kept",
        " ± web",
        " + mailer",
        " - report",
    ]
    assert 'environment.DEBUG: "0" → "1"' in planned.out
    assert node.running() == first
    assert "is in force" in node.good("apply")
    second = node.running()
    assert set(second) == {"cache", "web", "mailer"}
    assert second["cache"] == first["cache"]
    assert second["web"] != first["web"]
    assert "DEBUG=1" in node.good("env", "web").splitlines()
    assert node.version() != before
    versions = json.loads(node.good("versions", "--json"))
    assert len({one["who"] for one in versions}) == 1
    assert versions[-1]["who"]
    (node.folder / "snowfox.toml").unlink()
    node.good("rollback", before[:7])
    assert node.version() == before
    assert node.running()["cache"] == first["cache"]
    assert set(node.running()) == {"cache", "web", "report"}


def test_refused(node: Node) -> None:
    """By plan and by apply, with the reason, exit code 3, and nothing moved; the same for a file that is wrong."""
    first = up(node)
    for text, why in ((REFUSED, "no-such-program"), (FIRST + "x = \n", "snowfox.toml:15:5: ")):
        for verb in ("plan", "apply"):
            node.write(text)
            done = node.run(verb)
            assert (done.code, why in done.text) == (3, True), done.text
            assert json.loads(node.run("plan", "--json").out)["refusals"]
    assert node.running() == first


def test_rolled_back(node: Node) -> None:
    """What does not get ready is told with its reason; exit code 4, the old version is in force and runs."""
    first = up(node)
    before = node.version()
    done = begun(node, BROKEN)
    assert done.code == 4, done.text
    assert f"rolled back to {before[:7]}: web did not get ready: exit 7" in done.err
    assert node.version() == before
    node.until(lambda: node.status()["web"]["state"] == "ready", "web is back")
    assert node.running()["cache"] == first["cache"]


def test_who_watches_no_longer_changes_nothing(node: Node) -> None:
    """--wait ends with 8, Ctrl-C with 130; the apply goes on, a second is refused with its name, or takes its place."""
    up(node)
    node.write(SLOW)
    done = node.run("apply", "--wait", "1s")
    assert (done.code, "goes on" in done.err) == (8, True), done.text
    told = notes(node)
    assert re.match(r"#2 apply by \S+ is under way since \d", told), told
    assert "files changed since" not in told
    second = node.run("apply")
    assert (second.code, "is under way" in second.err) == (3, True), second.text
    watching = node.begin("apply", "--supersede", "--json")
    assert watching.stdout is not None
    assert "web" in watching.stdout.readline()
    watching.send_signal(signal.SIGINT)
    text = watching.communicate(timeout=30)[0]
    assert (watching.returncode, "the apply goes on" in text) == (130, True), text
    node.write(FIRST)
    node.good("apply", "--supersede")


def test_confirmed_or_not(node: Node) -> None:
    """A provisional version goes back by itself; a confirmed one stays, and there is nothing to confirm then."""
    up(node)
    before = node.version()
    node.write(SECOND)
    node.good("apply", "--confirm", "2s")
    second = node.version()
    assert "to be confirmed until" in node.good("versions")
    node.until(lambda: node.version() == before, "it went back", 15)
    node.until(lambda: "report" in node.running(), "report runs again")
    node.until(lambda: "under way" not in notes(node), "it is done")
    assert f"#3 went back to {before[:7]}: {second[:7]} was not confirmed in time" in notes(node)
    node.good("apply", "--confirm", "10m")
    assert "not confirmed in time" not in notes(node)
    assert "stays in force" in node.good("confirm")
    assert node.run("confirm").code == 1


def test_wrong_input(node: Node) -> None:
    """Another folder, a version that is not kept, no such service: told in a line, with their exit codes."""
    up(node)
    for words, code, why in (
        (("plan", "/etc"), 3, "cannot read /etc: this node is that of"),
        (("apply", "/etc"), 3, "cannot read /etc: this node is that of"),
        (("rollback",), 3, "there is no version before this"),
        (("rollback", "zzz"), 3, "no versions begin with zzz"),
        (("show", "wbe"), 4, "wbe"),
        (("env", "wbe"), 4, "wbe"),
        (("confirm",), 1, "not provisional"),
    ):
        done = node.run(*words)
        assert (done.code, why in done.err) == (code, True), done.text
        assert "Traceback" not in done.text
    assert "sleep" in node.good("show", "web")


def test_all_as_json(node: Node) -> None:
    """Each prints what JSON takes: one object or list, or an object a line."""
    up(node)
    node.write(SECOND)
    for words in (("plan",), ("apply",), ("versions",), ("show", "web"), ("env", "web"), ("rollback",)):
        found = [json.loads(line) for line in node.good(*words, "--json").splitlines()]
        assert len(found) == 1 or found[-1]["last"], words
