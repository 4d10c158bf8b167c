"""What a change of a field needs."""

from typing import Annotated, ClassVar

from snowfox.core.config.effect import LIVE, RELOAD, REPLACE, effect_of, effects
from snowfox.core.frozen import Frozen
from snowfox.service.spec import Service


class Inner(Frozen):
    plain: int = 0
    marked: Annotated[int, REPLACE] = 0


class Spec(Frozen):
    KIND: ClassVar[str] = "spec"

    plain: str
    live: Annotated[int, LIVE] = 0
    reload: Annotated[int, RELOAD] = 0
    inner: Annotated[Inner, LIVE] = Inner()


def test_marks():
    """A field has its mark, or is replaced; a field of a field only where it has one of its own."""
    assert effects(Spec) == {
        "plain": REPLACE,
        "live": LIVE,
        "reload": RELOAD,
        "inner": LIVE,
        "inner.marked": REPLACE,
    }


def test_change():
    """The longest name counts; what is nowhere is replaced."""
    marks = effects(Spec)
    paths = ["inner.plain", "inner.marked", "live.x.y", "nothing", "inner"]
    assert [effect_of(marks, path) for path in paths] == [LIVE, REPLACE, LIVE, REPLACE, LIVE]


def test_services():
    """What a running service need not be replaced for."""
    marks = effects(Service)
    assert {name for name, effect in marks.items() if effect is LIVE} == {
        "after",
        "after_exit",
        "after_ready",
        "alive",
        "autostart",
        "before_start",
        "before_stop",
        "conflicts",
        "description",
        "essential",
        "idle",
        "instances",
        "is_on_demand",
        "labels",
        "log",
        "on_restart",
        "port",
        "ready",
        "recycle",
        "reload",
        "replacement",
        "requires",
        "restart",
        "rolling",
        "schedule",
        "stop",
        "timeout",
        "wants",
        "was",
    }
    assert marks["ready.notify"] is REPLACE
