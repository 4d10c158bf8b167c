"""`snowfox.toml`, from text to values and to messages."""

import pytest

from snowfox.errors import ConfigurationRefused
from snowfox.service.section import LATER_TABLES, ServiceTable
from snowfox.service.spec import Configuration, Log, Ready, Restart, Rolling, Secret, Service, Socket, Stop
from snowfox.testing.configuration import FOLDER, checked, configuration, shown

WHOLE = """\
[node]
name = "shop-1"

[socket.front]
listen = ["127.0.0.1:8080", "unix:run/front.sock"]
backlog = 128
mode = "0660"
user = "shop"
group = "www-data"

[service.migrate]
type = "task"
command = ["python", "manage.py", "migrate"]
timeout = "5m"

[service."shop.web"]
command = "gunicorn 'shop app' ${SOCKET_FRONT_PORT}"
directory = "app"
environment = { DEBUG = "0" }
user = "shop"
sockets = ["front"]
instances = 2
requires = ["migrate", "migrate"]
after = ["migrate"]
ready = { http = "unix:run/web-${INSTANCE}.sock", path = "/health", timeout = "5s", every = "1s" }
restart = { when = "on-failure", delay = "0s", max-delay = "1m", limit = 3, window = "2m", early = "2s", reset = "20s", growth = 3, jitter = 0.25, success = [0, 2], final = [78] }
essential = true
stop = { signal = "QUIT", grace = "15s" }
log = { size = "1M", keep = 2 }
autostart = false
description = "The shop's front"
labels = ["shop", "public", "shop"]
replace = "restart"
was = "web"
secrets.KEY = { file = "secrets/key", as = "descriptor" }
secrets.PASSWORD = { file = "/etc/password" }
"""


def test_every_key():
    """Each key of this version ends in its value."""
    found = configuration(WHOLE)
    assert found == Configuration(
        node="shop-1",
        services={
            "migrate": Service(
                "migrate",
                ("python", "manage.py", "migrate"),
                is_task=True,
                restart=Restart(when="never"),
                timeout=300.0,
                owner=1000,
            ),
            "shop.web": Service(
                name="shop.web",
                command=("gunicorn", "shop app", "${SOCKET_FRONT_PORT}"),
                directory=f"{FOLDER}/app",
                environment={"DEBUG": "0"},
                user="shop",
                sockets=("front",),
                instances=2,
                requires=("migrate",),
                after=("migrate",),
                ready=Ready(
                    http=f"unix:{FOLDER}/run/web-${{INSTANCE}}.sock", path="/health", timeout=5.0, every=1.0
                ),
                restart=Restart(
                    "on-failure", 0.0, 60.0, 3, 120.0, 2.0, 20.0, 3.0, 0.25, success=(0, 2), final=(78,)
                ),
                stop=Stop(3, 15.0),
                log=Log(1 << 20, 2),
                autostart=False,
                owner=1000,
                essential=True,
                description="The shop's front",
                labels=("shop", "public"),
                replacement="restart",
                was="web",
                secrets=(
                    Secret("KEY", f"{FOLDER}/secrets/key", "descriptor"),
                    Secret("PASSWORD", "/etc/password", "environment"),
                ),
            ),
        },
        sockets={
            "front": Socket(
                "front", ("127.0.0.1:8080", f"unix:{FOLDER}/run/front.sock"), 128, 0o660, "shop", "www-data"
            )
        },
        version=found.version,
        folder=FOLDER,
    )
    assert len(found.version) == 64


def test_defaults():
    """What is not written is as documented."""
    web = configuration('[service.web]\ncommand = "web"\n').services["web"]
    assert web == Service("web", ("web",), owner=1000)
    assert (web.restart.when, web.stop.signal, web.stop.grace) == ("always", 15, 10.0)
    assert (web.restart.delay, web.restart.max_delay, web.restart.limit, web.restart.window) == (
        0.1,
        30.0,
        5,
        60.0,
    )


def test_replacement():
    """What takes our sockets is replaced rolling unless it says otherwise, the rest only when it says so."""
    text = '[socket.s]\nlisten = ":80"\n[service.a]\ncommand = "a"\nsockets = ["s"]\n[service.b]\ncommand = "b"\n[service.c]\ncommand = "c"\nreplace = "rolling"\n'
    found = configuration(text).services
    assert [found[name].replacement for name in "abc"] == ["rolling", "restart", "rolling"]


def test_a_table_says_how_a_rolling_replacement_goes_on():
    """It is rolling; a table in defaults adds up with it, and both numbers cannot be 0."""
    text = """
[defaults]
replace = { pause = "2s" }
[service.a]
command = "a"
replace = { surge = 0, max-unavailable = 2 }
[service.b]
command = "b"
replace = "restart"
"""
    found = configuration(text).services
    assert (found["a"].replacement, found["a"].rolling) == ("rolling", Rolling(0, 2, 2.0))
    assert (found["b"].replacement, found["b"].rolling) == ("restart", Rolling())
    wrong = '[service.a]\ncommand = "a"\nreplace = { surge = 0 }\n'
    assert "with surge = 0 and max-unavailable = 0 nothing could be replaced" in shown(wrong)


def test_shares_of_a_rolling_replacement():
    """Rounded up for new ones, down for those that are away, never nothing of both; what is no share is refused."""
    text = '[service.a]\ncommand = "a"\nreplace = { surge = "%s", max-unavailable = "%s" }\n'
    rolling = configuration(text % ("25%", "25%")).services["a"].rolling
    assert [rolling.among(count) for count in (1, 3, 4, 5, 8)] == [(1, 0), (1, 0), (1, 1), (2, 1), (2, 2)]
    rolling = configuration(text % ("0%", "10%")).services["a"].rolling
    assert [rolling.among(count) for count in (3, 20)] == [(0, 1), (0, 2)]
    assert configuration(text % ("100%", "0%")).services["a"].rolling.among(3) == (3, 0)
    assert "nothing could be replaced" in shown(text % ("0%", "0%"))
    for bad in ("101%", "-1%", "2.5%", "25", "%", "many"):
        refused = shown(text % ("1%", bad))
        assert (
            f'replace.max-unavailable must be a whole number or a share such as "25%", not "{bad}"' in refused
        )


def test_what_may_be_away_as_a_whole_is_restarted():
    """With one instance, nobody beside it and one away, nothing of it serves: its dependents stop as for a restart."""
    text = '[service.a]\ncommand = "a"\nreplace = { surge = 0, max-unavailable = 1 }\n'
    assert not configuration(text).services["a"].is_rolling
    assert configuration(text + "instances = 2\n").services["a"].is_rolling


def test_node_is_the_host():
    """A node without a name has that of its host."""
    assert configuration('[service.web]\ncommand = "web"\n').node == "box"


def test_task_may_say_when():
    """A task is not tried again unless it says so."""
    text = '[service.a]\ntype = "task"\ncommand = "a"\nrestart = { when = "on-failure" }\n'
    assert configuration(text).services["a"].restart.when == "on-failure"
    text = '[service.a]\ntype = "task"\ncommand = "a"\nrestart = { limit = 2 }\n'
    assert configuration(text).services["a"].restart == Restart(when="never", limit=2)


def test_version_follows_the_text():
    """The same text has the same version, another one another."""
    text = '[service.web]\ncommand = "web"\n'
    assert configuration(text).version == configuration(text).version != configuration(text + "\n").version


def test_documented_messages():
    """The messages are those of the page on commands."""
    text = (
        "\n" * 10
        + '[service.web]\nrestrt = { when = "always" }\ncommand = "web"\nstop = { grace = "10 apples" }\n'
    )
    assert shown(text) == (
        'snowfox.toml:12:1: cannot read service web: unknown key "restrt"\n'
        '   12 | restrt = { when = "always" }\n'
        '      | ^^^^^^ did you mean "restart"?\n'
        'snowfox.toml:14:18: cannot read service web: "10 apples" is not a duration\n'
        '   14 | stop = { grace = "10 apples" }\n'
        '      |                  ^^^^^^^^^^^ for example "10s", "500ms", "2m"'
    )
    assert checked(text).summary() == "2 errors"


@pytest.mark.parametrize("key", sorted(ServiceTable.LATER))
def test_keys_to_come(key):
    """Each designed key that is not there yet says so by name."""
    text = f'[service.web]\ncommand = "web"\n{key} = 1\n'
    assert (
        shown(text).split("\n")[0]
        == f'snowfox.toml:3:1: cannot read service web: "{key}" is not supported yet'
    )


@pytest.mark.parametrize("table", sorted(LATER_TABLES))
def test_tables_to_come(table):
    """And those at the top."""
    text = f"[{table}.x]\na = 1\n"
    assert shown(text) == (
        f'snowfox.toml:1:2: cannot read snowfox.toml: "{table}" is not supported yet\n'
        f"    1 | [{table}.x]\n      |  {'^' * len(table)}"
    )


@pytest.mark.parametrize(
    ("text", "first", "hint"),
    [
        (
            "[servce.web]\n",
            '1:2: cannot read snowfox.toml: unknown table "servce"',
            'did you mean "service"?',
        ),
        (
            "[web]\n",
            '1:2: cannot read snowfox.toml: unknown table "web"',
            "services are written [service.web]",
        ),
        (
            "port = 1\n",
            '1:1: cannot read snowfox.toml: unknown key "port"',
            "known here: node, defaults, socket, template, service",
        ),
        (
            "service = 1\n",
            "1:1: cannot read snowfox.toml: service must be tables with names",
            "for example [service.front]",
        ),
        (
            "[[service]]\n",
            "1:3: cannot read snowfox.toml: service must be tables with names",
            "for example [service.front]",
        ),
        (
            '[service]\nweb = "x"\n',
            "2:1: cannot read service web: it must be a table",
            'for example [service.web] and below it command = "python3 app.py"',
        ),
        (
            '[service."a b"]\ncommand = "x"\n',
            '1:2: cannot read snowfox.toml: "a b" is not a name of a service',
            'letters, digits, "_" and "-", in parts joined by dots',
        ),
        (
            f"[service.{'x' * 101}]\n",
            f'1:2: cannot read snowfox.toml: "{"x" * 99}…" is not a name of a service',
            "at most 100 characters",
        ),
        (
            "node = 1\n",
            "1:1: cannot read node: it must be a table",
            'for example [node] and below it name = "shop-1"',
        ),
        (
            '[node]\nname = "a b"\n',
            '2:8: cannot read node: "a b" is not a name',
            'for example "cache", "shop.web"',
        ),
        (
            "[service.web]\n",
            "1:2: cannot read service web: command is missing",
            'for example command = "python3 app.py"',
        ),
        (
            "[socket.a]\n[service.b]\ncommand='x'",
            "1:2: cannot read socket a: listen is missing",
            "for example listen",
        ),
        ('[socket.a]\nlisten = "a:1"\n', '2:10: cannot read socket a: "a" is not a numeric address', ""),
        ('[socket.a]\nlisten = "unix:"\n', '2:10: cannot read socket a: "unix:" names no path', ""),
        (
            '[socket.a]\nlisten = "unix:x"\nmode = "999"\n',
            '3:8: cannot read socket a: "999" is not the mode of a file',
            'for example "0660"',
        ),
        (
            '[socket.a]\nlisten = "unix:x"\ngroup = ""\n',
            '3:9: cannot read socket a: "" is not the name of a group',
            "",
        ),
        (
            "[socket.a]\nlisten = []\n",
            "2:10: cannot read socket a: listen is empty",
            'for example "127.0.0.1:8080"',
        ),
    ],
)
def test_tables(text, first, hint):
    """What is wrong with tables and names."""
    lines = shown(text).split("\n")
    assert lines[0].startswith(f"snowfox.toml:{first}")
    assert hint in lines[2]


def test_unquoted_dotted_name():
    """The likely mistake with a dotted name is explained."""
    assert 'a dotted name is quoted: [service."shop.web"]' in shown('[service.shop.web]\ncommand = "x"\n')


@pytest.mark.parametrize(
    ("key", "why", "hint"),
    [
        ("command = 3", "command must be text or a list, not a number", 'for example "python3 app.py"'),
        ('command = ""', "the command is empty", 'for example "python3 app.py"'),
        ("command = []", "the command is empty", 'for example "python3 app.py"'),
        ('command = ["", "a"]', "the command begins with an empty word", ""),
        ('command = "a \'b"', "the command has a quote or backslash that is not closed", ""),
        ('command = ["a", 1]', "item 2 of command must be text, not a number", 'write it in quotes: "1"'),
        ('command = "a\\u0000"', "command contains a NUL character", ""),
        ("directory = 1", "directory must be the path of a folder, not a number", ""),
        ('directory = ""', "directory is empty", 'the folder of this file is "."'),
        ('environment = "A=1"', "environment must be a table, not text", 'for example { DEBUG = "1" }'),
        (
            "environment.PORT = 8080",
            "environment.PORT must be text, not a number",
            'write it in quotes: "8080"',
        ),
        ('environment."A=B" = "1"', '"A=B" cannot name a variable', ""),
        ('environment.LISTEN_PID = "1"', "LISTEN_PID is set by Snow Fox", ""),
        ('user = ""', '"" is not the name of a user', 'for example "www-data"'),
        ("instances = 0", "instances must be 1 to 1000, not 0", ""),
        ("instances = 1001", "instances must be 1 to 1000, not 1001", ""),
        (
            'instances = ["blue", "a.b"]',
            '"a.b" is not the name of an instance',
            'for example "blue"',
        ),
        ('instances = ["blue", "2"]', '"2" would be a number of an instance', 'for example "blue"'),
        ('instances = ["blue", "blue"]', '"blue" is written twice', ""),
        ("instances = []", "instances is empty", 'for example 2, or ["blue", "green"]'),
        (
            'inherit-environment = ["A-B"]',
            '"A-B" is not the name of a variable',
            'for example "SSH_AUTH_SOCK"',
        ),
        ('inherit-environment = ["LISTEN_FDS"]', "LISTEN_FDS is set by Snow Fox", ""),
        ("port = 65536", "port must be 1 to 65535, not 65536", ""),
        ("port = 65535\ninstances = 2", "65535 and one more for each of 2 instances goes beyond 65535", ""),
        ('requires = "a"', "requires must be a list, not text", ""),
        (
            'requires = [{ service = "a", on-restart = "stop" }]',
            'on-restart in item 1 of requires must be one of "restart", "reload", not "stop"',
            "",
        ),
        ('type = "job"', 'type must be one of "service", "task", not "job"', ""),
        ("ready = true", "ready must be a table, not true", "for example { notify = true }"),
        ('ready.tcp = "x"', '"x" is not HOST:PORT with a port up to 65535', 'for example "127.0.0.1:6379"'),
        ('ready.tcp = "127.0.0.1:0"', '"127.0.0.1:0" is not an address that can be tried', ""),
        (
            'ready.http = "http://127.0.0.1/x"',
            '"http://127.0.0.1/x" is more than an address',
            'http = "127.0.0.1:8080", path = "/health"',
        ),
        (
            'ready = { http = "127.0.0.1:1", path = "x" }',
            '"x" is not the path of a web address',
            'for example "/health"',
        ),
        (
            "ready.delay = 5",
            "ready.delay must be a duration, not a number",
            'for example "10s", "500ms", "2m"',
        ),
        ('restart = "always"', "restart must be a table, not text", 'for example { when = "always" }'),
        (
            'restart.when = "on-failures"',
            'restart.when must be one of "always", "on-failure", "never", not "on-failures"',
            'did you mean "on-failure"?',
        ),
        ("restart.final = [256]", "item 1 of restart.final must be 0 to 255, not 256", ""),
        ('restart.delay = "400d"', '"400d" is more than 366d', ""),
        ('restart.healthy = "1s"', 'unknown key "restart.healthy"', ""),
        ('stop.signal = "FOO"', '"FOO" is not a signal', 'for example "TERM", "QUIT", "HUP"'),
        ('log.size = "0"', '"0" is not a size that can be given here', ""),
        ('log.size = "1T"', '"1T" is not a size', 'for example "64K", "20M", "2G"'),
        ("description = 1", "description must be text, not a number", ""),
        ('labels = "a"', "labels must be a list, not text", ""),
        ('labels = ["a b"]', '"a b" is not a name', ""),
        (
            'replace = "roling"',
            'replace must be one of "rolling", "restart", not "roling"',
            'did you mean "rolling"?',
        ),
        ('was = "a b"', '"a b" is not a name', ""),
        ('environment-files = [""]', "item 1 of environment-files is empty", "write its path"),
        (
            'environment-files = "x"',
            "environment-files must be a list, not text",
            'for example ["production.env"]',
        ),
        ("secrets = 1", "secrets must be a table, not a number", "for example { KEY ="),
        ('secrets.A = "x"', "secrets.A must be a table, not text", "for example { file ="),
        ("secrets.A = {}", "secrets.A.file is missing", 'for example file = "production.env"'),
        (
            'secrets.A = { file = "x", as = "fil" }',
            'secrets.A.as must be one of "environment", "file", "descriptor", not "fil"',
            "",
        ),
        ('secrets.LISTEN_FDS = { file = "x" }', "LISTEN_FDS is set by Snow Fox", ""),
        ('autostart = "yes"', "autostart must be true or false, not text", ""),
    ],
)
def test_values(key, why, hint):
    """A wrong value of each key is explained in one line, with what would be right."""
    command = "" if key.startswith("command") else 'command = "web"\n'
    lines = shown(f"[service.web]\n{command}{key}\n").split("\n")
    assert len(lines) == 3
    assert lines[0].partition("service web: ")[2] == why
    assert hint in lines[2]


def test_errors_are_bounded():
    """A file of mistakes is read no further than anybody would."""
    found = checked("[service.web]\n" + "".join(f"k{number} = 1\n" for number in range(5000)))
    assert len(found.problems) == 101
    assert found.configuration is None


def test_refusal():
    """As an error it has all problems as they are shown."""
    with pytest.raises(ConfigurationRefused) as caught:
        configuration("[service.web]\nfoo = 1\n")
    assert str(caught.value) == "cannot read snowfox.toml: 2 errors"
    assert len(caught.value.problems) == 2


def test_syntax_error_is_alone():
    """Of a file that is no TOML the first error is told, and nothing is guessed of the rest."""
    assert shown("[service.web\n").startswith("snowfox.toml:1:13: cannot read snowfox.toml: expected")


def test_summary():
    """The last line counts what is there."""
    assert checked(WHOLE).summary() == "snowfox.toml is fine: 2 services, 3 instances"
    assert checked("").summary() == "snowfox.toml can be used: 0 services, 0 instances, 1 warning"
