"""Frozen values."""

import copy
import pickle
from typing import ClassVar

import pytest

from snowfox.core.frozen import Frozen


class Point(Frozen):
    x: int
    y: int = 0
    kind: ClassVar[str] = "point"


class Named(Point):
    name: str = ""
    y: int = 7


class Other(Frozen):
    x: int
    y: int = 0


def test_fields_positional_named_default():
    """Fields are set by place, by name, or by default; inherited ones come first; a default may change."""
    assert (Point(1).x, Point(1).y) == (1, 0)
    assert Point(1, 2) == Point(y=2, x=1)
    assert Named(1) == Named(1, 7, "")
    assert Named(1, 2, "n").name == "n"
    assert Point.kind == "point"


def test_equal_only_within_the_class():
    """Equal fields of another class are not equal; equal values hash equally."""
    assert Point(1) != Other(1)
    assert Point(1) != Named(1, 0)
    assert Point(1) != (1, 0)
    assert hash(Point(1, 2)) == hash(Point(1, 2))
    assert len({Point(1), Point(1), Other(1)}) == 2


def test_equal_with_many_fields_one_or_none():
    """What is compared at once is all fields, however many there are."""

    class Nothing(Frozen):
        pass

    class One(Frozen):
        value: object

    assert Nothing() == Nothing()
    assert One(1) == One(1)
    assert One(1) != One(2)
    assert One(One((1, 2))) == One(One((1, 2)))
    assert Named(1, 2, "n") != Named(1, 2, "m")
    assert Point(1).__eq__(Other(1)) is NotImplemented


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (Point, r"Point.__init__\(\) missing .* 'x'"),
        (lambda: Point(1, 2, 3), r"Point.__init__\(\) takes from 2 to 3 .* 4"),
        (lambda: Point(1, z=2), "Point.* unexpected .* 'z'"),
        (lambda: Point(1, x=2), "Point.* multiple values .* 'x'"),
        (lambda: Named(1).replace(z=1), "Named.* unexpected .* 'z'"),
    ],
)
def test_wrong_fields(make, text):
    """Missing, too many, unknown and doubled fields are named."""
    with pytest.raises(TypeError, match=text):
        make()


def test_nothing_changes():
    """Fields can be neither set nor deleted, and no new ones added."""
    point = Point(1)
    with pytest.raises(AttributeError, match="frozen"):
        point.x = 2
    with pytest.raises(AttributeError, match="frozen"):
        del point.x
    with pytest.raises(AttributeError, match="frozen"):
        point.z = 2
    assert not hasattr(point, "__dict__")


def test_replace_copies():
    """replace gives a changed copy of the same class and leaves the original."""
    point = Named(1, 2, "a")
    assert point.replace(name="b") == Named(1, 2, "b")
    assert point.name == "a"


def test_default_without_annotation_is_refused():
    """A class value that would hide an inherited field is an error where the class is defined."""
    with pytest.raises(TypeError, match="y of Wrong needs an annotation"):

        class Wrong(Point):
            y = 5


def test_no_default_behind_a_default_is_refused():
    """A field that must be given cannot follow one that need not, as with the arguments of a function."""
    with pytest.raises(TypeError, match="z of Wrong needs a default"):

        class Wrong(Point):
            z: int


def test_repr_copy_pickle():
    """repr shows the fields; copies and pickles are equal."""
    assert repr(Point(1)) == "Point(x=1, y=0)"
    assert copy.deepcopy(Named(1)) == Named(1)
    assert pickle.loads(pickle.dumps(Point(1, 2))) == Point(1, 2)


def test_annotations_as_a_function():
    """Annotations as Python 3.14 gives them, by a function in the namespace, are fields too."""
    kind = type(Frozen)("Late", (Frozen,), {"__annotate_func__": lambda _: {"a": int, "b": str}, "b": "x"})
    assert kind(1).b == "x"
