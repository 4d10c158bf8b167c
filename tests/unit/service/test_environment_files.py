"""Files of variables that a configuration names."""

from snowfox.core.config.source import File, Sources
from snowfox.service.configuration import read
from snowfox.service.environment_files import needed
from snowfox.testing.configuration import FOLDER, checked, configuration, shown

TEXT = """\
[defaults]
environment-files = ["all.env"]
environment.B = "defaults"
[service.web]
command = "web"
environment-files = ["one.env", "sub/../two.env"]
environment.C = "web"
"""
FILES = {
    "all.env": "A=all\nB=all\nX=all\n",
    "one.env": "A=one\nC=one\n",
    "two.env": "# two\nA=${two}\nD='two'\n",
}


def sources(text, files=(), name="snowfox.toml"):
    """The text and files as they were read."""
    return Sources(FOLDER, (File(name, text, 0), *(File(other, "", 0) for other in files)))


def test_precedence():
    """`environment` goes before files of the same table, a later file before an earlier one, an upper table before all."""
    web = configuration(TEXT, files=FILES).services["web"]
    assert web.environment == {"A": "$${two}", "B": "defaults", "X": "all", "C": "web", "D": "two"}


def test_origins():
    """A variable of a file was written there."""
    found = checked(TEXT, files=FILES).origins("web")
    assert {
        key: (origin.layer, origin.file, origin.line)
        for key, origin in found.items()
        if "environment." in key
    } == {
        "environment.A": ("service web", "two.env", 2),
        "environment.B": ("defaults", "snowfox.toml", 3),
        "environment.C": ("service web", "snowfox.toml", 7),
        "environment.D": ("service web", "two.env", 3),
        "environment.X": ("defaults", "all.env", 3),
    }


def test_version():
    """They are part of the version."""
    other = {**FILES, "one.env": "A=other\n"}
    assert configuration(TEXT, files=FILES).version != configuration(TEXT, files=other).version


def test_needed():
    """What is named and not there yet, each once; names that lead somewhere else are not asked for."""
    text = (
        '[template.t]\nenvironment-files = ["/srv/shop/t.env", "../up.env", "/etc/x.env", "", 3]\n'
        f'{TEXT}[service.b]\nenvironment-files = ["all.env"]\n[service.c]\nenvironment-files = "c.env"\n'
    )
    assert needed(sources(text)) == ["all.env", "t.env", "one.env", "two.env"]
    assert needed(sources(text, ["one.env", "t.env"])) == ["all.env", "two.env"]
    assert needed(sources('[service.a]\ncommand = "a"\n')) == []
    assert needed(sources("environment-files = [\n")) == []


def test_needed_by_files_of_services():
    """A file below is asked for below."""
    files = (
        File("node.toml", "", 0),
        File("services/shop/web.toml", 'environment-files = ["a.env", "../../b.env"]', 0),
    )
    assert needed(Sources(FOLDER, files)) == ["services/shop/a.env", "b.env"]


def test_files_that_are_not_read():
    """Where they are asked for, besides whatever else is wrong."""
    text = '[service.a]\nenvironment-files = ["a.txt", "l.env"]\ndebug = 1\n'
    unread = {"l.env": "it is a symbolic link"}
    assert needed(sources(text)) == ["l.env"]
    found = read(sources(text).replace(unread=unread), host="box").problems
    assert [(problem.line, problem.column, problem.text, problem.hint) for problem in found[1:]] == [
        (
            2,
            22,
            'cannot read service a: "a.txt" is not called as an environment file is',
            "NAME.env, .env or .env.NAME",
        ),
        (2, 31, 'cannot read service a: "l.env" cannot be read: it is a symbolic link', ""),
        (3, 1, 'cannot read service a: unknown key "debug"', found[3].hint),
    ]


def test_mistakes():
    """A file that is not there, one that is somewhere else, and what is wrong in one, once."""
    text = (
        '[service.a]\ncommand = "a"\nenvironment-files = ["x.env", "../y.env", "z.env"]\n'
        '[service.b]\ncommand = "b"\nenvironment-files = ["z.env"]\n'
    )
    assert shown(text, files={"z.env": "LISTEN_FDS=1\nnonsense\n"}) == (
        'snowfox.toml:3:22: cannot read service a: there is no file "x.env"\n'
        '    3 | environment-files = ["x.env", "../y.env", "z.env"]\n'
        "      |                      ^^^^^^^\n"
        'snowfox.toml:3:31: cannot read service a: "../y.env" is somewhere else\n'
        '    3 | environment-files = ["x.env", "../y.env", "z.env"]\n'
        "      |                               ^^^^^^^^^^ files of a configuration are below its folder\n"
        "z.env:1:12: cannot read z.env: LISTEN_FDS is set by Snow Fox\n"
        "    1 | LISTEN_FDS=1\n"
        "      |            ^\n"
        'z.env:2:1: cannot read z.env: expected "KEY=VALUE"\n'
        "    2 | nonsense\n"
        "      | ^^^^^^^^"
    )
