"""What a service has from elsewhere, and what people call it by, with real processes: templates, files of variables, labels."""

from __future__ import annotations

from pathlib import Path

from snowfox.testing.node import Node

TEXT = """
[template.python]
environment = { BUFFERED = "1", KIND = "template" }

[service.web]
command = ["sleep", "1000"]
directory = "app"
description = "The shop's front"
extends = "python"
environment-files = ["production.env"]
environment = { KIND = "own" }
labels = ["shop", "public"]

[service.other]
command = ["sleep", "1000"]
directory = "/"
"""


def test_templates_files_of_variables_folders_and_labels(node: Node) -> None:
    """Its process has what its template and its file say, what it says itself goes before; a label names it."""
    (node.folder / "app").mkdir(parents=True)
    (node.folder / "production.env").write_text("DATABASE='shop db'\nKIND=file\n")
    node.write(TEXT)
    node.good("up", "-d")
    running = node.running()
    process = Path(f"/proc/{running['web'].pid}")
    words = (process / "environ").read_text().split("\0")
    assert {"BUFFERED=1", "DATABASE=shop db", "KIND=own"} <= {*words}
    assert (process / "cwd").readlink() == node.folder / "app"
    shown = node.good("show", "web")
    assert "The shop's front" in shown
    node.good("stop", "@public")
    assert [*node.running()] == ["other"]


def test_a_label_and_a_description_are_taken_over_live(node: Node) -> None:
    """The process stays; the new label names it, the old one names nobody."""
    node.write(TEXT.replace('directory = "app"', 'directory = "/"').replace("environment-files", "#"))
    node.good("up", "-d")
    before = node.running()["web"].pid
    node.write(
        TEXT.replace('directory = "app"', 'directory = "/"')
        .replace("environment-files", "#")
        .replace('"public"', '"internal"')
        .replace("The shop's front", "Another")
    )
    node.good("apply")
    assert node.running()["web"].pid == before
    assert "Another" in node.good("show", "web")
    assert node.run("stop", "@public").code == 4
    node.good("stop", "@internal")
    assert [*node.running()] == ["other"]
