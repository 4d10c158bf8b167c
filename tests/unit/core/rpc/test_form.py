"""Types that can travel, and when it is said that one cannot."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from snowfox.contract import control, manager, spawner
from snowfox.core.rpc.channel import Channel
from snowfox.core.rpc.form import check, fields_of
from snowfox.core.rpc.handlers import handles, table
from snowfox.core.rpc.interface import Descriptor, Interface, call, stream
from snowfox.errors import InternalError
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.testing.rpc import QUIET

if TYPE_CHECKING:
    from decimal import Decimal


class Branch(NamedTuple):
    name: str
    branches: list[Branch]
    notes: dict[str, bytes | None]
    file: Descriptor | None = None


class Leaf(NamedTuple):
    colours: set[str]


class Fine(Interface):
    @call()
    def grow(self, tree: Branch, *, by: float = 1.0) -> None:
        """Any."""

    @stream()
    def branches(self) -> Branch:
        """Any."""


class Set(Interface):
    @call()
    def pick(self, colours: set[str]) -> int:
        """Any."""


class Result(Interface):
    @call()
    def pick(self) -> tuple[int, int]:
        """Any."""


class Deep(Interface):
    @stream()
    def leaves(self) -> list[Leaf | None]:
        """Any."""


class Keys(Interface):
    @call()
    def count(self, names: dict[int, str]) -> int:
        """Any."""


class Checkers(Interface):
    @call()
    def pay(self, sum: Decimal) -> None:
        """Any."""


WRONG = {
    Set: r"Set\.pick cannot be served: set\[str\] cannot travel: messages have str, int",
    Result: r"Result\.pick cannot be served: tuple\[int, int\] cannot travel",
    Deep: r"Deep\.leaves cannot be served: set\[str\] cannot travel",
    Keys: r"Keys\.count cannot be served: dict\[int, str\] cannot travel",
    Checkers: r"Checkers\.pay cannot be served: name 'Decimal' is not defined",
}


@pytest.mark.parametrize(("interface", "text"), WRONG.items())
def test_a_type_that_cannot_travel(interface: type[Interface], text: str) -> None:
    """It is refused when the interface is served, by a server and by a thin loop, not by the first call."""
    (method,) = interface.methods.values()

    class Handlers:
        @handles(method)
        def serve(self, *_: Any) -> None:
            """Any."""

    with pytest.raises(InternalError, match=text):
        table(interface, Handlers())
    posix = FakePosix(FakeKernel())
    ours, _ = posix.sockets.pair()
    with pytest.raises(InternalError, match=text):
        Channel(posix, ours, clock=posix.kernel.clock, serving=interface, calling=None, options=QUIET)


@pytest.mark.parametrize(
    "interface",
    [
        Fine,
        manager.Manager,
        spawner.Spawner,
        spawner.ExitReports,
        control.Daemon,
        control.ManagerControl,
        control.SpawnerControl,
    ],
)
def test_what_can_travel(interface: type[Interface]) -> None:
    """Types of all kinds, also such that hold themselves, and all that the processes promise each other."""
    check(interface)


def test_names_mean_what_their_module_says() -> None:
    """The same words in two modules are read in each; those inside a list as well."""
    found = []
    for kind in (int, str):
        module = ModuleType(f"form_{kind.__name__}")
        module.__dict__.update(Thing=kind, NamedTuple=NamedTuple)
        sys.modules[module.__name__] = module
        exec(
            "class Pair(NamedTuple):\n    one: 'Thing'\n    more: list['Thing']\n    last: 'list[Thing] | None'",
            module.__dict__,
        )
        found.append([field.type for field in fields_of(module.__dict__["Pair"])])
        del sys.modules[module.__name__]
    assert found == [[int, list[int], list[int] | None], [str, list[str], list[str] | None]]
