"""The error tree."""

import copy
import errno
import pickle

import pytest

from snowfox import errors
from snowfox.errors import (
    ConfigurationRefused,
    LaunchFailed,
    NotFound,
    PosixError,
    SnowFoxError,
    UserError,
    by_name,
    errno_text,
)


def tree(kind):
    """A class and all below it."""
    yield kind
    for child in kind.__subclasses__():
        yield from tree(child)


PUBLIC = [
    kind
    for kind in tree(SnowFoxError)
    if not kind.__name__.startswith("_") and kind.__module__ == "snowfox.errors"
]


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_travels_by_name_and_fields(kind):
    """Every class is found by its name, and its fields make an equal one with the same text."""
    values = {"errno": 13, "errors": ["a"], "problems": ["p"]}
    error = kind(*(values.get(field, field) for field in kind.FIELDS))
    again = by_name(kind.__name__)(*error.fields())
    assert type(again) is kind
    assert again.fields() == error.fields()
    assert str(again) == str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_can_always_be_shown(kind):
    """An error without any field still has a text and a hint: showing it must not fail."""
    assert isinstance(str(kind()), str)
    assert isinstance(kind().hint, str)


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_is_drawn(kind):
    """The tree in the docstring has every class."""
    assert kind.__name__ in errors.__doc__


def test_unknown_name():
    """A name that is not in the tree gives None, also one of Python's own errors."""
    assert by_name("KeyError") is None
    assert by_name("") is None


def test_whose_fault():
    """A class belongs to the one whose fault it was."""
    assert issubclass(NotFound, UserError)
    assert not issubclass(PosixError, UserError)


def test_texts():
    """Errors of the kernel and of launches read as the documents say."""
    assert (
        str(PosixError("bind", "0.0.0.0:80", errno.EACCES))
        == "cannot bind 0.0.0.0:80: permission denied (EACCES)"
    )
    assert str(PosixError("fork", "", errno.EAGAIN)).startswith("cannot fork: ")
    assert (
        str(LaunchFailed("web@1", "change to folder", "/srv/x", errno.ENOENT))
        == "cannot launch web@1: change to folder /srv/x: no such file or directory (ENOENT)"
    )
    assert errno_text(9999).endswith("(9999)")


def test_hint():
    """A hint is the advice, or nothing."""
    assert NotFound("no service web", "did you mean worker?").hint == "did you mean worker?"
    assert NotFound("no service web").hint == ""
    assert PosixError("bind", "", 1).hint == ""


def test_too_many_fields():
    """A field too many is our mistake and told."""
    with pytest.raises(TypeError, match="takes 2 fields, not 3"):
        NotFound("a", "b", "c")


def test_copies():
    """Copies and pickles keep class and fields."""
    error = ConfigurationRefused("no", "", ["a", "b"])
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(again), again.fields()) == (ConfigurationRefused, ["no", "", ["a", "b"]])
