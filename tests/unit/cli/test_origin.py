"""Where a new configuration is to come from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from snowfox.cli.origin import found, given
from snowfox.errors import ConfigurationRefused


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (None, ""),
        (".", "/srv/shop"),
        ("", "/srv/shop"),
        ("..", "/srv"),
        ("next/snowfox.toml", "/srv/shop/next/snowfox.toml"),
        ("/etc/shop", "/etc/shop"),
        ("a@b", "/srv/shop/a@b"),
        ("git:", "git:/srv/shop@HEAD"),
        ("git:@main", "git:/srv/shop@main"),
        ("git:../shop", "git:/srv/shop@HEAD"),
        ("git:repo@feature/x", "git:/srv/shop/repo@feature/x"),
        ("git:/srv/a@b@v1.0", "git:/srv/a@b@v1.0"),
        ("git:.@main@{1}", "git:/srv/shop@main@{1}"),
        ("git:.@", "git:/srv/shop@"),
    ],
)
def test_a_path_becomes_absolute(monkeypatch: pytest.MonkeyPatch, path: str | None, asked: str) -> None:
    """From where the person is, also inside of git:PATH@REF; no PATH stays none."""
    monkeypatch.setattr("os.getcwd", lambda: "/srv/shop")
    assert given(path) == asked


def test_links_on_the_way_are_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node's folder has none in its path; what is not there goes to the node all the same."""
    (tmp_path / "link").symlink_to("/nowhere")
    monkeypatch.chdir(tmp_path)
    assert given("link/x") == "/nowhere/x"
    assert given("gone/x") == f"{os.path.realpath(tmp_path)}/gone/x"


def test_a_path_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was written; one that cannot be seen is the node's to read, as is a repository."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").touch()
    assert found("there") == given("there")
    assert found("git:gone@main") == given("git:gone@main")
    assert (found(None), found("")) == (given(None), given(""))
    with pytest.raises(ConfigurationRefused, match=r"cannot read gone: no such file or directory \(ENOENT\)"):
        found("gone")
    with pytest.raises(ConfigurationRefused, match=r"cannot read there/x: not a directory \(ENOTDIR\)"):
        found("there/x")
