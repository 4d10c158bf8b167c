"""Whatever comes, in whatever order: the engine does not raise, and its promises hold."""

from __future__ import annotations

from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from snowfox.manager.engine.engine import Engine
from snowfox.manager.engine.fleet import Fleet
from snowfox.manager.engine.group import Group
from snowfox.manager.engine.place import place_of
from snowfox.service import effects, event
from snowfox.service.spec import Configuration, Ready, Restart, Service, Stop
from snowfox.service.status import STATES
from snowfox.values import Exit

NAMES = ("a", "b@1", "b@2", "c", "d", "e")
EXITS = st.sampled_from((Exit(0), Exit(1), Exit(signal=9), Exit()))


def services(when: str) -> tuple[Service, ...]:
    """Five services of all kinds, with edges of both kinds."""
    restart = Restart(when=when, delay=0.0 if when == "on-failure" else 0.1)
    return (
        Service("a", ("x",), ready=Ready(notify=True, timeout=5.0), restart=restart),
        Service("b", ("x",), requires=("a",), instances=2, restart=restart, stop=Stop(15, 1.0)),
        Service("c", ("x",), requires=("b", "d"), ready=Ready(tcp="x:1", timeout=3.0), restart=restart),
        Service("d", ("x",), is_task=True, after=("a",), restart=restart),
        Service("e", ("x",), after=("c",), autostart=False, restart=restart),
    )


def strays_behind(fleet: Fleet, group: Group) -> list[Group]:
    """What has no place any more and stops before this group."""
    strays = {member.group: None for member in fleet.members.values() if member.group.is_stray}
    return [stray for stray in strays if group in stray.after]


class Anything(RuleBasedStateMachine):
    """A driver that answers when it likes, and strangers that say what they like."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.number = 0
        self.pending: dict[str, str] = {}  # token -> instance: launches without an answer
        self.alive: dict[str, str] = {}  # token -> instance
        self.timers: dict[str, tuple[float, str]] = {}
        self.old: list[str] = ["a~none"]
        self.open: set[str] = set()
        self.phase = ""
        self.statuses: dict[str, object] = {}
        self.is_going, self.parts = False, set[str]()
        self.dying: set[str] = set()

    @initialize(when=st.sampled_from(("always", "on-failure", "never")))
    def begin(self, when: str) -> None:
        """The node begins."""
        self.when = when
        configuration = self.use(services(when))
        self.engine = Engine(configuration, self.new_id, Random(1))
        self.open.add("up")
        self.tell(event.Begin("up"))

    def use(self, found: tuple[Service, ...]) -> Configuration:
        """A configuration, which is in force from now on."""
        self.services = {each.name: each for each in found}
        return Configuration("n", self.services, {}, "0", "/")

    def new_id(self) -> str:
        """The next of growing ids."""
        self.number += 1
        return f"{self.number:026}"

    def tell(self, *events: event.Event) -> None:
        """Handle events, and check what comes of them."""
        for effect in (one for happened in events for one in self.engine.handle(happened, self.now)):
            match effect:
                case effects.Launch(instance, token):
                    self.check_alone(instance)
                    assert not self.is_going, "launched while the node goes down"
                    self.check_order(instance)
                    self.pending[token] = instance
                    self.old.append(token)
                case effects.Signal(_, token) | effects.Kill(_, token):
                    self.dying.add(token)
                case effects.SetTimer(subject, name, seconds):
                    assert seconds >= 0
                    self.timers[subject] = (self.now + seconds, name)
                case effects.ClearTimer(subject):
                    self.timers.pop(subject, None)
                case _:
                    self.note(effect)

    def note(self, effect: effects.Effect) -> None:
        """What is only told."""
        match effect:
            case effects.OperationDone(operation):
                assert operation in self.open, "an operation ended twice"
                self.open.discard(operation)
            case effects.Arrived(operation):
                assert operation in self.parts, "a part ended twice"
                self.parts.discard(operation)
            case effects.Renamed(was, instance):
                for tokens in (self.alive, self.pending):
                    tokens.update((token, instance) for token in tokens if tokens[token] == was)
            case effects.Removed(instance):
                del self.statuses[instance]
            case effects.Changed(status):
                assert status.state in STATES
                assert status.light in {"green", "yellow", "red"}
                self.statuses[status.id] = status
            case effects.PhaseChanged(phase):
                self.phase = phase
            case _:
                pass

    def check_alone(self, instance: str) -> None:
        """Nothing of it is there yet."""
        assert instance not in self.pending.values(), "two launches under way"
        assert instance not in self.alive.values(), "launched while a process lives"

    def check_order(self, instance: str) -> None:
        """What it requires has got an instance that is ready, or finished well."""
        name = instance.partition("@")[0]
        for other in self.services[name].requires:
            ids = self.services[other].ids()
            states = {self.engine.status(each, self.now).state for each in ids}  # type: ignore[union-attr]
            assert states & {"ready", "finished"}, f"{instance} launched before {other}: {states}"

    @rule(data=st.data(), passed=st.floats(0, 2))
    @precondition(lambda self: self.pending)
    def launched(self, data: st.DataObject, passed: float) -> None:
        """A launch succeeds."""
        self.now += passed
        token = data.draw(st.sampled_from(sorted(self.pending)))
        instance = self.pending.pop(token)
        self.alive[token] = instance
        self.tell(event.Launched(instance, token, self.number + 100, 1))

    @rule(data=st.data(), temporary=st.booleans())
    @precondition(lambda self: self.pending)
    def refused(self, data: st.DataObject, temporary: bool) -> None:
        """A launch fails."""
        token = data.draw(st.sampled_from(sorted(self.pending)))
        self.tell(event.LaunchRefused(self.pending.pop(token), token, "no", "", temporary))

    @rule(data=st.data(), exit=EXITS, passed=st.floats(0, 20))
    @precondition(lambda self: self.alive)
    def ended(self, data: st.DataObject, exit: Exit, passed: float) -> None:
        """A process ends."""
        self.now += passed
        token = data.draw(st.sampled_from(sorted(self.alive)))
        del self.alive[token]
        self.tell(event.Ended(token, exit))

    @rule(data=st.data())
    @precondition(lambda self: self.alive)
    def ready(self, data: st.DataObject) -> None:
        """It says or is found that it is ready."""
        token = data.draw(st.sampled_from(sorted(self.alive)))
        self.tell(event.Notified(token) if token.startswith("a") else event.ProbeAnswered(token))

    @rule()
    @precondition(lambda self: self.timers)
    def fire(self) -> None:
        """The next timer is due."""
        subject, (when, name) = min(self.timers.items(), key=lambda item: item[1])
        del self.timers[subject]
        self.now = max(self.now, when)
        self.tell(event.TimerFired(subject, name))

    @rule(
        verb=st.sampled_from(("start", "stop", "restart", "dance")),
        names=st.sets(st.sampled_from((*NAMES, "x"))),
    )
    def ask(self, verb: str, names: set[str]) -> None:
        """A person asks."""
        operation = f"op{self.new_id()}"
        self.open.add(operation)
        self.tell(event.Ask(operation, verb, tuple(sorted(names))))

    @rule(
        data=st.data(), name=st.sampled_from(("ready", "unready", "grace-over", "kill-over", "retry", "look"))
    )
    def stranger(self, data: st.DataObject, name: str) -> None:
        """Something late, doubled or made up; a token that lives or is under way is never made up."""
        token = data.draw(st.sampled_from(self.old))
        if token in self.pending or token in self.alive:
            return
        instance = token.partition("~")[0]
        happened = data.draw(
            st.sampled_from(
                (
                    event.Ended(token, Exit(0)),
                    event.LaunchRefused(instance, token, "no"),
                    event.Launched(instance, token, 5, 5),
                    event.Notified(token),
                    event.ProbeAnswered(token),
                    event.ProbeFailed(token, "no"),
                    event.TimerFired("nobody", name),
                    event.Begin("again"),
                )
            )
        )
        self.tell(happened)

    @rule(kill=st.booleans())
    @precondition(lambda self: self.number > 12)
    def go_down(self, kill: bool) -> None:
        """The node goes down."""
        if not self.is_going:
            self.is_going = True
            self.open.add("down")
            self.tell(event.StopAll("down"))
        if kill:
            self.tell(event.KillAll())

    @invariant()
    def one_process_each(self) -> None:
        """At most one live token per instance."""
        assert len(set(self.alive.values())) == len(self.alive)

    @invariant()
    def status_agrees(self) -> None:
        """What was told of an instance is what it is."""
        if not self.phase:
            return
        assert set(self.statuses) == set(self.engine._fleet.members)
        for name, told in self.statuses.items():
            status = self.engine.status(name, self.now)
            assert status is not None
            assert (told.state, told.light, told.token) == (status.state, status.light, status.token)  # type: ignore[attr-defined]

    @invariant()
    def numbers_agree(self) -> None:
        """Every count that is kept up to date equals the one made from scratch; nobody waits at an open gate."""
        if not self.phase:
            return
        fleet = self.engine._fleet
        for group in fleet.groups.values():
            assert group.wanted == sum(member.wants for member in group.members)
            assert group.held == sum(not other.is_effective for other in group.requires)
            assert group.is_effective is (group.wanted > 0 and not group.held)
            assert group.leaving == sum(member.leaving for member in group.members)
            behind = [*group.dependents, *group.followers, *strays_behind(fleet, group)]
            assert group.leaving_behind == sum(other.leaving > 0 for other in behind)
            assert group.unmet == sum(not other.is_good for other in group.requires)
            assert group.hopeless_before == sum(other.is_hopeless for other in group.requires)
            assert group.coming_before == sum(other.is_coming for other in group.after)
            for member in group.members:
                assert member.place == place_of(member, is_to_run=fleet.is_to_run(member))
                state = member.instance.state
                if state == "waiting":
                    assert fleet.is_to_run(member), "waits though it is not to run"
                    assert not group.is_open, "waits at an open gate"
                if member.leaving and state != "stopping":
                    assert group.leaving_behind, "is not stopped though its turn has come"
                if state in {"starting", "ready"} and not member.leaving:
                    assert fleet.is_to_run(member), "runs though it is not to run"
        running = {"starting", "ready", "failing", "stopping"}
        assert fleet.running == sum(
            member.instance.state in running
            or (member.outgoing is not None and member.outgoing.state in running)
            for member in fleet.members.values()
        )

    def teardown(self) -> None:
        """From anywhere the node goes down: every process is signalled or killed, every operation ends."""
        if not self.phase:
            return
        self.go_down(kill=False)
        for _ in range(2000):
            if not (self.pending or self.alive):
                break
            if self.pending:
                token, instance = self.pending.popitem()
                self.alive[token] = instance
                self.tell(event.Launched(instance, token, 9, 9))
            elif dying := sorted(self.dying & set(self.alive)):
                del self.alive[dying[0]]
                self.tell(event.Ended(dying[0], Exit(signal=15)))
            else:
                self.fire()
        assert not self.alive
        assert self.phase == "down"
        assert not self.open, f"operations without an end: {self.open}"
        assert not self.timers


class AnyChange(Anything):
    """As before, and the configuration changes at any time, to and fro."""

    def check_alone(self, instance: str) -> None:
        """A new one may be launched beside the one whose place it takes."""
        assert list(self.pending.values()).count(instance) <= 1, "three launches under way"
        assert list(self.alive.values()).count(instance) <= 1, "launched beside two"

    @invariant()
    def one_process_each(self) -> None:
        """At most one beside another."""
        for tokens in (self.alive, self.pending):
            assert all(list(tokens.values()).count(one) <= 2 for one in tokens.values())

    @rule(
        command=st.sampled_from("xy"),
        left_out=st.sets(st.sampled_from("abcdef"), max_size=3),
        instances=st.integers(1, 3),
        replacement=st.sampled_from(("rolling", "restart")),
    )
    @precondition(lambda self: not self.is_going)
    def reconfigure(self, command: str, left_out: set[str], instances: int, replacement: str) -> None:
        """Another configuration: some services changed, left out, renamed."""
        found = [
            each.replace(
                command=(command,) if each.name in "abd" else ("x",),
                instances=instances if each.name == "b" else 1,
                requires=tuple(name for name in each.requires if name not in left_out),
                replacement=replacement,
            )
            for each in services(self.when)
        ]
        found.append(
            Service("f", (command,), requires=("a",) if "a" not in left_out else (), owner=1, was="e")
        )
        names = {"e"} if "f" not in left_out else {"f"}
        self.change(tuple(each for each in found if each.name not in left_out | names))

    def change(self, found: tuple[Service, ...]) -> None:
        """To this configuration."""
        self.parts.add(part := f"part{self.new_id()}")
        self.tell(event.Reconfigure(part, self.use(found)))

    @rule()
    @precondition(lambda self: not self.is_going)
    def retire(self) -> None:
        """What has no place goes."""
        self.parts.add(part := f"part{self.new_id()}")
        self.tell(event.Retire(part))

    @rule()
    def abandon(self) -> None:
        """Nobody waits any more."""
        for part in sorted(self.parts):
            self.tell(event.Abandon(part))
        self.parts.clear()

    def teardown(self) -> None:
        """Back to the first configuration, all of which goes well: nothing of another is left."""
        if self.phase and not self.is_going:
            self.change(services(self.when))
            self.let_go_well()
            assert not self.parts, "it has no end"
            self.retire()
            self.let_go_well()
            for member in self.engine._fleet.members.values():
                assert member.outgoing is None
                assert not member.group.is_stray
                # What requires one that ended for good before has to stay as it is.
                is_to_run = self.engine._fleet.is_to_run(member) and not member.group.hopeless_before
                assert not (member.is_outdated and member.is_alive and is_to_run)
        super().teardown()

    def let_go_well(self) -> None:
        """Every launch succeeds, everything gets ready, what is told to end ends."""
        for _ in range(2000):
            alive = set(self.alive)
            if self.pending:
                token, instance = self.pending.popitem()
                self.alive[token] = instance
                self.tell(event.Launched(instance, token, 9, 9))
            elif dying := sorted(self.dying & alive):
                del self.alive[dying[0]]
                self.tell(event.Ended(dying[0], Exit(signal=15)))
            elif new := sorted(alive - self.told_ready):
                self.told_ready.add(new[0])
                if self.alive[new[0]] == "d":
                    del self.alive[new[0]]
                    self.tell(event.Ended(new[0], Exit(0)))
                else:
                    self.tell(event.Notified(new[0]), event.ProbeAnswered(new[0]))
            elif self.timers:
                self.fire()
            else:
                return

    def __init__(self) -> None:
        super().__init__()
        self.told_ready: set[str] = set()


AnyChange.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestAnyChange = AnyChange.TestCase

Anything.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestAnything = Anything.TestCase


def test_the_same_events_give_the_same_effects() -> None:
    """Nothing but events, ids and chance decides."""
    told = []
    for _ in range(2):
        numbers = iter(range(1000))
        each = {one.name: one for one in services("always")}
        engine = Engine(
            Configuration("n", each, {}, "0", "/"), lambda numbers=numbers: f"{next(numbers):026}", Random(3)
        )
        effect_list = engine.handle(event.Begin("up"), 0.0)
        for number in range(6):
            token = f"a~{0:026}"
            effect_list += engine.handle(event.Launched("a", token, 5, 5), number)
            effect_list += engine.handle(event.Ended(token, Exit(1)), number + 0.5)
        told.append(effect_list)
    assert told[0] == told[1]
    assert told[0]


def test_a_second_beginning_changes_nothing() -> None:
    """A node begins once."""
    engine = Engine(Configuration("n", {}, {}, "0", "/"), lambda: "0" * 26)
    assert engine.handle(event.Begin("up"), 0.0)
    assert engine.handle(event.Begin("up2"), 1.0) == []


def test_an_unknown_instance_has_no_status() -> None:
    """None, not an error."""
    engine = Engine(Configuration("n", {}, {}, "0", "/"), lambda: "0" * 26)
    assert engine.status("web", 0.0) is None
