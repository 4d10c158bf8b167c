"""A plan as people see it: values as they are written, what is away and for how long, what cannot be undone."""

import io

import pytest

from snowfox.cli import difference
from snowfox.cli.paper import Paper
from snowfox.contract.manager import Plan
from snowfox.manager.change.view import plan
from snowfox.testing.configuration import configuration

SOCKET = """
[socket.front]
listen = "unix:/run/front.sock"
"""
WEB = """
[service.web]
command = ["web"]
"""
HEALTHY = (
    WEB
    + """
[service.shop]
command = ["shop"]
requires = ["web"]
[service.fill]
type = "task"
command = ["fill"]
"""
)


def from_to(before: str, after: str, **measured: float) -> Plan:
    """The plan."""
    return plan(configuration(before), configuration(after), measured)


def reasons(found: Plan) -> list[tuple[str, str, str]]:
    """Of its first step."""
    return [(one.field, one.before, one.after) for one in found.steps[0].reasons]


def text(found: Plan) -> str:
    """As it is printed."""
    return "\n".join(difference.lines(found, Paper(io.StringIO())))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("", 'mode = "0660"', ("", '"0660"')),
        ('mode = "0660"', 'mode = "0600"', ('"0660"', '"0600"')),
        ('mode = "0600"', "", ('"0600"', "")),
    ],
)
def test_a_mode_is_octal(before: str, after: str, told: tuple[str, str]) -> None:
    """As it is written in the file, by every form of the plan."""
    found = from_to(SOCKET + before, SOCKET + after)
    assert reasons(found) == [("mode", *told)]
    first, second = (one or "unset" for one in told)
    assert f"~ socket front  mode: {first} → {second}" in text(found)


def test_each_secret_by_itself() -> None:
    """Those that differ, by where they come from and how they get there; of a long path only a part is printed."""
    same = 'secrets.SAME = { file = "/etc/same" }\n'
    path = f"/etc/{'long' * 60}/token"
    before = f'{WEB}{same}secrets.OLD = {{ file = "/etc/old" }}\n'
    after = f'{WEB}secrets.NEW = {{ file = "{path}" }}\nsecrets.OLD = {{ file = "/etc/old", as = "file" }}\n{same}'
    found = from_to(before, after)
    assert sorted(reasons(found)) == [
        ("secrets.NEW", "", f'{{ file = "{path}" }}'),
        ("secrets.OLD", '{ file = "/etc/old" }', '{ file = "/etc/old", as = "file" }'),
    ]
    assert path not in text(found)
    assert 'secrets.NEW: unset → { file = "/etc/long' in text(found)


def test_the_order_of_secrets_says_nothing() -> None:
    """Nothing changes where they are only written in another order."""
    one, other = 'secrets.A = { file = "/a" }\n', 'secrets.B = { file = "/b" }\n'
    assert from_to(WEB + one + other, WEB + other + one).steps == []


def test_how_long_it_is_away() -> None:
    """As long as it and what it requires took to get ready, where that was measured; a rolling one not at all."""
    changed = HEALTHY.replace('["web"]\n', '["web", "-v"]\n', 1)
    both = changed.replace('["shop"]', '["shop", "-v"]')
    assert [one.away for one in from_to(HEALTHY, both, web=1.5, shop=0.25).steps] == [1500, 1750]
    assert [one.away for one in from_to(HEALTHY, both, web=1.5).steps] == [1500, -1]
    rolling = HEALTHY.replace('["web"]\n', '["web"]\nreplace = "rolling"\n', 1)
    found = from_to(rolling, rolling.replace('["web"]\n', '["web", "-v"]\n', 1), web=1.5, shop=0.25)
    assert [one.away for one in found.steps] == [0]


def test_what_cannot_be_undone() -> None:
    """A task that runs; all else can."""
    found = from_to(
        HEALTHY, HEALTHY.replace('["fill"]', '["fill", "-v"]').replace('["shop"]', '["shop", "-v"]')
    )
    assert {one.name: (one.undoable, one.how) for one in found.steps} == {
        "shop": (True, "restart"),
        "fill": (False, "runs again"),
    }
