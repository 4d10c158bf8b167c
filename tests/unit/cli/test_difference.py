"""A plan as people read it."""

from __future__ import annotations

import io

import pytest

from snowfox.cli import difference
from snowfox.cli.paper import Paper
from snowfox.contract.manager import Plan, PlanLine, Reason, VersionLine

BEFORE = VersionLine("3f9a1c2" + "0" * 57, "main", "", 1, "anna", is_current=True)
AFTER = VersionLine("81d0e77" + "0" * 57, "main", "", 0, "")
LIMIT = Reason("restart.limit", "5", "10", "live")
DEBUG = Reason("environment.DEBUG", '"0"', '"1"', "replace")
CACHE = PlanLine("update", "service", "cache", "", [LIMIT], "live, same pid", 0, True)
WEB = PlanLine("replace", "service", "shop.web", "", [DEBUG], "rolling: always one ready", 0, True)
MAILER = PlanLine("create", "service", "mailer", "", [], "after cache", 0, True)
REPORT = PlanLine("remove", "service", "report", "", [], "", 0, True)


class Stream(io.StringIO):
    """A stream of some encoding, perhaps a terminal's."""

    def __init__(self, encoding: str = "utf-8", *, is_terminal: bool = False) -> None:
        super().__init__()
        self._encoding = encoding
        self._is_terminal = is_terminal

    @property
    def encoding(self) -> str:
        """As given."""
        return self._encoding

    def isatty(self) -> bool:
        """As given."""
        return self._is_terminal


def plan(*steps: PlanLine, kept: int = 4, **more: list[str]) -> Plan:
    """From the one to the other."""
    return Plan(BEFORE, AFTER, kept, list(steps), **more)


def text(found: Plan, encoding: str = "utf-8") -> str:
    """As it is printed into a file."""
    return "\n".join(difference.lines(found, Paper(Stream(encoding)))) + "\n"


def test_as_the_design_has_it() -> None:
    """Signs, names, why, how, aligned; the order; what it costs."""
    assert (
        text(plan(CACHE, MAILER, WEB, REPORT))
        == """\
3f9a1c2 → 81d0e77 (main)
 = 4 kept
 ~ cache     restart.limit: 5 → 10         live, same pid
 + mailer    new                           after cache
 ± shop.web  environment.DEBUG: "0" → "1"  replace, rolling: always one ready
 - report    removed
order: cache · mailer · shop.web · report
away: nothing · all of it can be undone
"""
    )


def test_a_new_source() -> None:
    """Where both come from, when that differs; a first version comes from nothing."""
    one = plan(MAILER)
    away = BEFORE._replace(name="next", commit="5c0ffee123")
    assert text(one._replace(before=away)).startswith("3f9a1c2 (next, commit 5c0ffee) → 81d0e77 (main)\n")
    assert text(one._replace(before=VersionLine("", "", "", 0, ""))).startswith("nothing → 81d0e77 (main)\n")


def test_nothing_is_kept() -> None:
    """Then there is no line that counts it."""
    assert text(plan(REPORT, kept=0)).splitlines()[1] == " - report  removed"


def test_several_reasons() -> None:
    """One a line, aligned; of many the first and how many more; one more is shown instead of counted."""
    many = [Reason(f"environment.A{number}", str(number), "x", "replace") for number in range(8)]
    assert (
        text(plan(WEB._replace(reasons=[DEBUG, LIMIT]), REPORT))
        == """\
3f9a1c2 → 81d0e77 (main)
 = 4 kept
 ± shop.web  environment.DEBUG: "0" → "1"  replace, rolling: always one ready
             restart.limit: 5 → 10
 - report    removed
order: shop.web · report
away: nothing · all of it can be undone
"""
    )
    found = text(plan(WEB._replace(reasons=many))).splitlines()
    assert found[6:8] == ["             environment.A4: 4 → x", "             and 3 more"]
    assert "environment.A5: 5 → x" in text(plan(WEB._replace(reasons=many[:6])))


def test_values_that_are_not_there_and_renamed() -> None:
    """A value that was or will be unset; a field without values; a service with another name; only another name."""
    reasons = [Reason("user", "", '"shop"', "replace"), Reason("user", '"shop"', "", "replace")]
    reasons.append(Reason("its program is another", "", "", "replace"))
    renamed = CACHE._replace(was="redis", reasons=[])
    assert (
        text(plan(WEB._replace(was="web", reasons=reasons, how=""), renamed))
        == """\
3f9a1c2 → 81d0e77 (main)
 = 4 kept
 ± shop.web  renamed from web        replace
             user: unset → "shop"
             user: "shop" → unset
             its program is another
 ~ cache     renamed from redis      live, same pid
order: shop.web · cache
away: nothing · all of it can be undone
"""
    )


def test_long_values() -> None:
    """Only where they begin to differ, with a little before."""
    before, after = "a" * 60 + "old" + "z" * 60, "a" * 60 + "new" + "z" * 60
    reason = Reason("command", before, after, "replace")
    line = text(plan(WEB._replace(reasons=[reason]))).splitlines()[2]
    assert line.startswith(
        f" ± shop.web  command: …{'a' * 10}old{'z' * 27}… → …{'a' * 10}new{'z' * 27}…  replace, rolling"
    )
    reason = Reason("command", "", "a" * 60, "replace")
    assert f"command: unset → {'a' * 40}…" in text(plan(WEB._replace(reasons=[reason])))


def test_other_kinds() -> None:
    """What is no service says what it is."""
    front = PlanLine("create", "socket", "front", "", [], "", 0, True)
    assert " + socket front  new\n" in text(plan(front))


def test_costs() -> None:
    """What is away and for how long, what nobody knows, and what cannot be undone; of many the first ones."""
    slow, new = CACHE._replace(away=1234), WEB._replace(away=-1)
    assert "away: cache about 0.02 s, as measured before · all" in text(plan(CACHE._replace(away=20)))
    lost = REPORT._replace(undoable=False)
    assert (
        "away: cache about 1.2 s, as measured before · shop.web for a time that was not measured yet"
        " · cannot be undone: report\n"
    ) in text(plan(slow, new, lost))
    many = [MAILER._replace(name=f"m{number}") for number in range(20)]
    assert "order: m0 · m1 · m2 · m3 · m4 · m5 · m6 · m7 · and 12 more\n" in text(plan(*many))
    assert "order:" not in text(plan(slow))


def test_no_changes() -> None:
    """The same version, or another that says the same in other words."""
    same = Plan(AFTER, AFTER, 4, [], [], ["warning: web has no user"])
    assert text(same) == "81d0e77 (main) is in force already: nothing changes\nwarning: web has no user\n"
    assert text(plan()) == "3f9a1c2 → 81d0e77 (main)\n = 4 kept\nnothing changes\n"


def test_refusals() -> None:
    """After what would have been done, without order and costs; last that nothing would be."""
    refusals = [
        'cannot open 0.0.0.0:80 for socket front: not allowed by policy\n   allow it with  ports = ["80"]',
        "cannot open 127.0.0.1:8080 for socket front: address in use (EADDRINUSE)",
    ]
    assert (
        text(plan(REPORT, refusals=refusals, warnings=["warning: x"]))
        == """\
3f9a1c2 → 81d0e77 (main)
 = 4 kept
 - report  removed
warning: x
cannot open 0.0.0.0:80 for socket front: not allowed by policy
   allow it with  ports = ["80"]
cannot open 127.0.0.1:8080 for socket front: address in use (EADDRINUSE)
refused: apply would change nothing
"""
    )


def test_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, and not with NO_COLOR; without it the text is the same as in a file."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    found = plan(CACHE, WEB, MAILER, REPORT, warnings=["w"])
    coloured = "\n".join(difference.lines(found, Paper(Stream(is_terminal=True)))) + "\n"
    for code in ("1", "2", "31", "32", "33"):
        assert f"\x1b[{code}m" in coloured
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured.replace("\x1b[0m", "") == text(found)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\n".join(difference.lines(found, Paper(Stream(is_terminal=True)))) + "\n" == text(found)


def test_signs_of_a_plain_terminal() -> None:
    """Without Unicode each action still has a sign of its own."""
    found = text(plan(CACHE, WEB, MAILER, REPORT), "ascii").splitlines()
    assert [line[:3] for line in found[1:6]] == [" = ", " ~ ", " % ", " + ", " - "]


def test_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a row does not fit, how it is done has a line of its own."""
    monkeypatch.setattr(Paper, "width", 60)
    assert text(plan(WEB, MAILER)).splitlines()[2:6] == [
        ' ± shop.web  environment.DEBUG: "0" → "1"',
        "             replace, rolling: always one ready",
        " + mailer    new",
        "             after cache",
    ]


def test_text_from_elsewhere_cannot_move_the_terminal() -> None:
    """Neither names nor values nor lines of the node."""
    bad = "\x1b[2J"
    steps = [CACHE._replace(name=bad, was=bad, reasons=[Reason(bad, bad, "", "live")], how=bad)]
    found = plan(*steps, refusals=[bad], warnings=[bad])
    assert "\x1b" not in text(
        found._replace(before=BEFORE._replace(name=bad), after=AFTER._replace(name=bad))
    )


def test_a_thousand_steps_are_quick() -> None:
    """All are shown, each on its line."""
    found = text(plan(*(WEB._replace(name=f"web{number}") for number in range(1000))))
    assert found.count(" ± ") == 1000
