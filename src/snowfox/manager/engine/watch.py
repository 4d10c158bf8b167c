"""A watch: an operation under way, and which of its instances have got where it wants them.

It holds names and numbers only; what an instance is like is told to it.
"""

from __future__ import annotations

from snowfox.values import Seconds


class Watch:
    """An operation under way.

    Args:
        operation: its id.
        verb: `up`, `down`, `start`, `stop`, `restart`, `reload`, `apply` or `retire`.
        began: when.

    Attributes:
        pending: instances of which nothing is settled.
        settled: the others: whether they got there.
        deadlines: of instances that died on their way: when they had their chance (`ready.timeout` after launch).
        until: until when those that are ready by execution are watched.
        timer: when its timer is due; 0 without one.
        why: of instances that were given up though they run: the reason.
        ousted: instances that run, and that it stops as they conflict with others: told once they are gone.
    """

    __slots__ = (
        "_soonest",
        "_told",
        "began",
        "deadlines",
        "operation",
        "ousted",
        "pending",
        "settled",
        "timer",
        "until",
        "verb",
        "why",
    )

    def __init__(self, operation: str, verb: str, began: Seconds) -> None:
        self.operation = operation
        self.verb = verb
        self.began = began
        self.pending: dict[str, None] = {}
        self.settled: dict[str, bool] = {}
        self.deadlines: dict[str, Seconds] = {}
        self.until: Seconds = 0.0
        self.timer: Seconds = 0.0
        self.why: dict[str, str] = {}
        self.ousted: dict[str, None] = {}
        self._told: dict[str, bool] = {}
        self._soonest: Seconds | None = None

    @property
    def goes_up(self) -> bool:
        """Whether it wants its instances ready; else it wants them stopped."""
        return self.verb in {"up", "start", "restart", "reload", "apply"}

    @property
    def is_part(self) -> bool:
        """Whether it is a part of an operation of the manager, which is told the end and the first failure."""
        return self.verb in {"apply", "retire"}

    def settle(self, instance: str, verdict: bool | None) -> bool:  # noqa: FBT001 - three values, one meaning
        """Note what was found: got there, will not, not known yet (None). True when that is news to tell.

        Who was given up stays so until it gets there. Who crashes and comes back is no news a second time.
        """
        if verdict is None:
            if self.settled.get(instance) is not False:
                self.settled.pop(instance, None)
                self.pending[instance] = None
            return False
        self.pending.pop(instance, None)
        self.settled[instance] = verdict
        is_news = self._told.get(instance) is not verdict
        self._told[instance] = verdict
        return is_news

    def rename(self, was: str, instance: str) -> None:
        """One of its instances has another id."""
        if was in self.pending:
            self.pending[instance] = self.pending.pop(was)
        if was in self.ousted:
            self.ousted[instance] = self.ousted.pop(was)
        if was in self.settled:
            self.settled[instance] = self.settled.pop(was)
        if was in self.deadlines:
            self.deadlines[instance] = self.deadlines.pop(was)
        if was in self._told:
            self._told[instance] = self._told.pop(was)

    def forget(self, instance: str) -> None:
        """One of its instances is no more."""
        self.pending.pop(instance, None)
        self.ousted.pop(instance, None)
        self.settled.pop(instance, None)
        self.deadlines.pop(instance, None)
        self._told.pop(instance, None)

    def give(self, instance: str, deadline: Seconds) -> Seconds:
        """Let an instance have its chance until then; the deadline that it has, which is the first it was given."""
        if instance not in self.deadlines:
            self.deadlines[instance] = deadline
            self._soonest = deadline if self._soonest is None else min(self._soonest, deadline)
        return self.deadlines[instance]

    def pass_deadlines(self, now: Seconds) -> list[str]:
        """The pending ones that have had their chance. The only walk through all: once per deadline."""
        waiting = {one: when for one, when in self.deadlines.items() if one in self.pending}
        self._soonest = min((when for when in waiting.values() if when > now), default=None)
        return [one for one, when in waiting.items() if when <= now]

    def next_look(self, now: Seconds) -> Seconds | None:
        """When something is due though nothing happens, or None. In the past: now."""
        if self.pending:
            return self._soonest
        # Who was lost needs no watching.
        return self.until if self.until > now and any(self.settled.values()) else None

    def lost(self) -> list[str]:
        """Instances that did not get there."""
        return [instance for instance, is_well in self.settled.items() if not is_well]
