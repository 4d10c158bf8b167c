"""The three set-ups that people come with, as they stand in `examples/`: started, used, hurt, and stopped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from snowfox.testing.node import Node

EXAMPLES = Path(__file__).parents[3] / "examples"
NOBODY = 65534


def take(node: Node, name: str) -> None:
    """A copy of the example is the node's folder; in root's node it belongs to who is to run it."""
    shutil.copytree(
        EXAMPLES / name, node.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("data", "__pycache__")
    )
    if os.getuid() == 0:
        for path in (node.folder, *node.folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def ask(port: int, path: str, data: str | None = None) -> str:
    """What the site answers. Raises OSError for anything else than 2xx."""
    body = None if data is None else data.encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", body, timeout=10) as answer:
        return answer.read().decode()


def test_web_with_workers(node: Node) -> None:
    """Jobs go in at the front and come out done; a restart of the whole site loses no request and no job."""
    take(node, "web")
    port, file = free_port(), node.folder / "snowfox.toml"
    file.write_text(file.read_text().replace("8081", str(port)))
    node.good("up", "-d")
    assert {name: one["state"] for name, one in node.status().items()} == {
        "tables": "finished",
        "web@1": "ready",
        "web@2": "ready",
        "worker@1": "ready",
        "worker@2": "ready",
    }
    jobs = [ask(port, "/jobs", f"hello {number}").strip() for number in range(10)]
    os.kill(node.running()["worker@1"].pid, signal.SIGKILL)
    before = node.running()
    with ThreadPoolExecutor(4) as pool:
        restart = pool.submit(node.good, "restart", "@site")
        while not restart.done():
            jobs.append(ask(port, "/jobs", "in between").strip())
        restart.result()
    after = node.running()
    assert all(after[name].pid != before[name].pid for name in ("web@1", "web@2", "worker@2"))
    node.until(lambda: f"jobs: {len(jobs)}, done: {len(jobs)} " in ask(port, "/"), "all jobs are done")
    assert ask(port, f"/jobs/{jobs[3]}") == "HELLO 3\n"
    assert ask(port, f"/jobs/{jobs[-1]}") == "IN BETWEEN\n"


def put(node: Node, *jobs: str) -> str:
    """Put jobs into the queue; how it stands."""
    done = subprocess.run(
        [sys.executable, "put.py", *jobs],
        cwd=node.folder,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return done.stdout.strip()


def test_queue_consumers(node: Node) -> None:
    """Every job is done though a consumer is killed at it, the queue itself dies, and their number changes."""
    take(node, "queue")
    node.good("up", "-d")
    put(node, *(f"job {number}" for number in range(30)))
    os.kill(node.running()["consumer@2"].pid, signal.SIGKILL)
    node.good("scale", "consumer=5")
    assert sum(name.startswith("consumer@") for name in node.running()) == 5
    os.kill(node.running()["queue"].pid, signal.SIGKILL)
    results = node.folder / "data" / "results"
    node.until(lambda: results.exists() and len(list(results.iterdir())) == 30, "all jobs are done")
    node.until(lambda: node.status()["queue"]["state"] == "ready", "the queue is back")
    node.until(lambda: put(node) == "COUNT 0 0 30", "the queue knows")
    assert (results / "30").read_text().startswith("JOB 29 by ")
    node.good("stop", "consumer@5")
    put(node, "one more")
    node.until((results / "31").exists, "the others go on")
    node.until(lambda: "all as wanted" in node.run("status").out, "all are there")


def test_scheduled_scripts(node: Node) -> None:
    """What runs often runs by itself, what runs seldom when somebody asks; all that is told of them is true."""
    pytest.importorskip("cronsim", reason="locked in requirements/test.txt: make .venv/.test")
    take(node, "scheduled")
    node.good("up", "-d")
    assert node.run("start", "report").code == 1
    status = node.status()
    assert (status["report"]["state"], status["report"]["light"]) == ("failed", "red")
    assert "next run in" in status["report"]["message"]
    samples = node.folder / "data" / "samples"
    node.until(lambda: samples.exists() and len(samples.read_text().splitlines()) >= 2, "two samples")
    node.good("start", "report")
    node.good("start", "backup")
    assert "samples, load" in (node.folder / "data" / "report.txt").read_text()
    assert len(list((node.folder / "data" / "backup").rglob("*"))) == 3
    assert "all as wanted" in node.good("status")
    assert "next runs:" in node.good("show", "backup")
    node.good("stop", "--all")
    count = len(samples.read_text().splitlines())
    node.good("start", "--all")
    status = node.status()
    assert (status["report"]["state"], status["backup"]["state"]) == ("waiting", "waiting")
    node.until(lambda: len(samples.read_text().splitlines()) > count, "it goes on with its schedule")
