"""`snowfox init`."""

import re

import pytest

from snowfox.cli import main
from snowfox.cli.commands.init import TEXT
from snowfox.testing.configuration import checked


def test_writes_and_refuses(tmp_path, monkeypatch, capsys):
    """It writes a file that check takes, and never over one."""
    monkeypatch.chdir(tmp_path)
    assert main.run(["init"]) == 0
    assert (tmp_path / "snowfox.toml").read_text() == TEXT
    assert main.run(["check"]) == 0
    (tmp_path / "snowfox.toml").write_text("mine")
    capsys.readouterr()
    assert main.run(["init"]) == 1
    assert capsys.readouterr().err.split("\n")[0] == "cannot write snowfox.toml: it exists already"
    assert (tmp_path / "snowfox.toml").read_text() == "mine"


def test_follows_no_link(tmp_path, capsys):
    """A link at its place is left alone, and what it leads to too."""
    (tmp_path / "snowfox.toml").symlink_to(tmp_path / "target")
    assert main.run(["init", str(tmp_path)]) == 1
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("folder", ["none", "file"])
def test_unusable_folder(tmp_path, capsys, folder):
    """A folder that is not there is one line with its errno."""
    (tmp_path / "file").write_text("")
    assert main.run(["init", str(tmp_path / folder)]) == 1
    assert re.fullmatch(
        rf"cannot write {tmp_path}/{folder}/snowfox.toml: .* \((ENOENT|ENOTDIR)\)\n", capsys.readouterr().err
    )


def test_works_for_every_user_at_once():
    """The service needs no file of the folder: an absolute directory, a program of every host."""
    found = checked(TEXT).require()
    (service,) = found.services.values()
    assert (service.directory, service.command[:2], service.user) == ("/", ("sh", "-c"), "")


def test_what_is_commented_out_is_right():
    """All that it shows in comments can be used as it stands, and shows every key."""
    lines = [re.sub(r"^# (?=\[|[a-z-]+ = )", "", line) for line in TEXT.split("\n")]
    found = checked("\n".join(lines))
    assert [problem.show() for problem in found.errors] == []
    assert found.configuration is not None
    assert set(found.configuration.services) == {"clock", "migrate", "web"}
