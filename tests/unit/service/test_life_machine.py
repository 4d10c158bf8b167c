"""The instance machine, driven by chance: any service, any order of what can happen, on a virtual clock.

The world beside it does what effects ask for and holds the driver's contract: one answer to a launch, one end of what was
launched, one end of a hook that was not given up. Whatever happens, what is never right is looked for after each step;
and at the end of each story a stop must come to its end.
"""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from snowfox.service import effects
from snowfox.service.hook import Hook, Step
from snowfox.service.instance import ALIVE, Input, Instance, Turn
from snowfox.service.life import ROWS, step
from snowfox.service.renewal import Reload
from snowfox.service.spec import Alive, Ready, Restart, Service, Stop
from snowfox.values import UNKNOWN_EXIT, Exit

HOOK = Hook(("x",), 5.0)
EXITS = st.sampled_from([Exit(0), Exit(1), Exit(78), Exit(signal=9), UNKNOWN_EXIT])
SERVICES = st.builds(
    lambda is_task, ready, alive, restart, stop, hooks, reload: Service(
        "web",
        ("x",),
        is_task=is_task,
        ready=Ready() if is_task else ready,
        alive=Alive() if is_task else alive,
        timeout=30.0 if is_task else None,
        restart=restart,
        stop=stop,
        reload=reload,
        **hooks,
    ),
    st.booleans(),
    st.sampled_from([Ready(), Ready(notify=True, timeout=5.0), Ready(tcp="127.0.0.1:1"), Ready(delay=2.0)]),
    st.sampled_from([Alive(), Alive(tcp="127.0.0.1:1")]),
    st.builds(
        Restart,
        when=st.sampled_from(["always", "on-failure", "never"]),
        delay=st.sampled_from([0.0, 0.1]),
        limit=st.sampled_from([1, 3, 5]),
        final=st.sampled_from([(), (78,)]),
    ),
    st.sampled_from([Stop(15, 5.0), Stop(steps=(Step(None, ("x",), 2.0), Step(3, (), 3.0)))]),
    st.fixed_dictionaries(
        {
            name: st.sampled_from([None, HOOK])
            for name in ("before_start", "after_ready", "before_stop", "after_exit")
        }
    ),
    st.sampled_from([None, Reload(signal=1), Reload(command=("x",)), Reload(notify=True, timeout=3.0)]),
)


class World:
    """An instance and what is beside it: a driver, processes, hooks, a clock."""

    instance: Instance

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.random = Random(3)
        self.count = 0
        self.launching = ""
        self.living: set[str] = set()
        self.killed: set[str] = set()
        self.timer: tuple[str, float] | None = None
        self.hook: tuple[str, str] | None = None
        self.probed: set[str] = set()
        self.watched: set[str] = set()

    def run(self, *, is_made: bool, is_ready: bool) -> None:
        """Start it, and what follows where nothing goes wrong."""
        self.tell("start")
        self.go_on()
        if self.hook is not None and is_made:
            self.hook_over("")
        if self.launching and is_made:
            self.made()
        if self.instance.state == "starting" and self.living and is_ready:
            if self.timer is not None and self.timer[0] == "ready":
                self.time_out()
            elif self.instance.wait.by in {"notified", "probed"}:
                self.ready()

    def go_on(self) -> None:
        """Its turn, where it waits for one."""
        if self.instance.state == "waiting" and not self.instance.hook:
            self.count += 1
            self.tell("go", token=f"web~{self.count}")

    def tell(self, kind: str, **more: Any) -> bool:
        """Tell the instance; do what it wants."""
        before = self.instance.state
        turn = Turn(self.now, self.random)
        accepted = step(self.instance, Input(kind, **more), turn)
        if accepted:
            assert self.instance.state in ROWS[before][kind].to
        else:
            assert turn.effects == []
        for effect in turn.effects:
            self.perform(effect)
        return accepted

    def perform(self, effect: effects.Effect) -> None:  # noqa: C901, PLR0912 - a table
        """As a driver would."""
        match effect:
            case effects.Launch(_, token):
                assert not self.living, "a second process"
                assert not self.launching, "a second launch"
                assert self.hook is None, "a launch beside a hook"
                self.launching = token
            case effects.Signal(_, token):
                assert token in self.living
            case effects.Kill(_, token):
                self.killed.add(token)
            case effects.RunHook(_, token, name):
                assert token == self.instance.hook_token
                self.hook = (token, name)
            case effects.StopHook():
                assert self.hook is not None
                self.hook = None
            case effects.SetTimer(_, name, seconds):
                assert seconds >= 0
                self.timer = (name, self.now + seconds)
            case effects.ClearTimer():
                self.timer = None
            case effects.StartProbe(_, token):
                assert token in self.living
                self.probed.add(token)
            case effects.StopProbe(_, token):
                self.probed.remove(token)
            case effects.StartWatch(_, token):
                assert token in self.living
                self.watched.add(token)
            case effects.StopWatch(token):
                self.watched.remove(token)
            case effects.Emit() | effects.Forget():
                pass
            case _:
                raise AssertionError(effect)

    def ready(self) -> None:
        """Tell that it is ready, as it would be found out."""
        by = "probed" if self.probed else "notified"
        self.probed.clear()  # the driver ends a probe that was answered
        self.tell("ready", text=by)

    def hook_over(self, text: str) -> None:
        """The hook that runs ends."""
        self.hook = None
        self.tell("hook-over", text=text)

    def made(self) -> None:
        """A launch that was under way succeeds."""
        token, self.launching = self.launching, ""
        self.living.add(token)
        self.tell("launched", pid=self.count + 100, started=self.count)

    def time_out(self) -> None:
        """Its timer fires."""
        assert self.timer is not None
        name, due = self.timer
        self.now, self.timer = max(self.now, due), None
        self.instance.timer = ""
        assert self.tell(name, text="delay"), f"{name} in {self.instance.state}"


class Life(World, RuleBasedStateMachine):
    """What may happen to it, and what must always be so."""

    @initialize(service=SERVICES, way=st.integers(0, 4))
    def begin(self, service: Service, way: int) -> None:
        """Any service, on its way."""
        self.instance = Instance("web", service, self.now)
        if way > 0:
            self.run(is_made=way > 1, is_ready=way > 2)

    # What people and the engine want

    @rule()
    def start(self) -> None:
        """A person, or a dependency."""
        self.tell("start")

    @precondition(lambda self: self.instance.state not in ALIVE)
    @rule(is_made=st.booleans(), is_ready=st.booleans())
    def start_well(self, is_made: bool, is_ready: bool) -> None:
        """The same, and all goes well so far."""
        self.run(is_made=is_made, is_ready=is_ready)

    @precondition(lambda self: self.instance.state != "stopped")
    @rule(how=st.sampled_from(["", "", "", "stop", "again", "kill"]))
    def stop(self, how: str) -> None:
        """A person, a change, a second Ctrl-C; not each time that it might."""
        if how == "kill":
            self.tell("kill", text="asked")
        elif how:
            self.tell("stop", text="asked", again=how == "again")

    @rule()
    def reload(self) -> None:
        """A person."""
        self.tell("reload")

    @rule()
    def go(self) -> None:
        """Its turn."""
        self.go_on()

    # What happens

    @precondition(lambda self: self.launching)
    @rule(is_made=st.booleans(), is_temporary=st.booleans())
    def answer(self, is_made: bool, is_temporary: bool) -> None:
        """The answer to the launch."""
        token, self.launching = self.launching, ""
        if is_made:
            self.living.add(token)
            self.tell("launched", pid=self.count + 100, started=self.count)
        else:
            self.tell("refused", text="no", is_temporary=is_temporary)

    @precondition(lambda self: self.living)
    @rule(exit=EXITS)
    def exit(self, exit: Exit) -> None:
        """Its process ends."""
        self.living.clear()
        self.tell("exited", exit=exit)
        self.probed.clear()

    @precondition(lambda self: self.living or self.launching)
    @rule()
    def is_ready(self) -> None:
        """It is found so, or says so, be it once more."""
        self.ready()

    @precondition(lambda self: self.watched)
    @rule()
    def unwell(self) -> None:
        """A probe of what is ready fails for good."""
        self.tell("unwell", text="it answered 500", cause="probe")

    @precondition(lambda self: self.hook is not None)
    @rule(text=st.sampled_from(["", "x: exit 1"]))
    def hook_ends(self, text: str) -> None:
        """A hook ends."""
        self.hook_over(text)

    @precondition(lambda self: self.timer is not None)
    @rule()
    def time_is_over(self) -> None:
        """Its timer fires."""
        self.time_out()

    @rule(seconds=st.sampled_from([0.1, 1.0, 15.0]))
    def time_passes(self, seconds: float) -> None:
        """Not beyond what is due."""
        limit = self.timer[1] if self.timer else self.now + seconds
        self.now = min(self.now + seconds, max(limit, self.now))

    # What must always be so

    @invariant()
    def a_launch_belongs_to_a_state(self) -> None:
        """Alive with a token, or only commands of its stop and after its exit; else there is no process."""
        one = self.instance
        if one.state in ALIVE:
            assert one.token or (one.state == "stopping" and one.hook)
        else:
            assert (one.token, one.pid) == ("", 0)
            assert not self.living
            assert not self.launching
        assert not one.pid or self.living == {one.token}
        assert not self.launching or self.launching == one.token

    @invariant()
    def what_it_thinks_is_so(self) -> None:
        """Its timer and its hook are there, and no others."""
        one = self.instance
        assert one.timer == (self.timer[0] if self.timer else "")
        assert one.hook == (self.hook[1] if self.hook else "")

    @invariant()
    def a_hook_has_its_time(self) -> None:
        """Each runs only where its end means something."""
        one = self.instance
        if not one.hook:
            return
        match one.state:
            case "starting":
                assert one.hook == "before-start"
                assert not one.pid
            case "ready":
                assert one.hook in {"after-ready", "reload"}
            case "failing":
                assert one.hook.startswith("stop ")
            case "stopping":
                assert one.hook in {"before-stop", "after-exit"} or one.hook.startswith("stop ")
            case _:
                assert one.hook == "after-exit"

    @invariant()
    def it_is_asked_only_while_that_has_a_meaning(self) -> None:
        """Probes of a start while it starts, watching while it is ready."""
        one = self.instance
        assert not self.probed or one.state == "starting"
        assert bool(self.watched) is (one.state == "ready" and one.is_watched)

    @invariant()
    def nothing_waits_for_ever(self) -> None:
        """What is being ended, or is to be tried again, has something that goes on with it."""
        one = self.instance
        if one.state == "failing":
            assert one.timer
        elif one.state == "stopping":
            assert one.timer or one.hook or self.launching
        elif one.state == "backoff":
            assert one.timer == "retry"
        elif one.state == "starting":
            assert one.timer or one.hook or self.launching or one.wait.by == "end"
        if one.is_reloading:
            assert one.state == "ready"
            assert one.hook == "reload" or one.timer == "reload-over"

    @invariant()
    def failures_are_counted(self) -> None:
        """Never more than the limit without having failed."""
        one = self.instance
        if one.state in {"backoff", "waiting"}:
            assert len(one.history.failures) < one.service.restart.limit

    def teardown(self) -> None:
        """A stop comes to its end, however the story went; what resists SIGKILL is stuck, until it ends after all."""
        if not hasattr(self, "instance"):
            return
        self.tell("stop", text="the end")
        for _ in range(20):
            if self.instance.state == "stopped":
                break
            if self.launching:
                self.made()
            elif self.hook is not None:
                self.hook_over("")
            elif self.timer is not None:
                self.time_out()
            elif self.living:
                assert self.instance.state == "stuck"
                assert self.living <= self.killed
                self.living.clear()
                self.tell("exited", exit=Exit(signal=9))
        assert self.instance.state == "stopped"
        assert not self.living


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
