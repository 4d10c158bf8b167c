"""How a change of the configuration is asked for."""

from __future__ import annotations

from collections.abc import Mapping

from snowfox.core.named import NamedTuple


class Options(NamedTuple):
    """How a change is to be made.

    Args:
        keep: stay with it when something does not get ready.
        confirm: ms after which it goes back unless it is confirmed; 0: it stays.
        supersede: take the place of one that is under way.
        scaled: how many instances these services are to have, of the version in force; None: another version.
    """

    keep: bool = False
    confirm: int = 0
    supersede: bool = False
    scaled: Mapping[str, int] | None = None
