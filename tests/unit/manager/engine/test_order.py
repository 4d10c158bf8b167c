"""A random graph of 1,000 services keeps every order: starting, stopping, and when parts of it are asked for."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snowfox.service import effects
from snowfox.service.event import Notified, StopAll
from snowfox.service.fact import ServiceExited, ServiceReady
from snowfox.service.spec import Ready, Service
from snowfox.testing.stage import Stage
from snowfox.values import Exit

NOTIFY = Ready(notify=True)


def services(random: Random, count: int) -> list[Service]:
    """Without a circle: each may require, want and follow what comes before it in a hidden order."""
    names = [f"s{number}" for number in range(count)]
    random.shuffle(names)
    found = []
    for place, name in enumerate(names):
        others = random.sample(names[:place], min(place, random.randint(0, 4)))
        edges: dict[str, list[str]] = {"requires": [], "wants": [], "after": []}
        for other in others:
            edges[random.choice([*edges])].append(other)
        found.append(
            Service(
                name,
                ("x",),
                ready=NOTIFY if random.random() < 0.5 else Ready(),
                instances=random.choice([1, 1, 1, 2]),
                **{key: tuple(value) for key, value in edges.items()},
            )
        )
    random.shuffle(found)
    return found


class Watched(Stage):
    """A stage on which each launch and each end is looked at as it happens.

    Args:
        services: its configuration.
    """

    def __init__(self, *services: Service) -> None:
        super().__init__(*services)
        self.services = {service.name: service for service in services}
        self.ready: set[str] = set()
        self.is_going = False

    def is_all(self, name: str, *states: str) -> bool:
        """Whether all instances of a service are in one of these states."""
        return all(self.state(identity) in states for identity in self.services[name].ids())

    def are_ready(self, name: str) -> bool:
        """Whether all instances of a service said so and live; statuses are told only at the end of a turn."""
        return self.ready.issuperset(self.services[name].ids())

    def settle(self, random: Random) -> None:
        """Let those that wait to say that they are ready say so, in any order."""
        while silent := [token for token, one in self.running.items() if self.state(one) == "starting"]:
            self.tell(Notified(random.choice(silent)))

    def _launch(self, instance: str, token: str) -> None:
        service = self.services[instance.partition("@")[0]]
        for other in service.requires:
            assert self.are_ready(other), f"{instance} is launched before {other} is ready"
        for other in (*service.wants, *service.after):
            assert self.are_ready(other) or self.is_all(other, "stopped"), f"{instance} overtakes {other}"
        super()._launch(instance, token)

    def _end(self, token: str, exit: Exit) -> None:
        instance = self.running.get(token)
        if instance is not None:
            name = instance.partition("@")[0]
            alive = {one.partition("@")[0] for one in self.running.values()}
            for other in alive - {name}:
                behind = self.services[other]
                assert name not in behind.requires, f"{instance} ends before {other}"
                is_going = self.is_going and name in (*behind.wants, *behind.after)
                assert not is_going, f"{instance} ends before {other}"
        super()._end(token, exit)

    def _perform(self, effect: effects.Effect) -> None:
        if isinstance(effect, effects.Emit) and isinstance(effect.fact, ServiceReady):
            self.ready.add(effect.subject)
        elif isinstance(effect, effects.Emit) and isinstance(effect.fact, ServiceExited):
            self.ready.discard(effect.subject)
        super()._perform(effect)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1 << 30))
def test_a_thousand_keep_every_order(seed: int) -> None:
    """Started: each after what it requires is ready and what it wants or follows has had its chance; stopped: before."""
    random = Random(seed)
    stage = Watched(*services(random, 1000))
    stage.up()
    stage.settle(random)
    stage.advance(2)
    assert {one.state for one in stage.statuses.values()} == {"ready"}
    assert stage.done["up"].code == 0
    for name in random.sample([*stage.services], 5):
        ids = stage.services[name].ids()
        stage.ask("stop", *ids)
        assert stage.is_all(name, "stopped")
        stage.ask(random.choice(["start", "restart"]), *ids)
        stage.settle(random)
        stage.advance(2)
        assert {one.state for one in stage.statuses.values()} == {"ready"}
    stage.is_going = True
    stage.tell(StopAll("down"))
    assert stage.running == {}
    assert stage.phases[-1] == "down"
