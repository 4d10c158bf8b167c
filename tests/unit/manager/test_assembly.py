"""The manager's modules."""

from snowfox.core.module import ordered
from snowfox.manager.assembly import find
from snowfox.manager.level import Level


def test_ours_are_found_and_can_be_ordered() -> None:
    """Every part is a module; what asks for another comes after it; commands are answered last."""
    ours = [one for one in find() if one.package.startswith("snowfox.manager.")]
    names = [one.name for one in ordered(ours)]
    assert set(names) == {
        "store",
        "journal",
        "operations",
        "output",
        "connector",
        "demand",
        "probes",
        "engine",
        "schedules",
        "changes",
        "commands",
    }
    assert names[:2] == ["store", "journal"]
    assert names.index("engine") > names.index("probes") > names.index("connector") > names.index("output")
    assert names[-1] == "commands"


def test_levels_ascend_in_the_order_of_their_names() -> None:
    """As the architecture lists them."""
    assert [level.name for level in sorted(Level)] == [
        "EARLY",
        "STORE",
        "RPC",
        "CONFIG",
        "ENGINE",
        "GATEWAY",
        "LATE",
    ]
