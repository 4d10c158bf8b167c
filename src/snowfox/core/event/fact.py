"""Facts and events: a fact is what happened, an event is its report.

```python
class ServiceStarted(Fact, kind="service.started", kept=True):
    pid: int
```

There is no registry: the catalogue is found by walking the subclasses, so that defining a fact does nothing else.
"""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from snowfox.core.frozen import Frozen
from snowfox.core.log import json_bytes
from snowfox.errors import InternalError


class Fact(Frozen):
    """What happened: a frozen value of plain fields.

    Class arguments of subclasses:
        kind: dotted name in the tree of events, `service.started`; a class without one only groups others.
        kept: whether its events go to the journal.
    """

    kind: ClassVar[str] = ""
    kept: ClassVar[bool] = False

    def __init_subclass__(cls, *, kind: str = "", kept: bool = False) -> None:
        super().__init_subclass__()
        cls.kind = kind
        cls.kept = kept

    def json(self) -> str:
        """Its fields as a JSON object on one line."""
        return json_bytes({name: getattr(self, name) for name in self._names}).decode("utf-8")


F = TypeVar("F", bound=Fact)
FactT_co = TypeVar("FactT_co", bound=Fact, covariant=True)


class Event(Frozen, Generic[FactT_co]):
    """The report of a fact.

    Args:
        id: sortable, of `core.ids`.
        kind: the fact's kind.
        subject: what it is about, `web@1`; order is kept per subject.
        at: wall clock, milliseconds since 1970; for people.
        trace: id of the whole story.
        cause: id of the event or call inside which it was emitted; "" at the start of a story.
        fact: the fact.
    """

    id: str
    kind: str
    subject: str
    at: int
    trace: str
    cause: str
    fact: FactT_co


def catalogue() -> dict[str, type[Fact]]:
    """All kinds that are defined now, sorted. Raises InternalError for a kind that two classes claim."""
    found: dict[str, type[Fact]] = {}
    waiting: list[type[Fact]] = [Fact]
    while waiting:
        fact = waiting.pop(0)
        waiting.extend(fact.__subclasses__())
        if not fact.kind:
            continue
        other = found.setdefault(fact.kind, fact)
        if other is not fact:
            msg = f"kind {fact.kind} is claimed by {_path(other)} and {_path(fact)}"
            raise InternalError(msg)
    return dict(sorted(found.items()))


def tree(facts: dict[str, type[Fact]]) -> str:
    """A catalogue drawn as a tree, a line per word of the kinds, with the fields; kept ones end in `*`."""
    lines: list[str] = []
    shown: set[str] = set()
    for kind in sorted(facts):
        words = kind.split(".")
        for depth, word in enumerate(words):
            path = ".".join(words[: depth + 1])
            if path in shown:
                continue
            shown.add(path)
            text = "    " * depth + word
            owner = facts.get(path)
            if owner is not None:
                text += f"({', '.join(fields(owner))}){' *' if owner.kept else ''}"
            lines.append(text)
    return "\n".join(lines)


def fields(fact: type[Fact]) -> tuple[str, ...]:
    """Names of a fact's fields, in order."""
    return fact._names  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - Frozen has no public name for it


def _path(fact: type[Fact]) -> str:
    return f"{fact.__module__}.{fact.__qualname__}"
