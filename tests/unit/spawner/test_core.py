"""What the spawner decides."""

from __future__ import annotations

from typing import Any

import pytest

from snowfox.contract.spawner import Launch
from snowfox.core.posix.api import Ids
from snowfox.errors import Cancelled, DeadlineExceeded, LaunchFailed
from snowfox.spawner.core import MOST_LAUNCHES, PAGE, Core, State
from snowfox.spawner.events import (
    Answer,
    AnswerInventory,
    AnswerLaunched,
    AskWhoFollows,
    AwaitDaemon,
    Begin,
    Begun,
    Bury,
    Caller,
    CloseManager,
    DaemonCame,
    DaemonWent,
    Effect,
    Ended,
    Event,
    Executed,
    ExitKnown,
    FindExit,
    Finish,
    Follow,
    FollowAsked,
    Followed,
    Forget,
    ForgetAsked,
    Found,
    FoundUnderWay,
    InventoryAsked,
    Kill,
    KillAsked,
    LaunchAsked,
    LeaveAsked,
    Left,
    Listed,
    ManagerCame,
    ManagerWent,
    NeverLaunched,
    NotAnswered,
    NotLaunched,
    OrphanTold,
    Refuse,
    Report,
    SetStopTimer,
    Signal,
    SignalAllAsked,
    SignalAsked,
    SocketsHeld,
    StopAsked,
    StopOverdue,
    TerminationAsked,
)
from snowfox.spawner.policy import Account
from snowfox.values import UNKNOWN_EXIT, Exit

ID = "01JD0000000000000000000000"
WEB = f"web~{ID}"
ACCOUNT = Account("shop", Ids(1000, 1000, (1000,)), stays=False)
LAUNCH = Launch(WEB, "web", ["web"], {}, "/", "shop")


def caller(number: int = 1, session: int = 1) -> Caller:
    """Who asks."""
    return Caller(session, number)


def asked(number: int = 1, token: str = WEB) -> LaunchAsked:
    """A launch that is asked for."""
    return LaunchAsked(caller(number), LAUNCH._replace(token=token), ACCOUNT)


def after(core: Core, *events: Event) -> list[Effect]:
    """What the last of some events led to."""
    effects: list[Effect] = []
    for event in events:
        effects = core.handle(event)
    return effects


def running(token: str = WEB, pid: int = 7) -> tuple[Event, ...]:
    """How a launch gets to run."""
    return asked(1, token), Begun(token, pid), Executed(token, 100)


def ended(token: str = WEB, pid: int = 7) -> tuple[Event, ...]:
    """How a launch gets to its end."""
    return *running(token, pid), Ended(token), ExitKnown(token, Exit(0), 200)


@pytest.fixture
def core() -> Core:
    """A core with a manager to tell."""
    core = Core()
    core.handle(ManagerCame())
    return core


def test_launch_is_answered_when_executed(core: Core) -> None:
    """A process is made at once, the answer comes when its program runs."""
    assert after(core, asked()) == [Begin(LAUNCH, ACCOUNT)]
    assert after(core, Begun(WEB, 7)) == []
    assert after(core, Executed(WEB, 100)) == [AnswerLaunched(caller(), WEB, 7, 100, again=False)]
    assert core.state(WEB) is State.RUNNING


def test_failed_launch_leaves_nothing(core: Core) -> None:
    """A step that fails is the answer, and the token is free."""
    error = LaunchFailed("web", "execute", "web", 2)
    assert after(core, asked(), Begun(WEB, 7), NotLaunched(WEB, error)) == [Refuse(caller(), error)]
    assert core.state(WEB) is None
    assert after(core, asked(2)) == [Begin(LAUNCH, ACCOUNT)]


@pytest.mark.parametrize("events", [running(), (*running(), Ended(WEB)), ended()])
def test_twice_answers_with_the_first(core: Core, events: tuple[Event, ...]) -> None:
    """A token launched twice gets the first process, whatever became of it."""
    assert after(core, *events, asked(2)) == [AnswerLaunched(caller(2), WEB, 7, 100, again=True)]


def test_twice_while_under_way(core: Core) -> None:
    """Asked again before the program runs, both are answered, one process is made."""
    assert after(core, asked(1), Begun(WEB, 7), asked(2)) == []
    assert after(core, Executed(WEB, 100)) == [
        AnswerLaunched(caller(1), WEB, 7, 100, again=False),
        AnswerLaunched(caller(2), WEB, 7, 100, again=True),
    ]


def test_exit_is_reported_once(core: Core) -> None:
    """An end is looked into, then reported."""
    assert after(core, *running(), Ended(WEB)) == [FindExit(WEB)]
    assert after(core, ExitKnown(WEB, Exit(3), 200)) == [Report(WEB, Exit(3), 200)]
    assert after(core, ExitKnown(WEB, Exit(4), 300)) == []
    assert after(core, Ended(WEB)) == []


def test_exit_without_manager_is_kept(core: Core) -> None:
    """With nobody to tell, the exit waits in the inventory."""
    assert after(core, ManagerWent(), *running(), Ended(WEB), ExitKnown(WEB, Exit(3), 200)) == []
    line = Listed(WEB, 7, 100, Exit(3))
    assert after(core, ManagerCame(), InventoryAsked(caller(), "")) == [AnswerInventory(caller(), (line,))]


def test_forget_only_what_ended(core: Core) -> None:
    """Nobody can make us lose a process that runs; unknown tokens are fine."""
    assert after(core, *running(), ForgetAsked(caller(), (WEB, f"x~{ID}"))) == [Answer(caller(), None)]
    assert core.state(WEB) is State.RUNNING
    after(core, Ended(WEB), ExitKnown(WEB, Exit(0), 200))
    assert after(core, ForgetAsked(caller(), (WEB,))) == [Forget(WEB), Answer(caller(), None)]
    assert core.state(WEB) is None


def test_signal(core: Core) -> None:
    """Only a launch that has a process is signalled."""
    signal = SignalAsked(caller(), WEB, 15)
    assert after(core, signal) == [Answer(caller(), False)]
    assert after(core, asked(), signal) == [Signal(caller(), WEB, 15)]
    assert after(core, Begun(WEB, 7), Executed(WEB, 1), signal) == [Signal(caller(), WEB, 15)]
    assert after(core, Ended(WEB), signal) == [Answer(caller(), False)]


def test_signals_reach_all_that_are_there(core: Core) -> None:
    """Those that are gone or unknown are passed over; one answer for all."""
    signal = SignalAllAsked(caller(), ("web@9~" + ID, WEB), 15)
    assert after(core, *running(), signal) == [Signal(None, WEB, 15), Answer(caller(), None)]
    assert after(core, Ended(WEB), signal) == [Answer(caller(), None)]


def test_kill_reaches_what_outlives_the_first_process(core: Core) -> None:
    """Also after the end, until it is forgotten."""
    kill = KillAsked(caller(), (WEB,))
    assert after(core, kill) == [Answer(caller(), None)]
    assert after(core, *running(), kill) == [Kill(WEB), Answer(caller(), None)]
    assert after(core, Ended(WEB), ExitKnown(WEB, Exit(0), 2), kill) == [Kill(WEB), Answer(caller(), None)]


def test_inventory_pages_in_order(core: Core) -> None:
    """Pages follow one another in the order of tokens; what is under way is not listed."""
    tokens = [f"web@{number:04d}~{ID}" for number in range(PAGE + 5)]
    for token in reversed(tokens):
        after(core, *running(token))
    after(core, asked(9, f"zzz~{ID}"))
    (first,) = after(core, InventoryAsked(caller(), ""))
    assert isinstance(first, AnswerInventory)
    assert [line.token for line in first.lines] == tokens[:PAGE]
    (second,) = after(core, InventoryAsked(caller(), first.lines[-1].token))
    assert isinstance(second, AnswerInventory)
    assert [line.token for line in second.lines] == tokens[PAGE:]


def test_adopted(core: Core) -> None:
    """What an earlier spawner launched is known as if it were ours."""
    after(core, Found(WEB, 7, 50), Found(f"old~{ID}", 8, 60, UNKNOWN_EXIT, 70))
    assert core.state(WEB) is State.RUNNING
    assert core.state(f"old~{ID}") is State.ENDED
    assert after(core, asked(2)) == [AnswerLaunched(caller(2), WEB, 7, 50, again=True)]


def test_orphan(core: Core) -> None:
    """The daemon's word about an adopted process is taken once, before or after we saw the end ourselves."""
    told = OrphanTold(caller(5), WEB, Exit(3))
    after(core, Found(WEB, 7, 50))
    assert after(core, told) == [FindExit(WEB, Exit(3)), Answer(caller(5), None)]
    assert after(core, Ended(WEB)) == []
    assert after(core, told) == [FindExit(WEB, Exit(3)), Answer(caller(5), None)]
    after(core, ExitKnown(WEB, Exit(3), 1))
    assert after(core, told) == [Answer(caller(5), None)]
    assert after(core, OrphanTold(caller(6), f"x~{ID}", Exit(3))) == [Answer(caller(6), None)]


def test_under_way_then_found(core: Core) -> None:
    """A launch of an earlier spawner that is under way is waited for, not launched a second time."""
    assert after(core, FoundUnderWay(WEB), asked(2)) == []
    assert after(core, Found(WEB, 7, 50)) == [AnswerLaunched(caller(2), WEB, 7, 50, again=True)]


def test_under_way_then_nothing(core: Core) -> None:
    """When it made no process, the one who asked meanwhile gets the first launch."""
    after(core, FoundUnderWay(WEB), asked(2))
    assert after(core, NeverLaunched(WEB)) == [Begin(LAUNCH, ACCOUNT)]
    assert after(core, Begun(WEB, 9), Executed(WEB, 60)) == [
        AnswerLaunched(caller(2), WEB, 9, 60, again=True)
    ]
    assert after(core, FoundUnderWay(f"x~{ID}"), NeverLaunched(f"x~{ID}")) == []
    assert core.state(f"x~{ID}") is None


def test_bounded(core: Core) -> None:
    """There is a most of launches that are known at one time."""
    for number in range(MOST_LAUNCHES):
        core.handle(asked(1, f"w{number}~{ID}"))
    (refused,) = after(core, asked(2))
    assert isinstance(refused, Refuse)
    assert "20000 launches are the most" in str(refused.error)


def test_stop(core: Core) -> None:
    """All that runs is killed; when the last is gone, all is forgotten, and that is the answer."""
    other = f"zeta~{ID}"
    after(core, *running(), *ended(f"done~{ID}"), asked(3, other), Begun(other, 8))
    stop = StopAsked(caller(9, 2))
    assert after(core, stop) == [Kill(WEB), Kill(other), SetStopTimer(25.0)]
    assert after(core, Ended(WEB)) == [FindExit(WEB)]
    assert after(core, ExitKnown(WEB, Exit(None, 9), 3)) == [Report(WEB, Exit(None, 9), 3)]
    effects = after(core, NotLaunched(other, LaunchFailed("zeta", "start the launcher", "", 3)))
    assert effects[1:] == [Forget(WEB), Forget(f"done~{ID}"), Finish(clean=True), Answer(caller(9, 2), None)]


def test_stop_with_nothing(core: Core) -> None:
    """Nothing to kill: it ends at once."""
    effects = after(core, StopAsked(caller(9, 2)))
    assert effects == [SetStopTimer(25.0), Finish(clean=True), Answer(caller(9, 2), None)]


def test_stop_refuses_launches(core: Core) -> None:
    """What was executed meanwhile is killed, nothing more begins."""
    after(core, asked(), Begun(WEB, 7), StopAsked(caller(9, 2)))
    (refused,) = after(core, asked(2, f"x~{ID}"))
    assert isinstance(refused, Refuse)
    assert isinstance(refused.error, Cancelled)
    assert Kill(WEB) in after(core, Executed(WEB, 100))


def test_stop_overdue(core: Core) -> None:
    """A process that does not even die of SIGKILL is named after a time."""
    after(core, *running(), StopAsked(caller(9, 2)))
    (refused,) = after(core, StopOverdue())
    assert isinstance(refused, Refuse)
    assert isinstance(refused.error, DeadlineExceeded)
    assert str(refused.error) == "cannot stop: 1 processes do not end (7)"
    assert after(core, StopOverdue()) == []


def test_leave(core: Core) -> None:
    """It ends at once and touches nothing."""
    assert after(core, *running(), LeaveAsked(caller(9))) == [Answer(caller(9), None), Finish(clean=False)]


def test_daemon_dies_and_another_comes(core: Core) -> None:
    """The manager is sent away, all is kept, exits are noted for the next."""
    assert after(core, *running(), DaemonWent()) == [CloseManager(), AwaitDaemon()]
    other = f"other~{ID}"
    after(core, Found(other, 9, 5))
    assert after(core, Ended(WEB), ExitKnown(WEB, Exit(1), 2)) == []
    assert after(core, DaemonCame(), ManagerCame(), Ended(other)) == [FindExit(other)]
    assert after(core, ExitKnown(other, Exit(1), 2)) == [Report(other, Exit(1), 2)]


def test_leaves_when_there_is_nothing_to_keep(core: Core) -> None:
    """Without daemon, sockets and running launches there is no reason to stay; with any of them there is."""
    assert after(core, DaemonWent()) == [CloseManager(), AwaitDaemon(), Finish(clean=False)]
    kept = Core()
    assert after(kept, SocketsHeld(1), DaemonWent()) == [CloseManager(), AwaitDaemon()]
    last = Core()
    assert after(last, *running(), DaemonWent()) == [CloseManager(), AwaitDaemon()]
    assert after(last, Ended(WEB), ExitKnown(WEB, Exit(0), 2)) == [Finish(clean=False)]


def test_termination(core: Core) -> None:
    """SIGTERM means nothing while there is a daemon; without one the spawner leaves and services stay."""
    assert after(core, *running(), TerminationAsked()) == []
    assert after(core, DaemonWent(), TerminationAsked()) == [Finish(clean=False)]


def test_total() -> None:
    """Every event, about an unknown launch too, is answered without an error, in every state of a launch."""
    starts: list[tuple[Event, ...]] = [
        (),
        (asked(),),
        running(),
        (*running(), Ended(WEB)),
        ended(),
        (FoundUnderWay(WEB),),
    ]
    events: list[Any] = [
        asked(2),
        SignalAsked(caller(), WEB, 1),
        KillAsked(caller(), (WEB,)),
        ForgetAsked(caller(), (WEB,)),
        InventoryAsked(caller(), ""),
        OrphanTold(caller(), WEB, Exit(0)),
        Begun(WEB, 1),
        Executed(WEB, 1),
        NotLaunched(WEB, LaunchFailed("web", "x", "", 1)),
        Found(WEB, 1, 1),
        FoundUnderWay(WEB),
        NeverLaunched(WEB),
        Ended(WEB),
        ExitKnown(WEB, Exit(0), 1),
        ManagerCame(),
        ManagerWent(),
        DaemonCame(),
        DaemonWent(),
        TerminationAsked(),
        StopOverdue(),
        SocketsHeld(1),
        StopAsked(caller()),
        LeaveAsked(caller()),
    ]
    for start in starts:
        for event in events:
            core = Core()
            after(core, *start)
            effects = core.handle(event)
            assert isinstance(effects, list)
            assert sum(isinstance(effect, Begin) for effect in effects) <= 1


LEFT = (*running(), Ended(WEB), Left(WEB))


def test_who_left_is_asked_about(core: Core) -> None:
    """It is as if it ran, until the manager named another process."""
    assert after(core, *LEFT) == [AskWhoFollows(WEB)]
    assert core.state(WEB) is State.LEAVING
    assert after(core, InventoryAsked(caller(), "")) == [
        AnswerInventory(caller(), (Listed(WEB, 7, 100, None),))
    ]
    assert after(core, FollowAsked(caller(2), WEB, 8)) == [Follow(caller(2), WEB, 8)]
    assert after(core, Followed(WEB, 8)) == []
    assert core.state(WEB) is State.RUNNING
    assert after(core, InventoryAsked(caller(), "")) == [
        AnswerInventory(caller(), (Listed(WEB, 8, 100, None),))
    ]
    assert after(core, FollowAsked(caller(3), WEB, 0)) == [Answer(caller(3), False)]
    assert after(core, Ended(WEB)) == [FindExit(WEB)]


def test_who_left_and_named_nobody(core: Core) -> None:
    """Its end is told as any other."""
    assert after(core, *LEFT, FollowAsked(caller(2), WEB, 0)) == [Bury(WEB), Answer(caller(2), False)]
    assert after(core, ExitKnown(WEB, Exit(0), 200)) == [Report(WEB, Exit(0), 200)]


def test_who_left_and_the_manager_cannot_say(core: Core) -> None:
    """It named nobody. Told late, that changes nothing."""
    assert after(core, *LEFT, NotAnswered(WEB)) == [Bury(WEB)]
    assert after(core, NotAnswered(WEB)) == []
    assert after(core, ExitKnown(WEB, Exit(0), 200), NotAnswered(WEB)) == []


def test_who_left_waits_for_a_manager() -> None:
    """The next manager is asked, too; without a daemon none will come, and a node that stops has none."""
    core = Core()
    assert after(core, *LEFT) == []
    assert after(core, ManagerCame()) == [AskWhoFollows(WEB)]
    assert after(core, ManagerWent(), ManagerCame()) == [AskWhoFollows(WEB)]
    assert Bury(WEB) in after(core, StopAsked(caller()))
    core = Core()
    assert Bury(WEB) in after(core, *LEFT, DaemonWent())
    core = Core()
    assert after(core, DaemonWent(), *LEFT) == [Bury(WEB)]
    core = Core()
    assert after(core, *running(), StopAsked(caller()), Ended(WEB), Left(WEB)) == [Bury(WEB)]


@pytest.mark.parametrize("events", [(), (asked(),), ended(), (*running(), StopAsked(caller()))])
def test_what_does_not_run_is_not_followed(core: Core, events: tuple[Event, ...]) -> None:
    """Nor what is about to be killed: refused, and nothing changes."""
    (refused,) = after(core, *events, FollowAsked(caller(2), WEB, 8))
    assert isinstance(refused, Refuse)
    assert str(refused.error) == "cannot follow process 8: web has ended"
    state = core.state(WEB)
    assert after(core, FollowAsked(caller(3), WEB, 0)) == [Answer(caller(3), False)]
    assert after(core, Followed(WEB, 8)) == []
    assert core.state(WEB) is state
