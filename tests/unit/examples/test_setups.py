"""The configurations of the three common set-ups, without a node."""

from pathlib import Path

import pytest

from snowfox.testing.configuration import checked

EXAMPLES = Path(__file__).parents[3] / "examples"

pytest.importorskip("cronsim", reason="locked in requirements/test.txt: make .venv/.test")


@pytest.mark.parametrize(
    ("name", "instances"),
    [
        ("web", {"tables": 1, "web": 2, "worker": 2}),
        ("queue", {"queue": 1, "consumer": 3}),
        ("scheduled", {"sample": 1, "report": 1, "backup": 1}),
    ],
)
def test_it_is_fine(name, instances):
    """Without a warning, and as large as its page says."""
    found = checked((EXAMPLES / name / "snowfox.toml").read_text())
    assert [problem.show() for problem in found.problems] == []
    assert {service.name: len(service.ids()) for service in found.require().services.values()} == instances


def test_every_program_is_there():
    """What a command of an example names lies beside it."""
    for name in ("web", "queue", "scheduled"):
        for service in checked((EXAMPLES / name / "snowfox.toml").read_text()).require().services.values():
            assert (EXAMPLES / name / service.command[1]).is_file()
