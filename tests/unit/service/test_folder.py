"""The folder form: `node.toml` and a file for each service."""

from snowfox.core.config.source import File, Sources
from snowfox.core.posix.api import User
from snowfox.service.configuration import read
from snowfox.service.folder import folder_of, is_service_file, service_of
from snowfox.service.launch import Node, plan
from snowfox.service.spec import Log
from snowfox.testing.configuration import FOLDER

NODE = """\
[node]
name = "shop-1"
[defaults]
log.keep = 9
[template.python]
command = "./run ${INSTANCE}"
environment-files = ["all.env"]
[socket.front]
listen = "unix:run/front"
"""


def checked(*files, main=NODE, owners=None):
    """What a check of these files finds; each is (name, text)."""
    owners = owners or {}
    named = (("node.toml", main), *files, ("all.env", "A=all\nB=all\n"))
    made = [File(name, text, owners.get(name, 1000)) for name, text in named]
    return read(Sources(FOLDER, tuple(made)), host="box")


def lines(*files, **more):
    """First lines of the problems that it finds."""
    return [problem.show().split("\n")[0] for problem in checked(*files, **more).problems]


def test_names():
    """The path says the name; what is beside is no service."""
    assert service_of("services/shop/web.toml") == "shop.web"
    assert is_service_file("services/web.toml")
    assert not is_service_file("services/web.env")
    assert not is_service_file("other/web.toml")
    assert folder_of("/srv", "services/shop/web.toml") == "/srv/services/shop"
    assert folder_of("/srv", "node.toml") == "/srv"


def test_services():
    """Paths are relative to the file that says them, the owner is that of the service's file."""
    found = checked(
        ("services/cache.toml", 'command = "cache"\n'),
        (
            "services/shop/web.toml",
            'extends = "python"\nsockets = ["front"]\ndirectory = "app"\nenvironment-files = ["web.env"]\nsecrets.KEY = { file = "key" }\n',
        ),
        ("services/shop/web.env", "A=web\n"),
        owners={"services/shop/web.toml": 1001},
    ).require()
    assert list(found.services) == ["cache", "shop.web"]
    web = found.services["shop.web"]
    assert (web.command, web.directory) == ((f"{FOLDER}/run", "${INSTANCE}"), f"{FOLDER}/services/shop/app")
    assert (web.owner, web.folder) == (1001, f"{FOLDER}/services/shop")
    assert web.environment == {"A": "web", "B": "all"}
    assert web.secrets[0].file == f"{FOLDER}/services/shop/key"
    assert web.log == Log(keep=9)
    assert found.sockets["front"].listen == (f"unix:{FOLDER}/run/front",)
    assert found.node == "shop-1"


def test_where_it_runs():
    """By default in the folder of its file, and a path of a program that is filled in is relative to that too."""
    found = checked(("services/shop/web.toml", 'command = "${DIR:-bin}/web"\n')).require()
    node = Node("box", uid=1000, user="anna", is_root=False)
    made = plan(
        found, found.services["shop.web"], 1, node=node, user=User("anna", 1000, 1000, "/", "/bin/sh")
    )
    assert (made.folder, made.program) == (f"{FOLDER}/services/shop", f"{FOLDER}/services/shop/bin/web")


def test_all_mistakes():
    """Errors of all files at once, each in its own, in the order of the files."""
    found = lines(
        ("services/a.toml", 'user = 1\nsockets = ["frnt"]\n'),
        ("services/a b.toml", 'command = "x"\n'),
        ("services/web.toml", 'command = "x"\nrequires = ["aa"]\n'),
        main=NODE + '[service.x]\ncommand = "x"\n[template.t]\nextends = "pyton"\n',
    )
    assert found == [
        "node.toml:10:2: cannot read node.toml: services have files of their own here",
        'node.toml:13:11: cannot read template t: there is no template "pyton"',
        "services/a.toml:1:1: cannot read service a: command is missing",
        "services/a.toml:1:8: cannot read service a: user must be the name of a user, not a number",
        'services/a.toml:2:12: cannot read service a: there is no socket "frnt"',
        'services/web.toml:2:13: cannot read service web: there is no service "aa"',
        'services/a b.toml: cannot read services/a b.toml: "a b" is not a name of a service',
    ]


def test_no_toml():
    """A file that is no TOML tells its first error, the others what is wrong with them alone."""
    bad = ("services/b.toml", "command = \n")
    others = ("services/a.toml", 'user = 1\nrequires = ["b"]\n')
    assert lines(others, bad) == [
        "services/a.toml:1:8: cannot read service a: user must be the name of a user, not a number",
        "services/b.toml:1:11: cannot read services/b.toml: this is no value",
    ]
    assert lines(others, main="[node\n") == [
        'node.toml:1:6: cannot read node.toml: expected "]" at the end of the table\'s name',
        "services/a.toml:1:8: cannot read service a: user must be the name of a user, not a number",
    ]


def test_defined_twice():
    """Two files of one service are a mistake, unless the later says what it is for."""
    first, second = "services/shop/web.toml", "services/shop.web.toml"
    twice = lines((first, 'command = "a"\n'), (second, 'command = "b"\n'))
    assert twice == [f"{second}:1:1: cannot read service shop.web: it is defined in {first} already"]
    web = checked(
        (first, 'command = "a"\nlog.size = "1M"\nenvironment = { A = "1", B = "1" }\n'),
        (second, 'override = "merge"\nlog.keep = 1\nenvironment.B = "2"\n'),
    )
    service = web.require().services["shop.web"]
    assert (service.command, service.log, service.environment) == (
        ("a",),
        Log(1 << 20, 1),
        {"A": "1", "B": "2"},
    )
    assert service.folder == f"{FOLDER}/services/shop"
    assert {key: origin.file for key, origin in web.origins("shop.web").items()} == {
        "command": first,
        "log.size": first,
        "environment.A": first,
        "environment.B": second,
        "log.keep": second,
        "override": second,
    }
    other = checked(
        (first, 'command = "a"\nuser = "x"\n'), (second, 'override = "replace"\ncommand = "b"\n')
    ).require()
    assert (other.services["shop.web"].command, other.services["shop.web"].user) == (("b",), "")


def test_override_of_nothing():
    """What overrides is not the first, here and in a single file."""
    assert lines(("services/a.toml", 'command = "a"\noverride = "merge"\n')) == [
        "services/a.toml:2:12: cannot read service a: there is no other file that defines it"
    ]


def test_files_of_different_users():
    """Who a service runs as is never left to chance when files of two users define it."""
    files = (("services/a/b.toml", 'command = "a"\n'), ("services/a.b.toml", 'override = "merge"\n'))
    owners = {"services/a/b.toml": 1001}
    assert lines(*files, owners=owners) == [
        "services/a.b.toml:1:1: cannot read service a.b: services/a/b.toml and services/a.b.toml belong to different users"
    ]
    said = (files[0], ("services/a.b.toml", 'override = "merge"\nuser = "x"\n'))
    assert lines(*said, owners=owners) == []


def test_nothing():
    """A folder without a service is most likely not what was meant."""
    assert "services/web.toml and in it command" in checked().problems[0].hint
