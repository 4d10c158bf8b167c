"""From a service to what is launched."""

import pytest

from snowfox.core.posix.api import User
from snowfox.errors import UserError
from snowfox.service.confinement import Sandbox
from snowfox.service.launch import (
    SYSTEM_PATH,
    LaunchPlan,
    Node,
    RunAs,
    dynamic_uids,
    plan,
    port_name,
    run_as,
    socket_keys,
)
from snowfox.service.spec import Alive, Ready, Secret
from snowfox.testing.configuration import FOLDER, configuration
from snowfox.values import SERVICE_UIDS

ANNA = User("anna", 1000, 1000, "/home/anna", "/bin/bash")
HERS = Node("box", uid=1000, user="anna", is_root=False, path="/home/anna/bin:/bin", notify="@notify")
ROOTS = Node("box", uid=0, user="root", is_root=True, notify="@notify", dynamic={"web": 61200})

SHOP = """\
[socket.front]
listen = ["127.0.0.1:0", "unix:run/front"]
[socket.back-end]
listen = ":81"
[service.web]
command = ["./bin/web", "--port=${SOCKET_FRONT_PORT}", "${SOCKET_BACK_END_PORT}", "$${X}"]
directory = "${WHERE}/x"
environment = { WHERE = "app-${INSTANCE}", ID = "${SERVICE}@${INSTANCE} on ${NODE}, ${WHERE}", PATH = "/opt:${PATH}" }
sockets = ["front", "back-end"]
instances = 2
ready = { http = "unix:run/${ID}", timeout = "5s" }
"""


def web(text, owner=1000):
    """A configuration of one service, and the service."""
    found = configuration(f'[service.web]\ncommand = "web"\n{text}\n', owner=owner)
    return found, found.services["web"]


def launched(text="", *, node=HERS, user=ANNA, owner=1000):
    """The launch of that service."""
    found, service = web(text, owner)
    return plan(found, service, 1, node=node, user=user)


def test_everything():
    """All that is known of a launch, everything filled in."""
    found = configuration(SHOP)
    node = HERS.replace(addresses={"front=127.0.0.1:0": "127.0.0.1:4711"})
    assert plan(found, found.services["web"], 2, node=node, user=ANNA) == LaunchPlan(
        instance="web@2",
        program=f"{FOLDER}/bin/web",
        arguments=(f"{FOLDER}/bin/web", "--port=4711", "81", "${X}"),
        environment={
            "HOME": "/home/anna",
            "USER": "anna",
            "LOGNAME": "anna",
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "PATH": "/opt:/home/anna/bin:/bin",
            "WHERE": "app-2",
            "ID": "web@2 on box, app-2",
        },
        folder=f"{FOLDER}/app-2/x",
        user="",
        sockets=("front=127.0.0.1:0", f"front=unix:{FOLDER}/run/front", "back-end=0.0.0.0:81"),
        socket_names=("front", "front", "back-end"),
        ready=Ready(http=f"unix:{FOLDER}/run/web@2 on box, app-2", timeout=5.0),
        secrets=(),
        alive=Alive(),
        service=found.services["web"],
        sandbox=Sandbox(),
    )


def test_environment_is_clean():
    """Nothing but what is documented; what can be filled in is not put there by itself."""
    assert launched().environment == {
        "HOME": "/home/anna",
        "USER": "anna",
        "LOGNAME": "anna",
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "PATH": "/home/anna/bin:/bin",
    }


def test_notify_only_where_asked():
    """NOTIFY_SOCKET is for services that say they use it."""
    assert launched("ready = { notify = true }").environment["NOTIFY_SOCKET"] == "@notify"
    assert "NOTIFY_SOCKET" not in launched('ready = { delay = "1s" }').environment


def test_watchdog_is_told_in_the_environment():
    """WATCHDOG_USEC, and the socket that pings go to."""
    environment = launched('watchdog = "1500ms"').environment
    assert environment["WATCHDOG_USEC"] == "1500000"
    assert environment["NOTIFY_SOCKET"] == "@notify"


def test_probes_are_filled_in():
    """Those of `ready` and of `alive`, word by word."""
    made = launched(
        'ready = { unix = "${RUN}/${INSTANCE}" }\nenvironment = { RUN = "/run" }\n'
        'alive = { command = ["check", "${SERVICE}"] }'
    )
    assert made.ready.unix == "unix:/run/1"
    assert made.alive.command == ("check", "web")


def test_written_goes_first():
    """What is written replaces what is there by itself."""
    assert launched('environment = { HOME = "/tmp" }').environment["HOME"] == "/tmp"


def test_path_of_root():
    """The system's node has a fixed PATH."""
    assert launched(node=ROOTS).environment["PATH"] == SYSTEM_PATH


def test_folder():
    """By default the folder of the file, `/` for a dynamic uid; a relative one is below it."""
    assert launched().folder == FOLDER
    assert launched('directory = "."', node=ROOTS, user=None, owner=0).folder == FOLDER
    assert launched('directory = "/srv"').folder == "/srv"
    assert launched(node=ROOTS, user=None, owner=0).folder == "/"


def test_program_is_looked_up_by_who_launches():
    """A program without a slash stays a name."""
    assert launched().program == "web"


def test_ordinary_node_has_one_user():
    """In an ordinary user's node all run as that user; another name is refused with what to do."""
    _, service = web('user = "anna"')
    assert run_as(service, HERS) == RunAs(uid=1000)
    _, service = web('user = "shop"')
    with pytest.raises(UserError) as caught:
        run_as(service, HERS)
    assert (
        str(caught.value)
        == "cannot run service web as shop: this node is run by anna, who can be no one else"
    )
    assert caught.value.hint == "leave user out, or start the node as root"


def test_user_of_roots_node():
    """`user`, else the owner of the file, else a dynamic uid."""
    assert run_as(web('user = "shop"')[1], ROOTS) == RunAs(name="shop")
    assert run_as(web("")[1], ROOTS) == RunAs(uid=1000)
    assert run_as(web("", owner=0)[1], ROOTS) == RunAs(uid=61200, is_dynamic=True)
    assert launched('user = "shop"', node=ROOTS, user=ANNA._replace(name="shop")).user == "shop"
    assert launched(node=ROOTS).user == "anna"


def test_dynamic_user():
    """A dynamic uid has no entry: digits for a name, no home, a shell that is there."""
    made = launched(node=ROOTS, user=None, owner=0)
    assert made.user == "61200"
    assert {name: made.environment[name] for name in ("HOME", "USER", "SHELL")} == {
        "HOME": "/",
        "USER": "61200",
        "SHELL": "/bin/sh",
    }


def test_users_that_are_not_there():
    """An unknown name, and a file's owner without a name, are refused."""
    with pytest.raises(UserError, match="cannot run service web as shop: there is no such user"):
        launched('user = "shop"', node=ROOTS, user=None)
    with pytest.raises(UserError, match="its file belongs to uid 1000, which has no name"):
        launched(node=ROOTS, user=None)


def test_ordinary_user_without_an_entry():
    """In a container a uid may have no name; its services run all the same."""
    made = launched(node=HERS.replace(user="1000"), user=None)
    assert (made.user, made.environment["USER"], made.environment["HOME"]) == ("", "1000", "/")


def many(folder_services):
    """That many services of root."""
    return configuration("".join(f'[service.s{n}]\ncommand = "x"\n' for n in range(folder_services)), owner=0)


def test_dynamic_uids_are_each_their_own():
    """As many different uids of the range as services, none that is taken."""
    first = dynamic_uids(many(1000), frozenset())
    assert len(set(first.values())) == 1000
    assert set(first.values()) <= set(SERVICE_UIDS)
    taken = frozenset(list(first.values())[:10])
    assert not taken & set(dynamic_uids(many(1000), taken).values())


def test_dynamic_uids_are_stable():
    """A service keeps its uid when others come or go, but for rare collisions."""
    before, after = dynamic_uids(many(20), frozenset()), dynamic_uids(many(21), frozenset())
    assert {name: after[name] for name in before} == before


def test_dynamic_uids_only_where_needed():
    """Who has a user needs none; a used-up range is an error."""
    assert (
        dynamic_uids(configuration('[service.a]\ncommand = "x"\nuser = "shop"\n', owner=0), frozenset()) == {}
    )
    assert dynamic_uids(configuration('[service.a]\ncommand = "x"\n', owner=5), frozenset()) == {}
    with pytest.raises(UserError, match="cannot find a user for service s0: all uids"):
        dynamic_uids(many(1), frozenset(SERVICE_UIDS))


def test_unset_name():
    """What check could not know is told by name."""
    found, service = web("")
    with pytest.raises(UserError, match=r"cannot launch web: \$\{X\} is not set"):
        plan(found, service.replace(command=("x", "${X}")), 1, node=HERS, user=ANNA)


def test_names():
    """Names of ports and of keys."""
    assert port_name("shop.front-2") == "SOCKET_SHOP_FRONT_2_PORT"
    assert socket_keys(configuration(SHOP).sockets["back-end"]) == ("back-end=0.0.0.0:81",)


def test_secrets():
    """Their files are absolute, filled in and without detours; neither command nor environment knows them."""
    found, service = web("")
    service = service.replace(
        secrets=(
            Secret("A", "secrets/${INSTANCE}"),
            Secret("B", "../other/./b", "file"),
            Secret("C", "//etc/shop/c", "descriptor"),
        )
    )
    made = plan(found, service, 1, node=HERS, user=ANNA)
    assert [secret.file for secret in made.secrets] == [
        f"{FOLDER}/secrets/1",
        f"{FOLDER.rpartition('/')[0]}/other/b",
        "/etc/shop/c",
    ]
    assert [secret.form for secret in made.secrets] == ["environment", "file", "descriptor"]
    assert not {"A", "B", "C"} & made.environment.keys()
    with pytest.raises(UserError, match=r"\$\{A\} is not set"):
        plan(found, service.replace(command=("web", "${A}")), 1, node=HERS, user=ANNA)


def test_what_grows_when_filled_in():
    """Variables that double one another, or go deep, are refused before they take memory; so are words."""
    double = {"A0": "x" * 100} | {f"A{n}": f"${{A{n - 1}}}${{A{n - 1}}}" for n in range(1, 40)}
    found, service = web("")
    with pytest.raises(
        UserError, match=r"cannot launch web: what is filled in for \$\{…\} has more than 131072 characters"
    ):
        plan(found, service.replace(environment=double), 1, node=HERS, user=ANNA)
    fits = dict(list(double.items())[:11])
    assert (
        len(plan(found, service.replace(environment=fits), 1, node=HERS, user=ANNA).environment["A10"])
        == 102400
    )
    words = service.replace(environment=fits, command=("web", "${A10}${A10}"))
    with pytest.raises(UserError, match="has more than 131072"):
        plan(found, words, 1, node=HERS, user=ANNA)
    deep = {"A0": "x"} | {f"A{n}": f"${{A{n - 1}}}" for n in range(1, 400)}
    with pytest.raises(UserError, match="is made of more than 50 variables, one in another"):
        plan(found, service.replace(environment=dict(reversed(deep.items()))), 1, node=HERS, user=ANNA)
    assert plan(found, service.replace(environment=deep), 1, node=HERS, user=ANNA).environment["A399"] == "x"


def test_defaults():
    """A default stands in for a name that is not set or empty, also one that is made from others."""
    made = launched(
        'environment = { A = "${X:-a}", B = "${EMPTY:-b}", EMPTY = "", C = "${C:-c}" }\ndirectory = "${DIR:-app}"'
    )
    assert {name: made.environment[name] for name in "ABC"} == {"A": "a", "B": "b", "C": "c"}
    assert made.folder == f"{FOLDER}/app"


def test_names_and_ports_of_instances():
    """`${INSTANCE}` is the name, or the number; `${INSTANCE_PORT}` that of the service and one more for each place."""
    text = 'environment = { I = "${INSTANCE}:${INSTANCE_PORT}" }\nport = 9000\ninstances = '
    for instances, expected in (
        ("1", ["1:9000"]),
        ("2", ["1:9000", "2:9001"]),
        ('["blue", "green"]', ["blue:9000", "green:9001"]),
    ):
        found, service = web(text + instances)
        plans = [plan(found, service, place, node=HERS, user=ANNA) for place in range(1, service.count + 1)]
        assert [one.environment["I"] for one in plans] == expected
    assert [one.instance for one in plans] == ["web@blue", "web@green"]


def test_variables_of_the_shell():
    """Those that are named and set; what is written goes before them, and may use them."""
    node = HERS.replace(shell={"AGENT": "/run/a", "OTHER": "x", "PATH": "/shell"})
    text = 'inherit-environment = ["AGENT", "GONE", "PATH"]\n'
    environment = launched(text + 'environment = { A = "${AGENT}!" }', node=node).environment
    assert (environment["AGENT"], environment["A"], environment["PATH"]) == ("/run/a", "/run/a!", "/shell")
    assert not {"GONE", "OTHER"} & environment.keys()
    assert launched(text + 'environment = { AGENT = "mine" }', node=node).environment["AGENT"] == "mine"
    with pytest.raises(UserError, match=r"\$\{GONE\} is not set"):
        launched(text + 'environment = { A = "${GONE}" }', node=node)
