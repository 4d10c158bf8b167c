"""`limits`, `sandbox` and priorities, as they are read from a configuration."""

from __future__ import annotations

import pytest

from snowfox.errors import UserError
from snowfox.service.confinement import Limits, Sandbox
from snowfox.service.identity import launch_digest
from snowfox.service.launch import Node, plan
from snowfox.service.spec import Configuration
from snowfox.service.spelling import written
from snowfox.testing.configuration import FOLDER, configuration, shown

NODE = Node("box", uid=1000, user="shop", is_root=False, path="/bin")


def told(lines: str) -> str:
    """What is wrong with a service of these lines."""
    return shown(f'[service.web]\ncommand = "web"\n{lines}\n')


def read(lines: str) -> Configuration:
    """A configuration of one service with these lines."""
    return configuration(f'[service.web]\ncommand = "web"\n{lines}\n')


def test_limits() -> None:
    """Every limit, in the units of their values."""
    found = read(
        'limits = { memory = "512M", cpu = 1.5, processes = 64, files = 4096, io = "1M", core = "0" }'
    )
    (web,) = found.services.values()
    assert web.limits == Limits(512 << 20, 1.5, 64, 4096, 1 << 20, 0)
    assert written("limits.memory", web.limits.memory) == "512M"
    assert written("limits.cpu", web.limits.cpu) == "1.5"
    assert written("limits.core", web.limits.core) == "0"


def test_sandbox() -> None:
    """Paths are absolute, capabilities have one spelling, gaining no rights is the default."""
    found = read(
        'sandbox = { capabilities = ["cap_kill"], private-tmp = true, read-only = ["/"], writable = ["data"] }'
    )
    (web,) = found.services.values()
    assert web.sandbox == Sandbox(True, ("KILL",), True, ("/",), (f"{FOLDER}/data",))
    assert Sandbox().no_new_privileges
    assert Sandbox().capabilities is None


def test_priorities() -> None:
    """umask is octal, as modes are; nice and oom-score have their bounds."""
    (web,) = read('umask = "0027"\nnice = -5\noom-score = 300').services.values()
    assert (web.umask, web.nice, web.oom_score) == (0o027, -5, 300)
    assert written("umask", web.umask) == '"0027"'


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("limits.cpu = 0", "limits.cpu must be 0.01 to 8192, not 0"),
        ("limits.cpu = true", "limits.cpu must be a number of processors, not true"),
        ("limits.processes = 0", "limits.processes must be 1 to 4194304, not 0"),
        ('limits.memory = "0"', '"0" is not a size that can be given here'),
        ("nice = 20", "nice must be -20 to 19, not 20"),
        ("oom-score = 1001", "oom-score must be -1000 to 1000, not 1001"),
        ('umask = "888"', '"888" is not the mode of a file'),
        ('sandbox.capabilities = ["NET_BIND_SERVISE"]', 'did you mean "NET_BIND_SERVICE"?'),
        ('sandbox.read-only = ["a\\nb"]', "holds characters that cannot be shown"),
        ('sandbox.writable = [""]', "item 1 of sandbox.writable is empty"),
        ('sandbox.writable = ["${NO}"]', '"NO" is not set'),
    ],
)
def test_what_is_refused(line: str, words: str) -> None:
    """Each mistake is told in words."""
    assert words in told(line)


def test_paths_are_filled_in() -> None:
    """`${NAME}` in paths of the sandbox, and what it must not become."""
    text = 'environment = { D = "data" }\nsandbox = { read-only = ["/"], writable = ["${D}/../x"] }'
    found = read(text)
    made = plan(found, found.services["web"], 1, node=NODE, user=None)
    assert made.sandbox.writable == (f"{FOLDER}/x",)
    odd = read(text.replace('"data"', '"a\\tb"').replace("/../x", ""))
    with pytest.raises(UserError, match="holds characters that cannot be shown"):
        plan(odd, odd.services["web"], 1, node=NODE, user=None)


def test_identity() -> None:
    """A process with other limits, another sandbox or priority is another."""
    lines = (
        "",
        "limits.files = 99",
        "sandbox.private-tmp = true",
        "nice = 1",
        "oom-score = 0",
        'umask = "077"',
    )
    found = [read(line) for line in lines]
    assert len({launch_digest(one, one.services["web"]) for one in found}) == len(lines)
