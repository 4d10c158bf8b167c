"""A watch: an operation under way, and which of its instances have got where it wants them.

It holds names and numbers only; what an instance is like is told to it.
"""

from __future__ import annotations

from snowfox.values import Seconds


class Watch:
    """An operation under way.

    Args:
        operation: its id.
        verb: `up`, `down`, `start`, `stop` or `restart`.
        began: when.

    Attributes:
        pending: instances of which nothing is settled.
        settled: the others: whether they got there.
        deadlines: of instances that died on their way: when they had their chance (`ready.timeout` after launch).
        until: until when those that are ready by execution are watched.
        timer: when its timer is due; 0 without one.
    """

    __slots__ = ("began", "deadlines", "operation", "pending", "settled", "timer", "until", "verb")

    def __init__(self, operation: str, verb: str, began: Seconds) -> None:
        self.operation = operation
        self.verb = verb
        self.began = began
        self.pending: dict[str, None] = {}
        self.settled: dict[str, bool] = {}
        self.deadlines: dict[str, Seconds] = {}
        self.until: Seconds = 0.0
        self.timer: Seconds = 0.0

    @property
    def goes_up(self) -> bool:
        """Whether it wants its instances ready; else it wants them stopped."""
        return self.verb in {"up", "start", "restart"}

    def settle(self, instance: str, verdict: bool | None) -> bool:  # noqa: FBT001 - three values, one meaning
        """Note what was found: got there, will not, not known yet (None). True when that is news to tell.

        Who was given up stays so until it gets there.
        """
        before = self.settled.get(instance)
        if verdict is None:
            if before is not False:
                self.settled.pop(instance, None)
                self.pending[instance] = None
            return False
        self.pending.pop(instance, None)
        self.settled[instance] = verdict
        return verdict is not before

    def next_look(self, now: Seconds) -> Seconds | None:
        """When something is due though nothing happens, or None. In the past: now."""
        if self.pending:
            return min((self.deadlines[one] for one in self.pending if one in self.deadlines), default=None)
        return self.until if self.until > now else None

    def lost(self) -> list[str]:
        """Instances that did not get there."""
        return [instance for instance, is_well in self.settled.items() if not is_well]
