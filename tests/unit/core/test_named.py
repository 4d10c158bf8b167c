"""NamedTuples are as those of `typing`."""

from __future__ import annotations

import copy
import inspect
import pickle
import typing
from typing import get_type_hints

import pytest

from snowfox.core.named import NamedTuple


class Mine(NamedTuple):
    """A place."""

    name: str
    floors: tuple[int, ...] = ()
    other: Mine | None = None

    @property
    def shown(self) -> str:
        """Its name, louder."""
        return self.name.upper()

    def above(self, floor: int) -> tuple[int, ...]:
        """Floors above one."""
        return tuple(one for one in self.floors if one > floor)


class Theirs(typing.NamedTuple):
    """A place."""

    name: str
    floors: tuple[int, ...] = ()
    other: Theirs | None = None

    @property
    def shown(self) -> str:
        """Its name, louder."""
        return self.name.upper()

    def above(self, floor: int) -> tuple[int, ...]:
        """Floors above one."""
        return tuple(one for one in self.floors if one > floor)


SAME = ("__doc__", "__match_args__", "__module__", "_fields", "_field_defaults", "__slots__")


@pytest.mark.parametrize("name", SAME)
def test_a_class_says_of_itself_what_that_of_typing_does(name: str) -> None:
    """Whoever looks at a class sees no difference."""
    assert getattr(Mine, name) == getattr(Theirs, name)


def test_values_behave_as_those_of_typing() -> None:
    """Arguments, defaults, properties, methods, copies, comparison, unpacking, text."""
    mine, theirs = Mine("mill", floors=(1, 2, 3)), Theirs("mill", floors=(1, 2, 3))
    assert mine == theirs == ("mill", (1, 2, 3), None)
    assert (mine.shown, mine.above(1)) == ("MILL", (2, 3))
    assert mine._replace(name="barn") == Mine("barn", (1, 2, 3))
    assert repr(mine) == repr(theirs).replace("Theirs", "Mine")
    assert Mine.__qualname__ == "Mine"
    match mine:
        case Mine(name, other=None):
            assert name == "mill"
        case _:
            pytest.fail("not matched")
    with pytest.raises(AttributeError):
        mine.name = "barn"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_wrong_values_are_refused_as_by_typing() -> None:
    """Too many, too few, unknown names, a sequence of another length."""
    wrong: list[typing.Callable[[typing.Any], object]] = [
        lambda kind: kind(),
        lambda kind: kind("mill", (), None, 4),
        lambda kind: kind("mill", cellars=1),
        lambda kind: kind._make(["mill"]),
    ]
    for make in wrong:
        with pytest.raises(TypeError) as mine:
            make(Mine)
        with pytest.raises(TypeError) as theirs:
            make(Theirs)
        assert str(mine.value) == str(theirs.value).replace("Theirs", "Mine")
    with pytest.raises(TypeError, match="unexpected field names"):
        Mine("mill")._replace(cellars=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_what_else_a_class_can_do_it_does_as_that_of_typing() -> None:
    """Dictionaries, hashes, copies, classes of one field and of none."""
    mine, theirs = Mine("mill", (1,)), Theirs("mill", (1,))
    assert (mine._asdict(), hash(mine)) == (theirs._asdict(), hash(theirs))
    assert copy.copy(mine) == mine

    class One(NamedTuple):
        only: int = 3

    class Empty(NamedTuple):
        """Nothing."""

    assert (One(), One(4).only, Empty()) == ((3,), 4, ())
    assert list(inspect.signature(Mine).parameters) == list(inspect.signature(Theirs).parameters)


def test_a_value_survives_pickling() -> None:
    """It is found again by its module and name."""
    assert pickle.loads(pickle.dumps(Mine("mill"))) == Mine("mill")


def test_types_are_found_by_who_asks() -> None:
    """The codec asks."""
    assert get_type_hints(Mine) == {"name": str, "floors": tuple[int, ...], "other": Mine | None}


def test_a_class_within_another_has_its_name() -> None:
    """Errors and pickles name it in full."""

    class Inner(NamedTuple):
        number: int

    assert Inner.__qualname__.endswith("has_its_name.<locals>.Inner")


def test_a_field_behind_one_with_a_default_needs_one() -> None:
    """Else the default would go to another field."""
    with pytest.raises(TypeError, match="a field of Wrong needs a default"):

        class Wrong(NamedTuple):  # pyright: ignore[reportUnusedClass]
            first: int = 1
            second: int  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
