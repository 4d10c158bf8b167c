"""A plan as people read it: what becomes of each resource and why, in which order, and what it costs.

```text
3f9a1c2 → 81d0e77 (main)
 = 4 kept
 ~ cache     restart.limit: 5 → 10         live, same pid
 ± shop.web  environment.DEBUG: "0" → "1"  replace, rolling: always one ready
 + mailer    new                           after cache
 - report    removed
order: cache · mailer · shop.web · report
away: nothing · all of it can be undone
```
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from snowfox.cli import paper, version
from snowfox.contract.manager import Plan, PlanLine, Reason
from snowfox.core.named import NamedTuple
from snowfox.values import span_text

_SIGNS: Final = {"create": "+", "update": "~", "remove": "-"}  # of what is replaced, the paper's own
_WHYS: Final = {"create": "new", "remove": "removed", "restart": "not changed"}
_COLOURS: Final = {
    "create": "green",
    "update": "yellow",
    "replace": "yellow",
    "restart": "yellow",
    "remove": "red",
}
_ABSENT: Final = "unset"
_MOST_REASONS: Final = 5
_MOST_NAMES: Final = 8
_WIDEST_NAME: Final = 30
_WIDEST_WHY: Final = 60
_LONGEST_VALUE: Final = 40
_BEFORE_CHANGE: Final = 10  # characters of a long value that are shown before what differs


class _Row(NamedTuple):
    """A step: its sign, its name, why, and how."""

    sign: str
    name: str
    whys: list[str]
    how: str


def lines(plan: Plan, sheet: paper.Paper) -> list[str]:
    """The whole plan, for this paper."""
    warnings = [sheet.colour("yellow", line) for line in _safe(plan.warnings)]
    refusals = _safe(plan.refusals)
    if refusals:
        refusals.append(sheet.colour("red", "refused: apply would change nothing"))
    if not plan.steps and not refusals and plan.before.id == plan.after.id:
        title = version.title(plan.after.id, plan.after.name, plan.after.commit)
        return [f"{title} is in force already: nothing changes", *warnings]
    kept = [f" = {plan.kept} kept"] if plan.kept else []
    found = [sheet.colour("bold", _head(plan)), *kept, *_table(plan.steps, sheet)]
    if not plan.steps and not refusals:
        found.append("nothing changes")
    elif not refusals:
        found += _costs(plan.steps, sheet)
    return [*found, *warnings, *refusals]


def _safe(texts: Sequence[str]) -> list[str]:
    """Their lines."""
    return [paper.safe(line) for text in texts for line in text.splitlines()]


def _head(plan: Plan) -> str:
    before, after = plan.before, plan.after
    is_same_place = (before.name, before.commit) == (after.name, after.commit)
    first = version.title(
        before.id, "" if is_same_place else before.name, "" if is_same_place else before.commit
    )
    return f"{first} → {version.title(after.id, after.name, after.commit)}"


def _table(steps: Sequence[PlanLine], sheet: paper.Paper) -> list[str]:
    """A row a step, aligned; on a terminal that it does not fit, how it is done has a line of its own."""
    if not steps:
        return []
    rows = [_row(step, sheet) for step in steps]
    name_width = min(_WIDEST_NAME, max(len(row.name) for row in rows))
    why_width = min(_WIDEST_WHY, max(len(why) for row in rows for why in row.whys))
    indent = " " * (3 + name_width + 2)
    fits = len(indent) + why_width + 2 + max(len(row.how) for row in rows) <= (sheet.width or 1 << 20)
    found: list[str] = []
    for row in rows:
        first, *others = row.whys
        line = f" {row.sign} {row.name:<{name_width}}  "
        if row.how and fits:
            found.append(f"{line}{first:<{why_width}}  {sheet.colour('dim', row.how)}")
        else:
            found.append(line + first)
        found += [indent + other for other in others]
        if row.how and not fits:
            found.append(indent + sheet.colour("dim", row.how))
    return found


def _row(step: PlanLine, sheet: paper.Paper) -> _Row:
    sign = _SIGNS.get(step.action) or sheet.sign("±", "%")
    colour = _COLOURS.get(step.action)
    return _Row(sheet.colour(colour, sign) if colour else sign, _name(step), _whys(step), _how(step))


def _name(step: PlanLine) -> str:
    """A service by its name alone, what else there is with its kind."""
    return paper.safe(step.name if step.kind == "service" else f"{step.kind} {step.name}")


def _how(step: PlanLine) -> str:
    how = paper.safe(step.how)
    if step.action != "replace" or how.startswith("replace"):
        return how
    return f"replace, {how}" if how else "replace"


def _whys(step: PlanLine) -> list[str]:
    """At least one line."""
    if step.action in _WHYS:
        return [_WHYS[step.action]]
    whys = [f"renamed from {paper.safe(step.was)}"] if step.was else []
    # One more takes no more room than to say that there is one more.
    shown = len(step.reasons) if len(step.reasons) <= _MOST_REASONS + 1 else _MOST_REASONS
    whys += [_why(reason) for reason in step.reasons[:shown]]
    if shown < len(step.reasons):
        whys.append(f"and {len(step.reasons) - shown} more")
    return whys or [step.action]


def _why(reason: Reason) -> str:
    if not reason.before and not reason.after:
        return paper.safe(reason.field)
    before, after = _excerpts(reason.before or _ABSENT, reason.after or _ABSENT)
    return paper.safe(f"{reason.field}: {before} → {after}")


def _excerpts(before: str, after: str) -> tuple[str, str]:
    """Both as they are, or of long ones the part where they begin to differ."""
    if max(len(before), len(after)) <= _LONGEST_VALUE:
        return before, after
    pairs = enumerate(zip(before, after, strict=False))
    same = next((index for index, (one, other) in pairs if one != other), min(len(before), len(after)))
    first = max(0, same - _BEFORE_CHANGE)
    return _excerpt(before, first), _excerpt(after, first)


def _excerpt(text: str, first: int) -> str:
    last = first + _LONGEST_VALUE
    return f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}"


def _costs(steps: Sequence[PlanLine], sheet: paper.Paper) -> list[str]:
    """The order, and on one line what is away and what cannot be undone."""
    dot = f" {sheet.dot()} "
    order = [f"order: {_few([_name(step) for step in steps], dot)}"] if len(steps) > 1 else []
    lost = [_name(step) for step in steps if not step.undoable]
    undo = f"cannot be undone: {_few(lost, ', ')}" if lost else "all of it can be undone"
    return [*order, f"away: {dot.join([*_away(steps), undo])}"]


def _away(steps: Sequence[PlanLine]) -> list[str]:
    known = [f"{_name(step)} about {span_text(step.away / 1000)}" for step in steps if step.away > 0]
    unknown = [_name(step) for step in steps if step.away < 0]
    found = [f"{_few(known, ', ')}, as measured before"] if known else []
    if unknown:
        found.append(f"{_few(unknown, ', ')} for a time that was not measured yet")
    return found or ["nothing"]


def _few(names: Sequence[str], between: str) -> str:
    """The first of them, and how many more there are."""
    if len(names) <= _MOST_NAMES:
        return between.join(names)
    return between.join([*names[:_MOST_NAMES], f"and {len(names) - _MOST_NAMES} more"])
