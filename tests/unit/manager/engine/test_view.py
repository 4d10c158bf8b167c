"""How members look to people."""

from __future__ import annotations

from snowfox.manager.engine.view import few
from snowfox.service.event import StopAll
from snowfox.service.spec import Ready, Service
from snowfox.testing.stage import Stage
from snowfox.values import Exit


def test_few_names_and_a_count():
    """Three names at most, then how many more."""
    assert few([]) == ""
    assert few(["a", "b", "c"]) == "a, b, c"
    assert few(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_lights_of_a_life():
    """Yellow on its way, green as wanted, red not as wanted, in each state of one service."""
    stage = Stage(
        Service("web", ("x",), ready=Ready(notify=True, timeout=5.0)), Service("off", ("x",), autostart=False)
    )
    stage.held = {"web"}
    stage.up()
    seen = [(stage.state("web"), stage.light("web"))]
    stage.answer("web")
    stage.stubborn = {"web"}
    stage.advance(5)
    seen.append((stage.state("web"), stage.light("web")))
    stage.exit("web", Exit(0))
    seen.append((stage.state("web"), stage.light("web")))
    stage.ask("stop", "web")
    seen.append((stage.state("web"), stage.light("web")))
    assert seen == [("starting", "yellow"), ("failing", "red"), ("backoff", "yellow"), ("stopped", "green")]
    assert stage.light("off") == "green"


def test_what_is_about_to_stop_is_not_as_wanted():
    """Ready, but to be stopped after another: yellow, and it says after whom."""
    stage = Stage(Service("cache", ("x",)), Service("web", ("x",), requires=("cache",)))
    stage.up()
    stage.stubborn = {"web"}
    stage.tell(StopAll("down"))
    assert (stage.state("cache"), stage.light("cache")) == ("ready", "yellow")
    assert stage.message("cache") == "stops after web"


def test_a_chain_that_cannot_start_names_its_links():
    """Who waits for somebody who cannot start says so; the first names the failure."""
    stage = Stage(
        Service("a", ("x",)), Service("b", ("x",), requires=("a",)), Service("c", ("x",), requires=("b",))
    )
    stage.refusals = {"a": ("no", "", False)}
    stage.up()
    stage.advance(60)
    assert stage.message("b") == "waits for a, which has failed"
    assert stage.message("c") == "waits for b, which cannot start"
    assert {stage.light(name) for name in "abc"} == {"red"}
