"""`snowfox check`."""

import json
import os
import subprocess
import sys

import pytest

from snowfox.cli import main
from snowfox.cli.commands import init

GOOD = '[service.web]\ncommand = "web"\ninstances = 2\n'


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(*words):
    """Run the command; its exit code."""
    return main.run(["check", *words])


def test_fine(here, capsys):
    """A good file is one line and 0."""
    (here / "snowfox.toml").write_text(GOOD)
    assert check() == 0
    assert capsys.readouterr().out == "snowfox.toml is fine: 1 service, 2 instances\n"


def test_problems(here, capsys):
    """Problems go to standard output with the file as the person named it; the exit code is 3."""
    (here / "sub").mkdir()
    (here / "sub" / "snowfox.toml").write_text(GOOD + "foo = 1\n")
    assert check("sub") == 3
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.startswith(
        'sub/snowfox.toml:4:1: cannot read service web: unknown key "foo"\n    4 | foo = 1\n'
    )
    assert printed.out.endswith("\n1 error\n")


def test_warnings_are_no_refusal(here, capsys):
    """A file with warnings can be used."""
    (here / "snowfox.toml").write_text('[service.web]\ncommand = "a | b"\n')
    assert check() == 0
    assert capsys.readouterr().out.endswith("snowfox.toml can be used: 1 service, 1 instance, 1 warning\n")


def test_procfile(here, capsys):
    """A folder with nothing else may have a Procfile."""
    (here / "Procfile").write_text("web: x\n")
    assert check() == 0
    (here / "Procfile").write_text("web x\n")
    assert check() == 3
    assert 'Procfile:1:1: cannot read Procfile: expected "name: command"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (
            lambda path: None,
            "cannot read {here}: there is no snowfox.toml and no node.toml and no Procfile in it\n   snowfox init  writes a first one\n",
        ),
        (
            lambda path: path.write_bytes(b"\0" * 10),
            "cannot read snowfox.toml: it is a binary file (a NUL byte in line 1)\n",
        ),
        (
            lambda path: path.write_bytes(b"#" * (10 << 20)),
            "cannot read snowfox.toml: it has 10.0M, more than 1.0M\n",
        ),
        (os.mkfifo, "cannot read snowfox.toml: it is a FIFO\n"),
        (lambda path: path.symlink_to("nowhere"), "cannot read snowfox.toml: it is a symbolic link\n"),
    ],
    ids=["missing", "binary", "large", "fifo", "link"],
)
def test_unusable_file(here, capsys, make, why):
    """What cannot be read at all is one clear line on standard error."""
    make(here / "snowfox.toml")
    assert check() == 3
    assert capsys.readouterr() == ("", why.format(here=here))


def test_missing_folder(here, capsys):
    """A path that is not there is named as it was written."""
    assert check("no/such") == 3
    assert capsys.readouterr().err == "cannot read no/such: no such file or directory (ENOENT)\n"


def test_deep_folder(here, capsys):
    """The length of the path does not matter."""
    deep = here.joinpath(*["x" * 100] * 10)
    deep.mkdir(parents=True)
    (deep / "snowfox.toml").write_text(GOOD)
    assert check(str(deep)) == 0


def test_json(here, capsys):
    """The documented shape, for a good file, a bad one and none."""
    (here / "snowfox.toml").write_text(GOOD)
    assert check("--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found.pop("version")) == 64
    assert found == {
        "file": "snowfox.toml",
        "usable": True,
        "commit": None,
        "services": 1,
        "instances": 2,
        "problems": [],
    }
    (here / "snowfox.toml").write_text(GOOD + "comand = 1\n")
    assert check("--json") == 3
    assert json.loads(capsys.readouterr().out) == {
        "file": "snowfox.toml",
        "usable": False,
        "commit": None,
        "version": None,
        "services": 0,
        "instances": 0,
        "problems": [
            {
                "level": "error",
                "file": "snowfox.toml",
                "line": 4,
                "column": 1,
                "text": 'cannot read service web: unknown key "comand"',
                "hint": 'did you mean "command"?',
            }
        ],
    }
    assert check("--json", "none") == 3
    found = json.loads(capsys.readouterr().out)
    assert found["problems"][0]["text"] == "cannot read none: no such file or directory (ENOENT)"


def test_ascii_terminal(here):
    """A terminal that knows no Unicode gets signs in place of it, not a stack trace."""
    (here / "snowfox.toml").write_text("a = yes # é\n")
    program = "from snowfox.cli.main import main; main(['check'])"
    path = os.pathsep.join(sys.path)
    environment = {"PYTHONIOENCODING": "ascii", "PYTHONPATH": path, "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (3, "")
    assert '    1 | a = yes # ?\n      |     ^ text is written in quotes: "?"' in done.stdout


def test_imports_are_lean(here):
    """Checking loads nothing heavy, and no spelling help while nothing is wrong."""
    (here / "snowfox.toml").write_text(init.TEXT)
    program = (
        "import sys; from snowfox.cli.main import run; code = run(['check']);"
        "print(*sorted({'asyncio', 'dataclasses', 'msgspec', 'difflib', 'json', 'ipaddress', 'hashlib', 'inspect'} & set(sys.modules)))"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )
    assert done.stdout == "snowfox.toml is fine: 1 service, 1 instance\n\n", done.stderr


def test_folder(here, capsys):
    """A folder of many files is one configuration; a file in it that does not belong there is named."""
    (here / "services" / "shop").mkdir(parents=True)
    (here / "node.toml").write_text('[node]\nname = "x"\n')
    (here / "services" / "db.toml").write_text('command = "db"\nready = { delay = "1s" }\n')
    (here / "services" / "shop" / "web.toml").write_text('command = "web"\nafter = ["db"]\ninstances = 2\n')
    assert check() == 0
    assert capsys.readouterr().out == "node.toml is fine: 2 services, 3 instances\n"
    (here / "services" / "db.toml").write_text("x = \n")
    assert check() == 3
    assert "services/db.toml:1:5: cannot read services/db.toml" in capsys.readouterr().out
    os.mkfifo(here / "services" / "fifo")
    assert check() == 3
    assert capsys.readouterr().err == "cannot read services/fifo: it is a FIFO\n"


def test_git(here, capsys):
    """A point in the history of a repository, with the commit that it is."""
    (here / "snowfox.toml").write_text(GOOD)
    author = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*author, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *words], check=True)
    (here / "snowfox.toml").write_text("not committed")
    commit = subprocess.run(
        ["git", "rev-parse", "main"], check=True, capture_output=True, text=True
    ).stdout.strip()
    assert check("git:.@main") == 0
    assert capsys.readouterr().out == f"commit {commit}\nmain:snowfox.toml is fine: 1 service, 2 instances\n"
    assert check("git:", "--json") == 0
    assert json.loads(capsys.readouterr().out)["commit"] == commit
    assert check("git:.@none") == 3
    assert capsys.readouterr().err.startswith(
        "cannot read git:.@none: there is no branch, tag or commit none\n"
    )
    assert check("git:.@") == 3
