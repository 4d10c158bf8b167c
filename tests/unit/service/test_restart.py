"""Whether and when it is tried again."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from snowfox.service.restart import FRESH, Death, History, death_text, decide, next_try_text
from snowfox.service.spec import Restart, Service
from snowfox.values import UNKNOWN_EXIT, Exit


def service(*, is_task=False, **restart):
    """A service with this policy."""
    return Service("web", ("x",), is_task=is_task, restart=Restart(**restart))


def died(exit=None, lived=0.5, **more):
    """A death."""
    return Death("it died", lived, exit=exit, **more)


def test_words_for_ends():
    """As `commands.md` shows them."""
    assert death_text(Exit(1), 1.23) == "exit 1 after 1.2 s"
    assert death_text(Exit(signal=9), 5) == "killed by signal 9 (KILL), not by us"
    assert death_text(Exit(signal=9), 5, "anna") == "killed by signal 9 (KILL), sent by anna"
    assert death_text(UNKNOWN_EXIT, 5) == "exit unknown: nobody saw it end"
    assert death_text(Exit(0), None) == "exit 0"


def test_the_next_try_is_shown():
    """`next try in 7 s, 3 of 5`."""
    history = History(2, (99.0, 99.5))
    verdict = decide(service(), history, died(Exit(1), was_ready=True, lived=5.0), 100.0, Random(1))
    assert next_try_text(Restart(), verdict, 7.0) == "it died; next try in 7 s, 3 of 5"
    assert next_try_text(Restart(), verdict, -1.0) == "it died; next try in 0 s, 3 of 5"
    assert next_try_text(Restart(limit=0), verdict, 7.0) == "it died; next try in 7 s"


def test_policies():
    """What each policy makes of each kind of end, of services and tasks."""
    table = {
        ("always", False): ("again", "again", "again"),
        ("on-failure", False): ("finished", "again", "again"),
        ("never", False): ("finished", "failed", "failed"),
        ("always", True): ("finished", "again", "again"),
        ("never", True): ("finished", "failed", "failed"),
    }
    for (when, is_task), expected in table.items():
        found = tuple(
            decide(service(when=when, is_task=is_task), FRESH, died(how), 100.0, Random(1)).outcome
            for how in (Exit(0), Exit(1), UNKNOWN_EXIT)
        )
        assert found == expected, (when, is_task)


def test_success_and_final_codes():
    """`success` are no failure, `final` are not tried again, and success goes first."""
    kind = service(when="on-failure", success=(0, 2), final=(2, 78))
    outcomes = [decide(kind, FRESH, died(Exit(code)), 100.0, Random(1)).outcome for code in (2, 78, 1)]
    assert outcomes == ["finished", "failed", "again"]


def test_the_limit_counts_failed_starts_within_the_window():
    """The fifth within a minute is final; those that are older count no longer."""
    history = FRESH
    for number in range(4):
        verdict = decide(service(), history, died(Exit(1)), 100.0 + number, Random(1))
        history = verdict.history
    assert verdict.attempt == 5
    assert decide(service(), history, died(Exit(1)), 104.0, Random(1)).outcome == "failed"
    assert decide(service(), history, died(Exit(1)), 162.5, Random(1)).outcome == "again"


def test_starts_that_take_long_to_fail_reach_the_limit_as_well():
    """Five that each wait 30 s to get ready, or hang at once and are found out 40 s later, are five within a minute."""
    for slow in (died(lived=30.0, failing=2.0), died(lived=0.1, was_ready=True, failing=40.0)):
        history, now, tries = FRESH, 100.0, 0
        while (verdict := decide(service(), history, slow, now, Random(1))).outcome == "again":
            history, tries = verdict.history, tries + 1
            now += verdict.delay + slow.lived + slow.failing
        assert tries == 4
        assert verdict.message == "it died; 5 failed starts within 1m"


def test_what_was_well_for_long_is_no_failed_start_however_it_ended():
    """By an exit, or by a probe that found out later: the failures before stay where they are in time."""
    history = History(1, (99.0,))
    for end in (died(Exit(1), lived=5.0, was_ready=True), died(lived=5.0, was_ready=True, failing=40.0)):
        assert decide(service(), history, end, 140.0, Random(1)).history.failures == (99.0,)
        assert decide(service(), history, end, 160.0, Random(1)).history.failures == ()


def test_a_long_life_starts_delay_and_count_over():
    """After 10 s of life as ready; a start that took 30 s without getting ready is no life."""
    history = History(6, (99.0,) * 4)
    verdict = decide(service(), history, died(Exit(1), lived=10.0, was_ready=True), 100.0, Random(1))
    assert (verdict.delay, verdict.attempt) == (0.1, 1)
    assert decide(service(), history, died(lived=30.0), 100.0, Random(1)).outcome == "failed"


def test_an_end_that_nobody_saw_counts_as_failure_for_every_policy():
    """`unknown` is never success, whatever codes are."""
    for success in ((0,), (), (0, 1, 2)):
        assert (
            decide(
                service(when="on-failure", success=success), FRESH, died(UNKNOWN_EXIT), 1.0, Random(1)
            ).outcome
            == "again"
        )


@given(
    delay=st.floats(0, 10),
    deaths=st.lists(st.tuples(st.floats(0, 100), st.booleans(), st.booleans()), max_size=40),
)
def test_delays_stay_within_bounds(delay, deaths):
    """Whatever happens in whatever order, a delay is between half the least and the most."""
    kind = service(delay=delay, max_delay=30.0, limit=0)
    history = FRESH
    now = 0.0
    for lived, was_ready, has_exit in deaths:
        now += lived
        how = Exit(1) if has_exit else None
        verdict = decide(kind, history, died(how, lived=lived, was_ready=was_ready), now, Random(1))
        assert verdict.delay <= 30.0
        assert verdict.delay >= (delay if has_exit else max(delay, 0.1)) / 2
        history = verdict.history
        now += verdict.delay
