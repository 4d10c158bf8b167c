"""How services end, and what follows: deadlines of tasks, essential services."""

from __future__ import annotations

from snowfox.testing.node import Node


def test_a_task_that_takes_too_long_has_failed(node: Node) -> None:
    """It is ended after its timeout, and says so."""
    node.write("""
[service.job]
type = "task"
command = ["sleep", "1000"]
directory = "/"
timeout = "300ms"
""")
    assert node.run("up", "-d").code == 1
    job = node.status()["job"]
    assert (job["state"], job["light"]) == ("failed", "red")
    assert job["message"] == "not done after 0.3 s"


def test_the_node_ends_with_an_essential_service(node: Node) -> None:
    """In order, with the service's exit code."""
    node.write("""
[service.other]
command = ["sleep", "1000"]
directory = "/"

[service.heart]
command = ["sh", "-c", "sleep 0.5; exit 7"]
directory = "/"
essential = true
restart = { when = "never" }
""")
    process = node.begin("up")
    text, _ = process.communicate(timeout=20)
    assert process.returncode == 7, text
    assert "heart is essential and has failed: exit 7" in node.log()
    assert node.left_behind() == []
