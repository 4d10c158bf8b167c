"""A length of time on the command line."""

from __future__ import annotations

from snowfox.errors import UsageError
from snowfox.values import Seconds, duration


def given(text: str, what: str, *, least: str = "0s", most: str) -> Seconds:
    """The seconds that it means.

    Args:
        text: as it was written.
        what: what is to last so long, for `cannot WHAT`.
        least: the shortest that makes sense.
        most: the longest.

    Raises UsageError.
    """
    try:
        found = duration(text)
    except ValueError as error:
        msg = f"cannot {what}: {error}"
        raise UsageError(msg, 'for example "30s", "5m"') from None
    if found > duration(most):
        msg = f"cannot {what} {text}"
        raise UsageError(msg, f"at most {most}")
    if found < duration(least):
        msg = f"cannot {what} {text}"
        raise UsageError(msg, f"at least {least}")
    return found
