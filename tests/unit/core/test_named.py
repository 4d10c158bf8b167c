"""NamedTuples are as those of `typing`."""

from __future__ import annotations

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


SAME = ("__doc__", "__match_args__", "__module__", "_fields", "_field_defaults", "__slots__", "__bases__")


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
