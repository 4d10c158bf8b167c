"""The engine as a state machine of people, processes and time: whatever happens, what must hold holds."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from snowfox.service.event import Notified
from snowfox.service.spec import Ready, Restart, Service
from snowfox.testing.stage import Stage
from snowfox.values import Exit

NAMES = ("a", "b", "c", "d", "e")
PATIENT = Restart(limit=1_000_000)


class Dependencies(RuleBasedStateMachine):
    """Five services that require, want, follow, conflict with and are tied to one another, and what befalls them."""

    @initialize(data=st.data())
    def up(self, data: Any) -> None:
        """A configuration without circles; of two that conflict, the second waits to be started."""
        found: list[Service] = []
        waiting: set[str] = set()
        self.rivals: set[frozenset[str]] = set()
        for place, name in enumerate(NAMES):
            before = NAMES[:place]
            pick = st.lists(st.sampled_from(before), unique=True, max_size=2) if before else st.just([])
            requires, wants, after = (data.draw(pick) for _ in range(3))
            if self.are_rivals(found, requires):  # a check refuses that
                requires = []
            tied = {other: "restart" for other in requires if data.draw(st.booleans())}
            related = {*requires, *wants, *after}
            rival = [one for one in before if one not in related and not self.needs(found, related, one)]
            conflicts = data.draw(st.lists(st.sampled_from(rival), max_size=1)) if rival else []
            conflicts = [one for one in conflicts if not self.are_needed_together(found, requires, one)]
            self.rivals |= {frozenset((name, one)) for one in conflicts}
            if conflicts or waiting & related or data.draw(st.booleans()):
                waiting.add(name)
            found.append(
                Service(
                    name,
                    ("x",),
                    instances=data.draw(st.integers(1, 2)),
                    requires=tuple(requires),
                    on_restart=tied,
                    wants=tuple(wants),
                    after=tuple(after),
                    conflicts=tuple(conflicts),
                    ready=Ready(notify=data.draw(st.booleans())),
                    restart=PATIENT,
                    autostart=name not in waiting,
                )
            )
        self.services = {service.name: service for service in found}
        self.stage = Stage(*found)
        self.stage.up()

    def are_rivals(self, found: list[Service], names: list[str]) -> bool:
        """Whether of what these need two conflict."""
        needed = {one.name for one in found if self.needs(found, {*names}, one.name)}
        return any(pair <= needed for pair in self.rivals)

    @staticmethod
    def needs(found: list[Service], names: set[str], other: str) -> bool:
        """Whether one of these needs the other, directly or not."""
        by_name = {service.name: service for service in found}
        way = [*names]
        seen: set[str] = set()
        while way:
            name = way.pop()
            if name == other:
                return True
            if name not in seen:
                seen.add(name)
                way += [*by_name[name].requires, *by_name[name].wants]
        return False

    def are_needed_together(self, found: list[Service], requires: list[str], other: str) -> bool:
        """Whether a conflict with the other is one with itself: what it needs conflicts already."""
        return any(self.needs(found, {one}, other) or self.needs(found, {other}, one) for one in requires)

    def one(self, number: int) -> str:
        """One of the instances."""
        ids = [identity for service in self.services.values() for identity in service.ids()]
        return ids[number % len(ids)]

    @rule(verb=st.sampled_from(("start", "stop", "restart")), number=st.integers(0, 20))
    def ask(self, verb: str, number: int) -> None:
        """A person asks."""
        self.stage.ask(verb, self.one(number))

    @rule(number=st.integers(0, 20), code=st.integers(0, 1))
    def die(self, number: int, code: int) -> None:
        """A process ends by itself."""
        tokens = [*self.stage.running]
        if tokens:
            self.stage.exit_token(tokens[number % len(tokens)], Exit(code))

    @rule(number=st.integers(0, 20))
    def get_ready(self, number: int) -> None:
        """A process says that it is ready."""
        tokens = [*self.stage.running]
        if tokens:
            self.stage.tell(Notified(tokens[number % len(tokens)]))

    @rule(number=st.integers(0, 20), does=st.booleans())
    def hang(self, number: int, does: bool) -> None:
        """An instance ignores signals from now on, or no longer."""
        (self.stage.stubborn.add if does else self.stage.stubborn.discard)(self.one(number))

    @rule(tenths=st.integers(1, 400))
    def wait(self, tenths: int) -> None:
        """Time passes."""
        self.stage.advance(tenths / 10)

    @invariant()
    def rivals_do_not_run_together(self) -> None:
        """Of two services that conflict never both have a process."""
        alive = {instance.partition("@")[0] for instance in self.stage.running.values()}
        assert not any(pair <= alive for pair in self.rivals)

    @invariant()
    def there_is_one_process_each(self) -> None:
        """Of each instance, and what `status` says of it is so."""
        running = [*self.stage.running.values()]
        assert len(running) == len({*running})
        for name, status in self.stage.statuses.items():
            assert bool(status.pid) is (name in running), status

    @invariant()
    def a_stop_lasts(self) -> None:
        """What people stopped is stopped, or on its way there."""
        for name, word in self.stage.wanted.items():
            if word == "stopped":
                assert self.stage.state(name) in {"stopped", "stopping", "ready", "starting", "failing"}
                if self.stage.state(name) != "stopped":
                    assert self.stage.light(name) == "yellow"

    def teardown(self) -> None:
        """Left alone, all settles: nothing waits for what is ready, nothing runs that is not wanted."""
        if not hasattr(self, "stage"):
            return
        self.stage.stubborn.clear()
        for _ in range(20):
            self.stage.advance(40)
            for token in [*self.stage.running]:
                self.stage.tell(Notified(token))
        for name, status in self.stage.statuses.items():
            assert status.state in {"ready", "stopped"}, (name, status)
            assert status.light == "green", (name, status)


Dependencies.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestDependencies = Dependencies.TestCase
