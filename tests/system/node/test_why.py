"""Why services are as they are, and what they take: with real processes."""

from __future__ import annotations

import getpass
import json
import os
from typing import Any

from snowfox.testing.node import Node

TWO = """
[service.web]
command = ["sh", "-c", "echo serving; exec sleep 1000"]
directory = "/"
restart = { delay = "10ms" }

[service.behind]
command = ["sleep", "1000"]
directory = "/"
requires = ["web"]

[service.broken]
command = ["sh", "-c", "echo no database; exit 3"]
directory = "/"
restart = { delay = "10ms", limit = 2 }
"""


def why(node: Node, *words: str) -> list[dict[str, Any]]:
    """`snowfox why --json`."""
    found: list[dict[str, Any]] = json.loads(node.good("why", *words, "--json"))
    return found


def texts(node: Node, instance: str) -> list[str]:
    """What happened to it."""
    return [one["text"] for one in why(node, instance)[0]["happened"]]


def test_who_did_it(node: Node) -> None:
    """A kill from outside, a signal that a person had us send, a restart of what it requires: each by its name."""
    me = getpass.getuser()
    node.write(TWO)
    node.run("up", "-d")
    os.kill(node.status()["web"]["pid"], 9)
    node.until(lambda: node.status()["web"]["restarts"] == 1, "started again")
    assert texts(node, "web")[-2:] == [
        "killed by signal 9 (KILL), not by us",
        "started again after 0.01 s, try 1 of 5",
    ]
    node.good("signal", "KILL", "web")
    node.until(lambda: node.status()["web"]["restarts"] == 2, "started again")
    assert texts(node, "web")[-3:-1] == [
        f"signal 9 (KILL) sent by {me}",
        f"killed by signal 9 (KILL), sent by {me}",
    ]
    node.good("restart", "web")
    behind = why(node, "behind")[0]["happened"][-2:]
    assert [one["text"] for one in behind][1] == "started"
    assert [(one["verb"], one["who"]) for one in behind] == [("restart", me)] * 2


def test_what_failed(node: Node) -> None:
    """Without a name all that is not as wanted: its ends, its last lines, the version; `up` points to it."""
    node.write(TWO)
    up = node.run("up", "-d")
    assert up.code == 1
    assert "see: snowfox why broken" in up.err
    found = why(node)
    assert [one["instance"]["id"] for one in found] == ["broken"]
    assert [line["text"] for line in found[0]["lines"]] == ["no database"] * 2
    assert found[0]["happened"][-1]["text"].endswith("2 failed starts within 1m")
    assert found[0]["version"]["is_current"]


def test_what_it_takes(node: Node) -> None:
    """Memory, descriptors and processes of what runs; nothing of what does not."""
    node.write(TWO)
    node.run("up", "-d")
    rows = {one["instance"]["id"]: one for one in json.loads(node.good("top", "-n", "1", "--json"))}
    assert rows["web"]["processes"] == 1
    assert rows["web"]["memory"] > 100_000
    assert rows["web"]["descriptors"] in {3, -1}
    assert rows["broken"]["processes"] == 0


def test_links_and_promises(node: Node) -> None:
    """The manager's sessions: daemon, spawner and who asks, with their round trips; nothing is awaited at rest."""
    node.write(TWO)
    node.run("up", "-d")
    links = {one["serves"] or one["calls"]: one for one in json.loads(node.good("links", "--json"))}
    assert links.keys() == {"Daemon", "Spawner", "Manager"}
    assert all(one["round_trip"] > 0 and one["received"] > 0 and one["sent"] > 0 for one in links.values())
    assert links["Manager"]["user"] == getpass.getuser()
    assert (links["Manager"]["owed"], links["Spawner"]["reconnects"]) == (1, 0)
    assert node.good("links").splitlines()[0].split()[:2] == ["LINK", "USER"]
    assert isinstance(json.loads(node.good("promises", "--json")), list)
