"""Versions of the configuration: as people see them, and the one that a person means."""

from __future__ import annotations

from collections.abc import Sequence

from snowfox.contract.manager import VersionLine
from snowfox.core.config.source import Sources
from snowfox.core.store.api import Version
from snowfox.errors import UserError
from snowfox.manager.change.record import Provisional


def line_of(version: Version, *, now: str, provisional: Provisional | None) -> VersionLine:
    """A version that is kept.

    Args:
        version: which.
        now: the id of the one in force.
        provisional: what waits to be confirmed.
    """
    by = provisional.by if provisional is not None and provisional.version == version.id else 0
    return VersionLine(
        version.id, version.name, version.commit, version.at, version.who, version.id == now, by
    )


def line_of_sources(sources: Sources, *, id: str, now: str) -> VersionLine:
    """A version that was read and may never be in force."""
    return VersionLine(id, sources.called, sources.commit, 0, "", id == now)


def find(kept: Sequence[Version], version: str, *, now: str) -> Version:
    """The version that a person means.

    Args:
        kept: all, the newest last.
        version: the first digits of its id; "" for the one before.
        now: the id of the one in force.

    Raises UserError when there is none or several.
    """
    if version:
        meant = [one for one in kept if one.id.startswith(version)]
        why = f"{len(meant) or 'no'} versions begin with {version}"
    else:
        meant = [one for one in kept if one.id != now][-1:]
        why = "there is no version before this"
    if len(meant) != 1:
        msg = f"cannot roll back: {why}"
        raise UserError(msg, "snowfox versions  lists what is kept")
    return meant[0]
