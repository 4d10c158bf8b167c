"""What happens to configurations, as told on the bus and kept in the journal. The subject is the operation."""

from __future__ import annotations

from snowfox.core.event.fact import Fact


class StepFact(Fact, kind="change.step", kept=True):
    """A step of a change: `replace` of `service web`.

    It `verifies`, and is `verified` or `refused`, where something is held for it, at once with others; it `begins`, is
    `done`, `failed` or `undone`.
    """

    resource: str
    action: str
    what: str


class ChangedFact(Fact, kind="change.applied", kept=True):
    """Another version is in force."""

    before: str
    after: str


class WentBackFact(Fact, kind="change.rolled-back", kept=True):
    """A change was not made, and all is as it was before; why."""

    before: str
    after: str
    reason: str


class DegradedFact(Fact, kind="change.degraded", kept=True):
    """A change was not made, and not all could be brought back; what."""

    before: str
    after: str
    reason: str
