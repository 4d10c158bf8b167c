"""`Procfile` and `.env`."""

import pytest

from snowfox.service.spec import Restart, Service
from snowfox.testing.configuration import FOLDER, checked, configuration, shown

PROCFILE = "# shop\nweb: gunicorn app ${X:-1} | tee log  \n\nworker:python worker.py\r\nrelease: ./migrate\n"


def read(text, env=None):
    """What a Procfile says."""
    return configuration(text, name="Procfile", env=env)


def problems(text, env=None):
    """The problems of a Procfile as they are shown."""
    return shown(text, name="Procfile", env=env)


def test_lines():
    """A service per line, run by a shell in the folder of the file; what is the shell's is not filled in."""
    found = read(PROCFILE)
    assert found.node == "box"
    assert list(found.services) == ["web", "worker", "release"]
    assert found.services["web"] == Service(
        "web",
        ("sh", "-c", "gunicorn app $${X:-1} | tee log"),
        directory=FOLDER,
        environment={"PORT": "${INSTANCE_PORT}"},
        port=5000,
        requires=("release",),
        owner=1000,
    )


def test_release_comes_first():
    """`release` is a task that all others require."""
    services = read(PROCFILE).services
    assert services["release"].is_task
    assert services["release"].restart == Restart(when="never")
    assert [service.requires for service in services.values()] == [("release",), ("release",), ()]


def test_ports():
    """100 more for each line, from 5000 or from what `.env` says."""
    ports = [service.port for service in read(PROCFILE).services.values()]
    assert ports == [5000, 5100, 5200]
    ports = [service.port for service in read(PROCFILE, "PORT=8000").services.values()]
    assert ports == [8000, 8100, 8200]


def test_env():
    """Quotes, comments and export, as other runners read them; nothing is filled in."""
    env = (
        "# comment\n\nA=plain # note\n  export B = 'single # \\n ${X}' # note\n"
        'C="double \\"q\\" \\\\ \\n#"\nD=\nE=a#b\nF=http://x/?a=b\nG=#x\n'
    )
    assert read("web: x", env).services["web"].environment == {
        "A": "plain",
        "B": "single # \\n $${X}",
        "C": 'double "q" \\ \n#',
        "D": "",
        "E": "a#b",
        "F": "http://x/?a=b",
        "G": "",
        "PORT": "${INSTANCE_PORT}",
    }


def test_version_follows_both_files():
    """A change of `.env` is another version."""
    assert read("web: x", "A=1").version != read("web: x", "A=2").version


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "web: x\n  nonsense here\n",
            'Procfile:2:3: cannot read Procfile: expected "name: command"\n    2 |   nonsense here\n      |   ^^^^^^^^^^^^^',
        ),
        (
            "w@b: x\n",
            'Procfile:1:1: cannot read Procfile: "w@b" is not a name\n    1 | w@b: x\n      | ^^^ letters, digits, "_" and "-"',
        ),
        (
            "web:\n",
            "Procfile:1:1: cannot read Procfile: there is no command for web\n    1 | web:\n      | ^^^^",
        ),
        (
            "web: x\nweb: y\n",
            "Procfile:2:1: cannot read Procfile: web is written twice\n    2 | web: y\n      | ^^^",
        ),
    ],
)
def test_wrong_lines(text, expected):
    """Each error with its place."""
    assert problems(text) == expected


def test_wrong_env():
    """Errors of `.env` are its own, all at once."""
    assert problems("web: x\n", 'nonsense\nA=\'x\n1B=x\nPORT=no\nC="x" y\n') == (
        '.env:1:1: cannot read .env: expected "KEY=VALUE"\n'
        "    1 | nonsense\n"
        "      | ^^^^^^^^\n"
        ".env:2:3: cannot read .env: a quote is not closed, or something follows it\n"
        "    2 | A='x\n"
        "      |   ^^\n"
        '.env:3:1: cannot read .env: "1B" cannot name a variable\n'
        "    3 | 1B=x\n"
        '      | ^^ letters, digits and "_", not beginning with a digit\n'
        '.env:4:6: cannot read .env: "no" is not a port\n'
        "    4 | PORT=no\n"
        "      |      ^^ 1 to 65535, for example 5000\n"
        ".env:5:3: cannot read .env: a quote is not closed, or something follows it\n"
        '    5 | C="x" y\n'
        "      |   ^^^^^"
    )


def test_ports_end():
    """More lines than there are ports are refused, not started with a port that is none."""
    assert problems("web: x\nworker: y\n", "PORT=65500") == (
        "Procfile: cannot read Procfile: the port of worker would be 65600\n   begin lower: PORT=5000 in .env"
    )


def test_bounds():
    """A file of mistakes is not listed whole."""
    assert len(checked("x\n" * 5000, name="Procfile").problems) == 101


def test_nothing():
    """A file without a process draws a warning."""
    assert (
        problems("# nothing\n")
        == "Procfile: warning: there is no process in it\n   for example web: python3 app.py"
    )
