"""Templates and defaults: what services have from them, and what is wrong with them."""

import pytest

from snowfox.service.spec import Log, Ready, Restart, Stop
from snowfox.testing.configuration import FOLDER, checked, configuration, shown

LAYERS = """\
[defaults]
log = { size = "1M", keep = 9 }
environment = { A = "defaults", B = "defaults", C = "defaults" }
restart = { limit = 7, when = "on-failure" }
ready = { notify = true, timeout = "5s" }

[template.base]
user = "base"
stop = { signal = "QUIT", grace = "3s" }
environment = { A = "base", B = "base" }
command = "./base"

[template.python]
extends = "base"
user = "python"
stop.grace = "4s"
log.keep = 8

[service.web]
extends = "python"
environment.A = "web"
log = { size = "2M" }
ready = { delay = "1s" }

[service.other]
command = "other"

[service.task]
type = "task"
command = "task"
"""


def test_sum():
    """Own keys over the template over its parent over the defaults; tables key by key, `ready` as a whole."""
    web = configuration(LAYERS).services["web"]
    assert web.command == (f"{FOLDER}/base",)
    assert web.user == "python"
    assert web.environment == {"A": "web", "B": "base", "C": "defaults"}
    assert web.stop == Stop(signal=3, grace=4.0)
    assert web.log == Log(size=2 << 20, keep=8)
    assert web.restart == Restart(limit=7, when="on-failure")
    assert web.ready == Ready(delay=1.0)


def test_defaults_alone():
    """A service without a template has the defaults."""
    other = configuration(LAYERS).services["other"]
    assert (other.user, other.log, other.stop) == ("", Log(size=1 << 20, keep=9), Stop())
    assert other.ready == Ready(notify=True, timeout=5.0)


def test_defaults_of_tasks():
    """Defaults that are about services which run on are not a task's; the rest of them is."""
    found = checked(LAYERS)
    task = found.require().services["task"]
    assert task.ready == Ready()
    assert task.restart == Restart(limit=7, when="never")
    assert "ready.notify" not in found.origins("task")
    assert "restart.limit" in found.origins("task")


def test_origins():
    """Each written key with who wrote it and the line; what a whole table replaced is not there."""
    found = checked(LAYERS).origins("web")
    assert {key: (origin.layer, origin.line) for key, origin in found.items()} == {
        "extends": ("service web", 20),
        "environment.A": ("service web", 21),
        "environment.B": ("template base", 10),
        "environment.C": ("defaults", 3),
        "log.size": ("service web", 22),
        "log.keep": ("template python", 17),
        "ready.delay": ("service web", 23),
        "user": ("template python", 15),
        "stop.grace": ("template python", 16),
        "stop.signal": ("template base", 9),
        "command": ("template base", 11),
        "restart.limit": ("defaults", 4),
        "restart.when": ("defaults", 4),
    }
    assert {origin.file for origin in found.values()} == {"snowfox.toml"}
    assert checked(LAYERS).origins("nobody") == {}


def test_services_do_not_share():
    """What is read of a template once is each service's own."""
    text = '[template.t]\nlog.keep = 1\n[service.a]\nextends = "t"\ncommand = "a"\n[service.b]\nextends = "t"\ncommand = "b"\nlog.size = "1M"\n'
    services = configuration(text).services
    assert services["a"].log == Log(keep=1)
    assert services["b"].log == Log(size=1 << 20, keep=1)


def test_mistakes_are_told_once():
    """A mistake in a template is told where it stands, once, whoever has it or nobody; and so are unknown names."""
    text = (
        '[defaults]\ncommand = "x"\nrestrt = 1\n[template.t]\nuser = 1\nsockets = ["a"]\nready = {}\nlabel = 1\n'
        + "".join(f'[service.s{number}]\nextends = "t"\ncommand = "x"\n' for number in range(3))
    )
    assert [line for line in shown(text).split("\n") if line.startswith("snowfox")] == [
        'snowfox.toml:2:1: cannot read defaults: unknown key "command"',
        'snowfox.toml:3:1: cannot read defaults: unknown key "restrt"',
        "snowfox.toml:5:8: cannot read template t: user must be the name of a user, not a number",
        'snowfox.toml:6:12: cannot read template t: there is no socket "a"',
        "snowfox.toml:7:9: cannot read template t: ready says nothing",
        'snowfox.toml:8:1: cannot read template t: unknown key "label"',
    ]
    assert "this is for a service of its own" in shown(text)


def test_mistakes_of_the_sum():
    """What is wrong only with the sum is told where that part of it stands, for the first service that has it."""
    text = (
        '[template.t]\ncommand = "x ${HOM} | y"\n'
        '[service.a]\nextends = "t"\n[service.b]\nextends = "t"\n[service.c]\nextends = "t"\nenvironment.HOM = "1"\n'
    )
    assert [line for line in shown(text).split("\n") if line.startswith("snowfox")] == [
        'snowfox.toml:2:14: cannot read service a: "HOM" is not set',
        'snowfox.toml:2:21: warning: template t: "|" is passed on as it is, for no shell runs',
    ]


def test_command_is_missing():
    """A service needs a command, its own or a template's; one with a mistake is there."""
    text = '[template.t]\ncommand = 3\n[service.a]\nextends = "t"\n[service.b]\nuser = "x"\n'
    assert [line for line in shown(text).split("\n") if line.startswith("snowfox")] == [
        "snowfox.toml:2:11: cannot read template t: command must be text or a list, not a number",
        "snowfox.toml:5:2: cannot read service b: command is missing",
    ]


def test_unknown_template():
    """The nearest name is told, of services and templates; a service goes on without it."""
    text = '[template.python]\nextends = "bse"\n[template.base]\n[service.a]\ncommand = "a"\nextends = "pyton"\n[service.b]\ncommand = "b"\nextends = "q"\n'
    assert shown(text) == (
        'snowfox.toml:2:11: cannot read template python: there is no template "bse"\n'
        '    2 | extends = "bse"\n'
        '      |           ^^^^^ did you mean "base"?\n'
        'snowfox.toml:6:11: cannot read service a: there is no template "pyton"\n'
        '    6 | extends = "pyton"\n'
        '      |           ^^^^^^^ did you mean "python"?\n'
        'snowfox.toml:9:11: cannot read service b: there is no template "q"\n'
        '    9 | extends = "q"\n'
        "      |           ^^^ write [template.q]"
    )


def test_circle():
    """Templates that extend themselves are explained by their way, once."""
    text = (
        '[template.python]\nextends = "base"\n[template.base]\nextends = "python"\n[template.own]\nextends = "own"\n'
        '[service.a]\ncommand = "a"\nextends = "python"\n'
    )
    assert shown(text) == (
        "snowfox.toml:2:11: cannot read template python: it extends itself: python → base → python\n"
        '    2 | extends = "base"\n'
        "      |           ^^^^^^\n"
        "snowfox.toml:6:11: cannot read template own: it extends itself: own → own\n"
        '    6 | extends = "own"\n'
        "      |           ^^^^^"
    )


@pytest.mark.parametrize(("count", "refused"), [(16, False), (17, True)])
def test_depth(count, refused):
    """Templates may lie one below another, but not without end."""
    text = "".join(
        f'[template.t{number}]\nextends = "t{number + 1}"\nenvironment.E{number} = "1"\n'
        for number in range(1, count)
    )
    text += f'[template.t{count}]\n[service.a]\ncommand = "a"\nextends = "t1"\n'
    assert ("it is over 16 templates, one through another: this is too deep" in shown(text)) == refused
    if not refused:
        assert len(configuration(text).services["a"].environment) == count - 1


def test_extends_is_one_name():
    """A list of templates is refused."""
    text = '[template.t]\n[service.a]\ncommand = "a"\nextends = ["t"]\n'
    assert "extends must be the name of a template, not a list" in shown(text)
