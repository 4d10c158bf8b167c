"""Bodies: greeting, definition, traces, and errors by their names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snowfox import errors
from snowfox.core.rpc import frame, message
from snowfox.core.rpc.codec import encode
from snowfox.core.trace import Trace
from snowfox.errors import ProtocolError, RemoteError, SnowFoxError


def _tree(kind=SnowFoxError):
    yield kind
    for one in kind.__subclasses__():
        if one.__module__ == "snowfox.errors":
            yield from _tree(one)


PUBLIC = sorted(
    {kind for kind in _tree() if not kind.__name__.startswith("_")}, key=lambda kind: kind.__name__
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBER = st.integers(-(2**63), 2**63 - 1)
FIELDS = {"errno": NUMBER, "errors": st.lists(TEXT, max_size=4), "problems": st.lists(TEXT, max_size=4)}


@given(st.sampled_from(PUBLIC), st.data())
def test_an_error_comes_back_as_itself(kind, data):
    """Each class of the tree travels with its fields, whatever values of their types they hold, and can be shown."""
    fields = [data.draw(st.none() | FIELDS.get(name, TEXT)) for name in kind.FIELDS]
    error = message.read_failure(message.failure(kind(*fields)))
    assert type(error) is kind
    assert error.fields() == fields
    assert isinstance(str(error), str)
    assert isinstance(error.hint, str)


@pytest.mark.parametrize(
    ("kind", "texts", "numbers", "lists"),
    [
        ("PosixError", ["bind", "x", "abc"], {}, {}),
        ("PosixError", ["bind", "x", None], {}, {"2": ["a"]}),
        ("UserError", [None, None], {"0": 5}, {}),
        ("UserError", ["no", None], {}, {"1": ["a"]}),
        ("ConfigurationRefused", ["no", None, "problem"], {}, {}),
    ],
)
def test_fields_of_other_types_break_the_protocol(kind, texts, numbers, lists):
    """A peer cannot make an error that fails when it is shown."""
    body, _ = encode(message.Failure, message.Failure(kind, texts, numbers, lists))
    with pytest.raises(ProtocolError):
        message.read_failure(body)


def test_an_error_that_is_not_known_here():
    """A class that this end has not becomes a RemoteError that names it."""
    body, _ = encode(message.Failure, message.Failure("TooNew", ["it broke", None], {}, {}))
    error = message.read_failure(body)
    assert isinstance(error, RemoteError)
    assert (error.text, error.kind) == ("it broke", "TooNew")


def test_an_error_with_more_fields_than_here():
    """A class that got further fields since becomes a RemoteError too; nothing raises."""
    body, _ = encode(message.Failure, message.Failure("NotFound", ["gone", "look", "more"], {}, {}))
    assert isinstance(message.read_failure(body), RemoteError)
    assert isinstance(errors.by_name("NotFound")("gone"), errors.NotFound)


@given(st.text("01ABZ", max_size=30), st.text("01ABZ", max_size=30), st.binary(max_size=20))
def test_a_trace_stands_before_the_arguments(story, cause, rest):
    """What is behind the trace is given back untouched."""
    assert message.read_trace(message.trace(Trace(story, cause)) + rest) == (Trace(story, cause), rest)


@pytest.mark.parametrize("body", [b"", b"\x91\xa1x", b"\x92\xa1x", b"\x92\xd9\x41" + b"x" * 65 + b"\xa0"])
def test_a_malformed_trace_is_refused(body):
    """A trace that ends too early or is too long is a fault of the peer."""
    with pytest.raises(ProtocolError):
        message.read_trace(body)


@pytest.mark.parametrize("text", ["x" * (1 << 20), "\udcff" * 300_000, "a\udcffb", "\U0001f98a" * 300_000])
@pytest.mark.parametrize("kind", [errors.NotFound, errors.ConfigurationRefused])
def test_every_error_can_be_sent(kind, text):
    """An error that names what its caller sent may be larger than a message: its texts are cut, its class stays."""
    fields = [text, text, [text] * 1000] if kind is errors.ConfigurationRefused else [text, text]
    body = message.failure(kind(*fields))
    assert len(body) <= frame.LIMIT
    error = message.read_failure(body)
    assert type(error) is kind
    assert str(error)[:1] == text.encode(errors="backslashreplace").decode()[:1]
