"""How many instances people asked for."""

from __future__ import annotations

import pytest

from snowfox.service.scale import Scale, is_scale, key_of, scaled, scales_of
from snowfox.service.spec import Service


def test_it_is_kept_among_what_people_want():
    """Under a name that no instance has; what else people want is none, and neither is what nobody wrote."""
    wanted = {key_of("web"): Scale(4, 2).text, "web@1": "stopped", key_of("old"): "many"}
    assert scales_of(wanted) == {"web": Scale(4, 2)}
    assert [is_scale(key) for key in wanted] == [True, False, True]


@pytest.mark.parametrize("text", ["", "4", "4 for", " for 2", "x for 2", "-1 for 2"])
def test_what_is_no_scale(text):
    """It is passed over, not guessed."""
    assert Scale.read(text) is None


def test_a_newer_configuration_goes_before_it():
    """It counts while the service says what it said then."""
    scales = {"web": Scale(4, 2)}
    assert scaled(Service("web", ("x",), instances=2), scales).instances == 4
    assert scaled(Service("web", ("x",), instances=3), scales).instances == 3
    assert scaled(Service("web", ("x",), instances=("a", "b")), scales).count == 2
    assert scaled(Service("api", ("x",), instances=2), scales).instances == 2
