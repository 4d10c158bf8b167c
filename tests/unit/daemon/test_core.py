"""The daemon's decisions, on a clock that only the test moves."""

from __future__ import annotations

import pytest

from snowfox.core.backoff import Backoff
from snowfox.daemon.core import CLEAR, END, FIRST_TRIES, HEALTHY, LEAVE, PATIENCE, Core
from snowfox.daemon.events import (
    MANAGER,
    SPAWNER,
    Answered,
    Arm,
    AskKill,
    AskStop,
    Begin,
    Disarm,
    Dismiss,
    Due,
    Effect,
    Ended,
    Event,
    Finish,
    Greet,
    Join,
    Kill,
    Lost,
    Note,
    NotStarted,
    OrphanReaped,
    Refused,
    RejoinAsked,
    Report,
    Restore,
    Start,
    Started,
    StopAsked,
    StopSignalled,
    TakeOver,
    TellOrphan,
)
from snowfox.values import Exit

DELAYS = Backoff(first=0.1, factor=2.0, most=30.0)


class Node:
    """A core, its timers and its time. Starts succeed unless `broken` names the role."""

    def __init__(self) -> None:
        self.core = Core(DELAYS.ceiling)
        self.now = 100.0
        self.timers: dict[str, float] = {}
        self.broken: set[str] = set()
        self.done: list[Effect] = []

    def tell(self, *events: Event) -> list[Effect]:
        """Handle events and what starting brings; the effects without notes and timers."""
        waiting = list(events)
        new: list[Effect] = []
        while waiting:
            for effect in self.core.handle(waiting.pop(0), self.now):
                match effect:
                    case Arm(timer, seconds):
                        self.timers[timer] = self.now + seconds
                    case Disarm(timer):
                        self.timers.pop(timer, None)
                    case Note():
                        pass
                    case Start(role):
                        new.append(effect)
                        failed = NotStarted(role, "cannot start: too many open files")
                        waiting.append(failed if role in self.broken else Started(role))
                    case _:
                        new.append(effect)
        self.done += new
        return new

    def wait(self, seconds: float) -> list[Effect]:
        """Let time pass; what that brings."""
        end = self.now + seconds + 1e-9
        new: list[Effect] = []
        while due := sorted((when, timer) for timer, when in self.timers.items() if when <= end):
            self.now, timer = due[0]
            del self.timers[timer]
            new += self.tell(Due(timer))
        self.now = end
        return new

    def up(self) -> Node:
        """Began, and both answered."""
        self.tell(Begin(keeper=False, adopting=False))
        self.tell(Answered(SPAWNER, "attach"), Answered(MANAGER, "welcome"))
        return self


def test_both_are_started_and_joined() -> None:
    """The spawner first, both before any answer; the manager's welcome joins them."""
    node = Node()
    assert node.tell(Begin(keeper=False, adopting=False)) == [
        Start(SPAWNER),
        Start(MANAGER),
        Restore(),
        Greet(joined=True),
    ]
    assert node.tell(Answered(MANAGER, "welcome")) == []
    assert node.tell(Answered(SPAWNER, "attach")) == [Report("up")]
    assert node.core.phase == "running"


def test_a_keeper_is_taken_over_not_doubled() -> None:
    """With a spawner that stayed, only a manager is started."""
    node = Node()
    assert node.tell(Begin(keeper=True, adopting=True)) == [TakeOver(), Start(MANAGER), Greet(joined=True)]


def test_a_dead_manager_comes_back_at_once_and_is_welcomed() -> None:
    """The first death costs no delay and asks nothing of the spawner but a new session."""
    node = Node().up()
    node.wait(60)
    assert node.tell(Ended(MANAGER, "killed by signal 9 (KILL)")) == [Start(MANAGER), Greet(joined=True)]
    assert node.tell(Answered(MANAGER, "welcome")) == []


def test_a_dead_spawner_gets_its_sockets_before_it_is_joined() -> None:
    """Restore comes before Join, so that no socket is opened anew that is kept."""
    node = Node().up()
    assert node.tell(Ended(SPAWNER, "killed by signal 9 (KILL)")) == [Start(SPAWNER), Restore(), Join()]


def test_a_session_that_ended_between_two_that_live_is_made_again() -> None:
    """The manager asks for it; what dies or comes anyway brings its own."""
    node = Node()
    node.tell(Begin(keeper=False, adopting=False))
    assert node.tell(RejoinAsked()) == []
    node.tell(Answered(SPAWNER, "attach"), Answered(MANAGER, "welcome"))
    assert node.tell(RejoinAsked()) == [Join()]
    node.broken = {SPAWNER}
    node.tell(Ended(SPAWNER, "exit 1"))
    assert node.tell(RejoinAsked()) == []


def test_a_manager_that_comes_while_there_is_no_spawner_is_joined_later() -> None:
    """It is welcomed without a spawner, and joined when that is back."""
    node = Node().up()
    node.broken = {SPAWNER}
    node.tell(Ended(SPAWNER, "exit 1"))
    assert node.tell(Ended(MANAGER, "exit 1")) == [Start(MANAGER), Greet(joined=False)]
    node.tell(Answered(MANAGER, "welcome"))
    node.broken = set()
    assert node.wait(0.1) == [Start(SPAWNER), Restore(), Join()]


def test_nobody_is_attached_before_the_welcome() -> None:
    """Both die at once: the spawner that is back first waits for the manager's answer."""
    node = Node().up()
    assert node.tell(Ended(MANAGER, "killed")) == [Start(MANAGER), Greet(joined=True)]
    assert node.tell(Ended(SPAWNER, "killed")) == [Start(SPAWNER), Restore()]
    assert node.tell(Answered(MANAGER, "welcome")) == [Join()]
    assert node.tell(Answered(MANAGER, "attach"), Answered(SPAWNER, "attach")) == []


def test_delays_grow_and_start_over_after_a_healthy_life() -> None:
    """0, 0.1, 0.2, 0.4 s …; a life of ten seconds makes the next restart immediate."""
    node = Node().up()
    gaps: list[float] = []
    for _ in range(5):
        before = node.now
        effects = node.tell(Ended(MANAGER, "exit 1"))
        while Start(MANAGER) not in effects:
            effects = node.wait(0.05)
        gaps.append(round(node.now - before, 2))
    assert gaps == [0, 0.1, 0.2, 0.4, 0.8]
    node.tell(Answered(MANAGER, "welcome"))
    node.wait(HEALTHY)
    assert node.tell(Ended(MANAGER, "exit 1"))[0] == Start(MANAGER)


def test_the_delay_never_exceeds_its_most() -> None:
    """A crash loop goes on slowly: at most two starts a minute."""
    node = Node().up()
    for _ in range(30):
        node.tell(Ended(MANAGER, "exit 1"))
        node.wait(30)
    starts = len([one for one in node.done if one == Start(MANAGER)])
    node.tell(Ended(MANAGER, "exit 1"))
    assert node.wait(29) == []
    assert Start(MANAGER) in node.wait(1)
    assert starts <= 32


def test_a_hung_process_is_killed_and_awaited_before_the_next() -> None:
    """Silence kills; nothing is started until its pidfd says that it is gone."""
    for role in (SPAWNER, MANAGER):
        node = Node().up()
        assert node.tell(Lost(role, "silent for 5 s", hung=True)) == [Kill(role)]
        assert node.wait(60) == []
        assert node.tell(Ended(role, "killed by signal 9 (KILL)"))[0] == Start(role)


def test_a_closed_session_gives_a_second_to_end() -> None:
    """Who closes its end is given time to be gone by itself, then killed."""
    node = Node().up()
    assert node.tell(Lost(MANAGER, "closed", hung=False)) == []
    assert node.wait(PATIENCE - 0.1) == []
    assert node.wait(0.1) == [Kill(MANAGER)]


def test_a_closed_session_followed_by_the_end_kills_nobody() -> None:
    """The usual order of a death: its session ends, then its pidfd tells; its successor is not killed for it."""
    node = Node().up()
    node.tell(Lost(MANAGER, "closed", hung=False))
    assert node.tell(Ended(MANAGER, "exit 1")) == [Start(MANAGER), Greet(joined=True)]
    assert node.wait(PATIENCE * 3) == []


def test_a_refused_attach_kills_who_refused() -> None:
    """Two that cannot be joined are healed by a restart."""
    node = Node().up()
    assert node.tell(Refused(SPAWNER, "attach", "no")) == [Kill(SPAWNER)]


def test_a_refused_orphan_is_only_noted() -> None:
    """What the spawner says about an orphan changes nothing: the record has it."""
    node = Node().up()
    assert node.tell(OrphanReaped("web~1", Exit(code=3))) == [TellOrphan("web~1", Exit(code=3))]
    assert node.tell(Refused(SPAWNER, "orphan", "unknown")) == []


def test_an_orphan_without_a_spawner_waits_in_its_record() -> None:
    """Nobody is asked while there is no spawner; the next one reads the record."""
    node = Node().up()
    node.broken = {SPAWNER}
    node.tell(Ended(SPAWNER, "exit 1"))
    assert node.tell(OrphanReaped("web~1", Exit(code=3))) == []


def test_stop_in_order() -> None:
    """Manager stops the services, then leaves; the spawner clears; then the end, with 0."""
    node = Node().up()
    assert node.tell(StopSignalled("TERM")) == [AskStop(MANAGER)]
    assert node.tell(Answered(MANAGER, "stop")) == [Dismiss(MANAGER), AskStop(SPAWNER)]
    assert node.tell(Answered(SPAWNER, "stop")) == []
    assert node.tell(Ended(MANAGER, "exit 0")) == []
    assert node.tell(Ended(SPAWNER, "exit 0")) == [Finish(0)]


def test_the_managers_code_is_the_nodes() -> None:
    """A refused configuration ends the node with 3."""
    node = Node().up()
    node.tell(StopAsked(3, "refused"))
    node.tell(Answered(MANAGER, "stop"), Answered(SPAWNER, "stop"), Ended(SPAWNER, "exit 0"))
    assert node.tell(Ended(MANAGER, "exit 0")) == [Finish(3)]


def test_what_runs_is_left() -> None:
    """Manager and spawner are asked to leave it, and so does the daemon; a signal meanwhile kills nothing."""
    node = Node().up()
    assert node.tell(StopAsked(0, "anna asked for it", leave=True)) == [AskStop(MANAGER, leave=True)]
    assert node.tell(StopSignalled("TERM")) == []
    assert node.tell(Answered(MANAGER, "stop")) == [Dismiss(MANAGER), AskStop(SPAWNER, leave=True)]
    assert node.tell(Ended(MANAGER, "exit 0"), StopSignalled("TERM")) == []
    assert node.tell(Answered(SPAWNER, "stop"), Ended(SPAWNER, "exit 0")) == [Finish(0, leave=True)]


def test_what_dies_while_it_leaves_is_not_replaced() -> None:
    """Whatever becomes of the two: nothing is started, nothing of what runs is ended."""
    node = Node().up()
    node.tell(StopAsked(0, "anna asked for it", leave=True))
    assert node.tell(Ended(MANAGER, "exit 1")) == [AskStop(SPAWNER, leave=True)]
    assert node.tell(Ended(SPAWNER, "killed by signal 9 (KILL)")) == [Finish(0, leave=True)]


def test_what_does_not_leave_is_killed_alone() -> None:
    """A spawner that hangs is killed, and one that not even that ends is left as well."""
    node = Node().up()
    node.tell(StopAsked(0, "anna asked for it", leave=True))
    node.tell(Answered(MANAGER, "stop"), Ended(MANAGER, "exit 0"))
    assert node.wait(CLEAR) == [Kill(SPAWNER)]
    assert node.wait(END) == [Finish(1, leave=True)]


def test_a_second_signal_kills() -> None:
    """The manager kills what it still stops, and its answer to `stop` leads to an end as always."""
    node = Node().up()
    node.tell(StopSignalled("INT"))
    assert node.tell(StopSignalled("INT")) == [AskKill()]
    assert node.tell(Answered(MANAGER, "kill")) == []
    assert node.tell(Answered(MANAGER, "stop")) == [Dismiss(MANAGER), AskStop(SPAWNER)]
    assert node.tell(Due("hurry manager")) == []


@pytest.mark.parametrize(
    "impatience", [StopSignalled("INT"), Refused(MANAGER, "kill", "deadline"), Due("hurry manager")]
)
def test_a_manager_that_does_not_kill_is_not_waited_for(impatience: Event) -> None:
    """A third signal, a refusal, or too long a time: the spawner kills what runs."""
    node = Node().up()
    node.tell(StopSignalled("INT"), StopSignalled("INT"))
    assert node.tell(impatience) == [Kill(MANAGER), AskStop(SPAWNER)]
    node.tell(Ended(MANAGER, "killed by signal 9 (KILL)"), Answered(SPAWNER, "stop"))
    assert node.tell(Ended(SPAWNER, "exit 0")) == [Finish(0)]


def test_a_manager_that_dies_while_it_kills_is_not_replaced() -> None:
    """Nothing is to be stopped in order any more."""
    node = Node().up()
    node.tell(StopSignalled("INT"), StopSignalled("INT"))
    assert node.tell(Ended(MANAGER, "exit 1")) == [AskStop(SPAWNER)]


def test_a_signal_while_starting_waits_for_the_welcome() -> None:
    """TERM before the manager is there stops in order as well."""
    node = Node()
    node.tell(Begin(keeper=False, adopting=False))
    assert node.tell(StopSignalled("TERM")) == []
    assert node.tell(Answered(MANAGER, "welcome")) == [AskStop(MANAGER)]


def test_a_manager_that_dies_while_stopping_is_repaired_once() -> None:
    """Its successor goes on with the order; a second death leaves it to the spawner."""
    node = Node().up()
    node.tell(StopSignalled("TERM"))
    assert node.tell(Ended(MANAGER, "exit 1")) == [Start(MANAGER), Greet(joined=True)]
    assert node.tell(Answered(MANAGER, "welcome")) == [AskStop(MANAGER)]
    assert node.tell(Ended(MANAGER, "exit 1")) == [AskStop(SPAWNER)]


def test_a_spawner_that_dies_while_clearing_is_replaced_to_clear() -> None:
    """What it had launched must not be left: another takes over and kills."""
    node = Node().up()
    node.tell(StopSignalled("TERM"), Answered(MANAGER, "stop"), Ended(MANAGER, "exit 0"))
    assert node.tell(Ended(SPAWNER, "killed by signal 9 (KILL)")) == [Start(SPAWNER), AskStop(SPAWNER)]
    node.tell(Answered(SPAWNER, "stop"))
    assert node.tell(Ended(SPAWNER, "exit 0")) == [Finish(0)]


def test_no_spawner_to_clear_is_a_failure() -> None:
    """When none can be started, the node ends and says that it failed."""
    node = Node().up()
    node.tell(StopSignalled("TERM"), Answered(MANAGER, "stop"), Ended(MANAGER, "exit 0"))
    node.broken = {SPAWNER}
    assert node.tell(Ended(SPAWNER, "exit 1")) == [Start(SPAWNER), Finish(1)]


def test_a_dismissed_manager_that_stays_is_killed() -> None:
    """Leaving has a deadline."""
    node = Node().up()
    node.tell(StopSignalled("TERM"), Answered(MANAGER, "stop"), Answered(SPAWNER, "stop"))
    assert Kill(MANAGER) in node.wait(LEAVE)


def test_a_spawner_that_does_not_clear_is_killed_and_replaced() -> None:
    """Its deadline is its last: the next one does it."""
    node = Node().up()
    node.tell(StopSignalled("TERM"), Answered(MANAGER, "stop"), Ended(MANAGER, "exit 0"))
    assert node.wait(CLEAR) == [Kill(SPAWNER)]
    assert node.tell(Ended(SPAWNER, "killed by signal 9 (KILL)")) == [Start(SPAWNER), AskStop(SPAWNER)]


def test_what_cannot_be_killed_does_not_hold_the_node_for_ever() -> None:
    """A process that no signal ends is left behind, and said to be."""
    node = Node().up()
    node.tell(StopSignalled("TERM"), Answered(MANAGER, "stop"))
    assert node.wait(END)[-1] == Finish(1)


def test_a_first_start_that_fails_thrice_is_given_up() -> None:
    """Who ran `up` hears why, and nothing stays behind."""
    node = Node()
    node.tell(Begin(keeper=False, adopting=False))
    effects: list[Effect] = []
    for _ in range(FIRST_TRIES):
        effects += node.tell(Ended(MANAGER, "exit 1"))
        effects += node.wait(0.5)
    assert Report("failed", "cannot start the node: the manager ended: exit 1") in effects
    node.tell(Answered(SPAWNER, "stop"))
    assert node.tell(Ended(SPAWNER, "exit 0")) == [Finish(1)]


def test_a_first_start_beside_running_services_leaves_them() -> None:
    """A node that cannot come up does not stop what it was to adopt."""
    node = Node()
    node.tell(Begin(keeper=True, adopting=True))
    effects = node.tell(Refused(MANAGER, "welcome", "cannot open state.db: read-only file system (EROFS)"))
    assert effects == [
        Report("failed", "cannot open state.db: read-only file system (EROFS)"),
        Kill(MANAGER),
        Finish(1, leave=True),
    ]


def test_a_welcome_that_fails_later_is_tried_again() -> None:
    """A running node never gives itself up."""
    node = Node().up()
    node.tell(Ended(MANAGER, "exit 1"))
    assert node.tell(Refused(MANAGER, "welcome", "disk full")) == [Kill(MANAGER)]
    node.tell(Ended(MANAGER, "killed by signal 9 (KILL)"))
    assert Start(MANAGER) in node.wait(0.2)


def test_nothing_happens_after_the_end() -> None:
    """What comes late is dropped."""
    node = Node().up()
    node.tell(StopSignalled("TERM"), Answered(MANAGER, "stop"), Answered(SPAWNER, "stop"))
    node.tell(Ended(MANAGER, "exit 0"), Ended(SPAWNER, "exit 0"))
    assert node.tell(Ended(SPAWNER, "exit 0"), StopSignalled("TERM")) == []
