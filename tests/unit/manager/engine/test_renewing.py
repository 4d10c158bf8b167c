"""Reload and recycling."""

from __future__ import annotations

import pytest

from snowfox.service.event import Notified, Recycle
from snowfox.service.hook import Hook
from snowfox.service.renewal import Reload
from snowfox.service.spec import Ready, Service
from snowfox.testing.stage import Stage
from snowfox.values import Exit


def service(name="web", **more):
    """A service."""
    return Service(name, ("x",), **more)


def up(*services):
    """A stage on which all is ready and has lived."""
    stage = Stage(*services)
    stage.stubborn = {each.name for each in services}
    stage.up()
    stage.advance(30)
    return stage


def test_a_reload_by_signal_is_over_at_once():
    """The same process, still ready; the operation is done."""
    stage = up(service(reload=Reload(signal=10)))
    token = stage.token("web")
    operation = stage.ask("reload", "web")
    assert (stage.ends, stage.token("web"), stage.state("web")) == (["web"], token, "ready")
    assert stage.done[operation].message == "web is ready"
    assert "reloaded" in stage.kinds("web")


@pytest.mark.parametrize(("error", "code"), [("", 0), ("sh: exit 3", 1)])
def test_a_reload_by_command_is_waited_for(error, code):
    """It stays ready meanwhile, and when the command fails; then the operation has failed, and says why."""
    stage = up(service(reload=Reload(command=("x",))))
    stage.slow_hooks = {"reload"}
    operation = stage.ask("reload", "web")
    assert (stage.message("web"), operation in stage.done) == ("reloading", False)
    stage.end_hook("web", error)
    assert (stage.state("web"), stage.done[operation].code) == ("ready", code)
    assert stage.message("web") == (f"reload failed: {error}" if error else "")


def test_a_reload_that_failed_is_told_as_that():
    """It is ready all the while: nobody is told that it did not get ready."""
    stage = up(service(reload=Reload(command=("x",))))
    stage.slow_hooks = {"reload"}
    operation = stage.ask("reload", "web")
    stage.end_hook("web", "x: exit 4")
    assert stage.done[operation].message == "web was not reloaded: x: exit 4"


def test_a_reload_by_command_gives_up_no_hook():
    """What comes after the start goes on, and the reload says what it would have had to end."""
    hook = Hook(("y",), 30.0)
    stage = Stage(service(reload=Reload(command=("x",)), after_ready=hook))
    stage.slow_hooks = {"after-ready"}
    stage.up()
    operation = stage.ask("reload", "web")
    assert stage.done[operation].message == "web was not reloaded: after-ready still runs"
    assert stage.hooks == [("web", "after-ready")]
    stage.end_hook("web")
    stage.ask("reload", "web")
    assert stage.hooks[-1] == ("web", "reload")
    assert stage.message("web") == ""


def test_a_reload_by_notify_is_over_when_it_is_ready_once_more():
    """HUP, RELOADING=1, READY=1."""
    stage = Stage(service(ready=Ready(notify=True), reload=Reload(notify=True)))
    stage.stubborn = {"web"}
    stage.up()
    stage.tell(Notified(stage.token("web"), is_ready=True))
    operation = stage.ask("reload", "web")
    assert stage.ends == ["web"]
    stage.tell(Notified(stage.token("web"), is_ready=False, is_reloading=True))
    assert operation not in stage.done
    stage.tell(Notified(stage.token("web"), is_ready=True))
    assert stage.done[operation].code == 0
    assert "web" not in stage.timers


def test_a_reload_that_nobody_answers_fails_and_changes_nothing():
    """After its time; the process stays, and the next reload can be well."""
    stage = up(service(ready=Ready(), reload=Reload(notify=True, timeout=5.0)))
    operation = stage.ask("reload", "web")
    stage.advance(5)
    assert stage.done[operation].code == 1
    assert stage.message("web") == "reload failed: it did not answer within 5 s"
    assert stage.state("web") == "ready"


def test_an_end_while_it_is_reloaded():
    """It is tried again as after any end; the reload has failed."""
    stage = up(service(reload=Reload(command=("x",))))
    stage.slow_hooks = {"reload"}
    operation = stage.ask("reload", "web")
    stage.exit("web", Exit(1))
    assert stage.hooking == {}
    stage.advance(3)
    assert (stage.state("web"), stage.done[operation].code) == ("ready", 1)


def test_without_a_key_it_is_replaced():
    """Rolling, where the service can be: another is ready, then the old one stops."""
    stage = up(service(replacement="rolling"))
    stage.beside = 1
    stage.stubborn = set()
    before = stage.token("web")
    operation = stage.ask("reload", "web")
    stage.advance(5)
    assert stage.token("web") != before
    assert stage.done[operation].code == 0
    assert len(stage.launches) == 2


def test_what_does_not_run_cannot_be_reloaded():
    """It is told; of several, those that run are."""
    stage = up(service(reload=Reload(signal=10)), service("other", reload=Reload(signal=10), autostart=False))
    assert stage.done[stage.ask("reload", "other")].message == "cannot reload other: it does not run"
    assert stage.done[stage.ask("reload", "web", "other")].code == 0


def test_a_tie_that_reloads_leaves_the_process():
    """`on-restart = "reload"`: after the crash of what it requires."""
    stage = up(
        service("cache"),
        service(requires=("cache",), on_restart={"cache": "reload"}, reload=Reload(signal=10)),
    )
    token = stage.token("web")
    stage.exit("cache", Exit(1))
    stage.advance(5)
    assert (stage.token("web"), stage.ends) == (token, ["web"])


def test_what_is_old_is_replaced_rolling():
    """A fresh one first; told again meanwhile, nothing more happens."""
    stage = up(service(replacement="rolling"))
    stage.beside, stage.stubborn = 1, set()
    old = stage.token("web")
    stage.tell(Recycle(old, "older than 1d"), Recycle(old, "recycled: older than 1d"))
    stage.advance(5)
    assert (len(stage.launches), stage.tokens("web") == [old]) == (2, False)
    assert stage.statuses["web"].restarts == 0
    assert stage.kinds("web").count("recycled") == 1


def test_what_is_young_is_not_replaced_however_fat():
    """Else what is too fat from its beginning would be replaced for ever."""
    stage = Stage(service(replacement="rolling"))
    stage.up()
    stage.advance(9)
    stage.tell(Recycle(stage.token("web"), "it took 2.0G of memory"))
    assert len(stage.launches) == 1


def test_what_is_old_and_cannot_be_replaced_rolling_restarts_alone():
    """One of its group at a time, and what requires it stays."""
    stage = up(service(instances=2), service("front", requires=("web",)))
    stage.stubborn = set()
    front, tokens = stage.token("front"), [stage.token("web@1"), stage.token("web@2")]
    stage.held = {"web@1"}
    stage.tell(*(Recycle(token, "older than 1d") for token in tokens))
    assert (stage.state("web@1"), stage.token("web@2"), stage.token("front")) == (
        "starting",
        tokens[1],
        front,
    )
    stage.answer("web@1")
    stage.tell(Recycle(tokens[1], "older than 1d"))
    assert stage.token("web@2") != tokens[1]
    assert stage.token("front") == front
