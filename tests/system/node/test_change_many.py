"""A change of one among very many."""

from __future__ import annotations

import resource

import pytest

from snowfox.testing.node import Node

MANY = 1000


def configuration(changed: str) -> str:
    """A thousand services; the 500th has this environment."""
    services = [
        f'[service.s{number:04}]\ncommand = ["sleep", "1000"]\ndirectory = "/"\n'
        + (f'environment = {{ VALUE = "{changed}" }}\n' if number == MANY // 2 else "")
        for number in range(MANY)
    ]
    return "\n".join(services)


def test_one_of_a_thousand(node: Node) -> None:
    """The other 999 have the pids and start times that they had."""
    if 0 <= resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 4 * MANY:
        pytest.skip(f"{4 * MANY} descriptors are needed")
    node.write(configuration("1"))
    node.good("up", "-d")
    before = node.running()
    assert len(before) == MANY
    node.write(configuration("2"))
    assert "1 replaced, 999 kept" in node.good("apply")
    after = node.running()
    assert {name for name in before if before[name] != after[name]} == {f"s{MANY // 2:04}"}
