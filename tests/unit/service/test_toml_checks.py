"""What tables say about one another."""

import pytest

from snowfox.testing.configuration import checked, configuration, shown

CACHE = '[service.cache]\ncommand = "cache"\nready = { tcp = "127.0.0.1:6379" }\n'


def web(text, more=""):
    """A service with these keys, and more tables."""
    return f'[service.web]\ncommand = "web"\n{text}\n{more}'


def test_unknown_names():
    """Names that are not there come with the nearest that is."""
    text = (
        web('requires = ["cach"]\nafter = ["nothing"]\nsockets = ["frnt", "other"]', CACHE)
        + '[socket.front]\nlisten = ":80"\n'
    )
    assert shown(text) == (
        'snowfox.toml:3:13: cannot read service web: there is no service "cach"\n'
        '    3 | requires = ["cach"]\n'
        '      |             ^^^^^^ did you mean "cache"?\n'
        'snowfox.toml:4:10: cannot read service web: there is no service "nothing"\n'
        '    4 | after = ["nothing"]\n'
        "      |          ^^^^^^^^^ services here: web, cache\n"
        'snowfox.toml:5:12: cannot read service web: there is no socket "frnt"\n'
        '    5 | sockets = ["frnt", "other"]\n'
        '      |            ^^^^^^ did you mean "front"?\n'
        'snowfox.toml:5:20: cannot read service web: there is no socket "other"\n'
        '    5 | sockets = ["frnt", "other"]\n'
        "      |                    ^^^^^^^ write [socket.other]"
    )


def test_what_starts_on_demand():
    """It has sockets, is no task, and alone may be idle; one that ends well sleeps, whatever `restart.when` is."""
    sockets = '[socket.front]\nlisten = ":80"\n'
    text = web('start = "on-demand"\nidle = "5m"\nsockets = ["front"]\nrestart.when = "on-failure"', sockets)
    found = configuration(text).services["web"]
    assert (found.is_on_demand, found.idle, found.restart.when) == (True, 300.0, "always")
    assert "nothing can come for what has no sockets" in shown(web('start = "on-demand"'))
    task = web('start = "on-demand"\ntype = "task"\nsockets = ["front"]', sockets)
    assert "a task runs to its end; on-demand is for services" in shown(task)
    assert "idle is for what starts on demand" in shown(web('idle = "5m"'))


def test_what_the_spawner_would_not_take():
    """Names and numbers of secrets, the length of paths, a program without a name: told where they are written."""
    text = web('secrets."A-B" = { file = "k" }\nready.command = ["${E}"]\nenvironment.E = ""')
    assert shown(text) == (
        'snowfox.toml:3:9: cannot read service web: "A-B" cannot name a variable\n'
        '    3 | secrets."A-B" = { file = "k" }\n'
        '      |         ^^^^^ at most 201 letters, digits and "_", no digit first\n'
        "snowfox.toml:4:18: cannot read service web: the command begins with an empty word\n"
        '    4 | ready.command = ["${E}"]\n'
        "      |                  ^^^^^^"
    )
    many = "".join(f'K{number} = {{ file = "k" }}\n' for number in range(65))
    deep = f'[socket.front]\nlisten = ["unix:{"d/" * 2044}"]\n'
    text = web(f'[service.web.secrets]\n{many}F = {{ file = "{"d/" * 2100}" }}', deep)
    said = [line.partition(": cannot read ")[::2] for line in shown(text).split("\n")]
    wrong, why = zip(*(words for words in said if words[1]), strict=True)
    assert wrong == ("snowfox.toml:3:2", "snowfox.toml:69:14", "snowfox.toml:71:11")
    assert why[0] == "service web: 66 secrets are more than the 64 that can be passed"
    assert why[1] == "service web: the path of secret F is longer than 4096 characters"
    assert why[2].endswith(" is too long, or below a folder with a tab or newline in its name")


def test_services_with_errors_are_there():
    """Who waits for a service with a mistake is not told that it does not exist; its own names are checked too."""
    text = web('requires = ["cache"]') + CACHE.replace("tcp", "tpc") + 'requires = ["nobody"]\n'
    assert [line for line in shown(text).split("\n") if line.startswith("snowfox")] == [
        'snowfox.toml:6:11: cannot read service cache: unknown key "ready.tpc"',
        'snowfox.toml:7:13: cannot read service cache: there is no service "nobody"',
    ]


def test_circle():
    """A circle is told by its path, once, with the kind of each step."""
    text = web(
        'requires = ["cache"]',
        CACHE
        + 'requires = ["db"]\n[service.db]\ncommand = "db"\nready = { notify = true }\nafter = ["web"]\n',
    )
    assert shown(text.replace('command = "web"', 'command = "web"\nready = { notify = true }')) == (
        "snowfox.toml:4:13: cannot read service web: it waits for itself: web requires cache requires db after web\n"
        '    4 | requires = ["cache"]\n'
        "      |             ^^^^^^^ "
        "one of them has to do without the other, be it for the order alone: leave out one of these"
    )


def test_circle_of_one():
    """A service that requires itself."""
    text = '[service.web]\ncommand = "web"\nready = { notify = true }\nrequires = ["web"]\n'
    found = shown(text)
    assert "it waits for itself: web requires web" in found
    assert found.endswith("^^^^^ leave it out")


def test_addresses_twice():
    """An address is listened on once; port 0 is another one each time; the same port for udp is another one."""
    text = (
        '[socket.a]\nlisten = "localhost:80"\n[socket.b]\nlisten = ["127.0.0.1:0", "127.0.0.1:80", "udp:127.0.0.1:80"]\n'
        '[socket.c]\nlisten = ["unix:x", "127.0.0.1:0", "unix:/srv/shop/x"]\n' + CACHE
    )
    assert shown(text) == (
        'snowfox.toml:4:26: cannot read socket b: "127.0.0.1:80" is listened on by socket a too\n'
        '    4 | listen = ["127.0.0.1:0", "127.0.0.1:80", "udp:127.0.0.1:80"]\n'
        "      |                          ^^^^^^^^^^^^^^\n"
        'snowfox.toml:6:36: cannot read socket c: "unix:/srv/shop/x" is listened on twice\n'
        '    6 | listen = ["unix:x", "127.0.0.1:0", "unix:/srv/shop/x"]\n'
        "      |                                    ^^^^^^^^^^^^^^^^^^"
    )


def test_sockets_of_a_service():
    """A socket is passed once, and no more than 24 addresses."""
    many = ", ".join(f'"127.0.0.1:{port}"' for port in range(1000, 1025))
    text = web('sockets = ["front", "front"]') + f"[socket.front]\nlisten = [{many}]\n"
    assert [line for line in shown(text).split("\n") if line.startswith("snowfox")] == [
        "snowfox.toml:3:11: cannot read service web: 25 addresses are more than the 24 that can be passed",
        'snowfox.toml:3:21: cannot read service web: "front" is written twice',
    ]


@pytest.mark.parametrize(
    ("ready", "why"),
    [
        ("{}", "ready says nothing"),
        ("{ notify = false }", "ready says nothing"),
        ('{ timeout = "1s" }', "ready says nothing"),
        ('{ notify = true, delay = "1s" }', "ready says notify and delay: one is enough"),
        ('{ notify = true, path = "/x" }', "ready.path is only for http"),
        ("{ descriptor = 2 }", "ready.descriptor must be 3 to 63, not 2"),
        ('{ log = "up", notify = true }', "ready says notify and log: one is enough"),
        (
            '{ log = "(up" }',
            '"(up" is not a regular expression: missing ), unterminated subpattern at position 0',
        ),
        ('{ log = "(up)?" }', '"(up)?" matches an empty line, so any'),
    ],
)
def test_ready_has_one_form(ready, why):
    """Exactly one of the ways to be ready."""
    lines = shown(web(f"ready = {ready}")).split("\n")
    assert len(lines) == 3
    assert lines[0].partition("service web: ")[2] == why


def test_a_descriptor_for_readiness_is_behind_all_others():
    """Sockets by their addresses, secrets that are not in the environment; where it may be is told."""
    front = '[socket.front]\nlisten = ["127.0.0.1:80", "127.0.0.1:81"]\n'
    text = web(
        'sockets = ["front"]\nready = { descriptor = 5 }\nsecrets.A = { file = "a" }\n'
        'secrets.B = { file = "b", as = "file" }',
        front,
    )
    why = "ready.descriptor must be at least 6: 2 of sockets and 1 of secrets come before"
    assert why in shown(text)
    assert shown(text.replace("descriptor = 5", "descriptor = 6")) == ""
    assert shown(web("ready = { descriptor = 3 }")) == ""


@pytest.mark.parametrize(
    ("alive", "why"),
    [
        ("{}", "alive says nothing"),
        ("{ failures = 2 }", "alive says nothing"),
        ('{ tcp = "127.0.0.1:1", unix = "x" }', "alive says tcp and unix: one is enough"),
        ('{ tcp = "127.0.0.1:1", path = "/x" }', "alive.path is only for http"),
        ('{ unix = "x", every = "0s" }', "alive.every must be more than nothing"),
        ('{ unix = "x", timeout = "0ms" }', "alive.timeout must be more than nothing"),
        ('{ unix = "" }', "a path is missing"),
        ('{ unix = "x", failures = 0 }', "alive.failures must be 1 to 1000, not 0"),
        ("{ notify = true }", 'unknown key "alive.notify"'),
    ],
)
def test_alive_has_one_form(alive, why):
    """Exactly one of the probes, with numbers that make sense."""
    lines = shown(web(f"alive = {alive}")).split("\n")
    assert len(lines) == 3
    assert lines[0].partition("service web: ")[2] == why


def test_paths_of_sockets_are_relative_to_the_file():
    """With `unix:` before them or without; what begins with a variable stays."""
    text = web(
        'ready = { unix = "run/a" }\nalive = { unix = "unix:./run/b" }', '[service.c]\ncommand = "c"\n'
    )
    services = checked(text + 'alive = { unix = "${RUN}/b" }\nenvironment.RUN = "/run"\n').require().services
    assert services["web"].ready.unix == "unix:/srv/shop/run/a"
    assert services["web"].alive.unix == "unix:/srv/shop/run/b"
    assert services["c"].alive.unix == "unix:${RUN}/b"


def test_variables_of_alive_are_looked_at():
    """A name that is not set is told where it stands."""
    assert '"RNU" is not set' in shown(web('alive = { unix = "${RNU}/b" }'))
    assert '"RNU" is not set' in shown(web('alive = { command = ["./check", "${RNU}"] }'))


def test_ready_of_a_task():
    """A task needs none, nor is it asked whether it is alive; what `[defaults]` say of that is not for it."""
    assert "a task is ready when it finished well; ready is for services" in shown(
        web('type = "task"\nready = { notify = true }')
    )
    assert "alive is for services" in shown(web('type = "task"\nalive = { tcp = "127.0.0.1:1" }'))
    assert shown('[defaults]\nalive = { tcp = "127.0.0.1:1" }\n' + web('type = "task"')) == ""


@pytest.mark.parametrize(
    ("listen", "probe", "refused"),
    [
        ("127.0.0.1:80", 'tcp = "127.0.0.1:80"', True),
        ("0.0.0.0:80", 'tcp = "127.0.0.1:80"', True),
        ("127.0.0.1:80", 'http = "localhost:80"', True),
        ("unix:run/x", 'http = "unix:/srv/shop/run/x"', True),
        ("127.0.0.1:80", 'tcp = "127.0.0.1:81"', False),
        ("udp:127.0.0.1:80", 'tcp = "127.0.0.1:80"', False),
        ("127.0.0.1:80", 'http = "unix:run/web-${INSTANCE}"', False),
    ],
)
def test_probe_of_a_shared_socket(listen, probe, refused):
    """Of several instances behind one socket a probe cannot tell which one answered; of one it can, that is never two."""
    text = (
        web(f'sockets = ["front"]\nready = {{ {probe} }}\ninstances = 2')
        + f'[socket.front]\nlisten = "{listen}"\n'
    )
    why = "2 instances share socket front: a probe cannot tell which one answered"
    assert (why in shown(text)) == refused
    assert shown(text.replace("instances = 2", 'replace = "restart"')) == ""
    assert (why in shown(text.replace("ready =", "alive ="))) == refused
    why = "a rolling replacement has two instances share socket front: a probe cannot tell which one answered"
    assert (why in shown(text.replace("instances = 2", ""))) == refused


def test_warning_of_shell_characters():
    """What no shell will see draws a warning that says how to have one."""
    text = web("", "").replace('"web"', '"web | tee \\"a b\\""')
    assert shown(text) == (
        'snowfox.toml:2:16: warning: service web: "|" is passed on as it is, for no shell runs\n'
        '    2 | command = "web | tee \\"a b\\""\n'
        '      |                ^ if a shell is meant: command = ["sh", "-c", "web | tee \\"a b\\""]'
    )
    assert checked(text).configuration is not None
    assert shown('[service.web]\ncommand = ["sh", "-c", "a | b"]\n') == ""


def test_warning_of_waiting_for_nothing():
    """Who waits for a service that cannot say it is ready is warned, once per such service; tasks can."""
    text = (
        '[service.db]\ncommand = "db"\n[service.setup]\ntype = "task"\ncommand = "setup"\n'
        '[service.a]\ncommand = "a"\nrequires = ["setup", "db"]\n[service.b]\ncommand = "b"\nrequires = ["db"]\n'
    )
    assert shown(text) == (
        "snowfox.toml:8:22: warning: service a waits for db, which cannot say that it is ready\n"
        '    8 | requires = ["setup", "db"]\n'
        '      |                      ^^^^ say how in service db, for example ready = { tcp = "127.0.0.1:6379" }'
    )


def test_warning_of_nothing():
    """An empty file is most likely not what was meant."""
    assert shown("") == (
        "snowfox.toml: warning: there is no service in it\n"
        '   for example [service.web] and below it command = "python3 app.py"'
    )


def test_files_of_sockets():
    """Mode and owner belong to the file of a unix socket; one address with a file is enough."""
    text = (
        CACHE
        + '[socket.a]\nlisten = "127.0.0.1:80"\nmode = "0660"\nuser = "x"\n[socket.b]\nlisten = "unix:@b"\ngroup = "x"\n'
        '[socket.c]\nlisten = ["127.0.0.1:81", "unix:run/c"]\nmode = "660"\n'
    )
    assert [line for line in shown(text).split("\n") if line.startswith("snowfox")] == [
        "snowfox.toml:6:1: cannot read socket a: mode is only for unix:PATH",
        "snowfox.toml:7:1: cannot read socket a: user is only for unix:PATH",
        "snowfox.toml:10:1: cannot read socket b: group is only for unix:PATH",
    ]


def test_old_names():
    """An old name is nobody's name now, and one service's only."""
    text = (
        '[service.a]\ncommand = "a"\nwas = "old"\n[service.b]\ncommand = "b"\nwas = "old"\n'
        '[service.c]\ncommand = "c"\nwas = "a"\n[service.d]\ncommand = "d"\nwas = "d"\n'
    )
    assert [line for line in shown(text).split("\n") if line.startswith("snowfox")] == [
        'snowfox.toml:6:7: cannot read service b: service a was "old" too',
        'snowfox.toml:9:7: cannot read service c: there is a service "a": was is for a name that nobody has any more',
        'snowfox.toml:12:7: cannot read service d: there is a service "d": was is for a name that nobody has any more',
    ]


def test_secrets():
    """A secret is no variable too, and nobody fills it in."""
    text = web(
        'secrets.KEY = { file = "key" }\nenvironment = { KEY = "", A = "${PASS}" }\nsecrets.PASS = { file = "/p" }'
    )
    assert [line for line in shown(text).split("\n") if line.startswith("snowfox")] == [
        "snowfox.toml:3:9: cannot read service web: KEY is in environment too",
        "snowfox.toml:4:32: cannot read service web: PASS is a secret, which nobody but the service sees",
    ]


def test_many_warnings_refuse_nothing():
    """Each pair of a large configuration may deserve one: it can be used all the same, and its errors are told."""
    pairs = "".join(
        f'[service.t{number}]\ncommand = "t"\n[service.u{number}]\ncommand = "u"\nrequires = ["t{number}"]\n'
        for number in range(102)
    )
    found = checked(pairs)
    assert found.configuration is not None
    assert found.problems[-1].show() == "snowfox.toml: warning: and 2 more warnings"
    assert [problem.text for problem in checked(pairs + "nonsense = 1\n").errors] == [
        'cannot read service u101: unknown key "nonsense"'
    ]


def test_more_sockets_than_a_node_has():
    """Told of the socket with which they become too many."""

    def sockets(count):
        listen = [f"127.0.0.1:{port}" for port in range(1000, 1000 + count)]
        text = "".join(f"[socket.s{n}]\nlisten = {listen[n : n + 100]}\n" for n in range(0, count, 100))
        return web("", text.replace("'", '"'))

    assert shown(sockets(250)) == ""
    assert shown(sockets(251)).split("\n")[0] == (
        "snowfox.toml:9:10: cannot read socket s200: all sockets have 251 addresses, more than the 250 of a node"
    )
