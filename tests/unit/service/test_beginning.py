"""How an instance begins."""

from __future__ import annotations

from random import Random

from snowfox.service.instance import Input, Instance, Turn
from snowfox.service.life import step
from snowfox.testing.life import WEB


def test_a_notification_may_come_before_the_answer_to_the_launch():
    """It counts once the process is known."""
    turn = Turn(100.0, Random(1))
    instance = Instance("web", WEB, 0.0)
    for told in (Input("start"), Input("go", token="web~1"), Input("ready", text="notified")):
        assert step(instance, told, turn)
    assert instance.state == "starting"
    step(instance, Input("launched", pid=7, started=8), turn)
    assert instance.state == "ready"


def test_what_is_said_in_another_way_than_the_service_declares_does_not_count():
    """A probe's word for a service that notifies changes nothing."""
    turn = Turn(100.0, Random(1))
    instance = Instance("web", WEB, 0.0)
    for told in (Input("start"), Input("go", token="web~1"), Input("launched", pid=7, started=8)):
        step(instance, told, turn)
    step(instance, Input("ready", text="probed"), turn)
    assert instance.state == "starting"
