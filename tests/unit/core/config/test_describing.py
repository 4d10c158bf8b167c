"""What docstrings say."""

from snowfox.core.config.describing import arguments, summary


class Lower:
    """A thing
    of two lines.

    More of it.

    Args:
        one: the first.
        two: the second,
            longer.
    """  # noqa: D205 - what is tested


class Upper(Lower):
    """Another.

    Args:
        two: anew.

    What follows: is no field.
    """


def test_summary():
    """The first paragraph, as one line."""
    assert summary(Lower) == "A thing of two lines."
    assert summary(type("Bare", (), {})) == ""


def test_arguments():
    """Each field with its text, that of the subclass first."""
    assert arguments(Lower) == {"one": "the first.", "two": "the second, longer."}
    assert arguments(Upper) == {"one": "the first.", "two": "anew."}
