"""Order and closures of a graph of services."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from snowfox.service.dependency import Graph
from snowfox.service.spec import Service


def graph(**requires):
    """A graph of services that require what the words name."""
    return Graph(
        {name: Service(name, ("x",), requires=tuple(needs.split())) for name, needs in requires.items()}
    )


def random_services(seed, count, edges):
    """A graph without circles: each may require or follow only what comes before it in a hidden order."""
    random = Random(seed)
    names = [f"s{number}" for number in range(count)]
    random.shuffle(names)
    services = {}
    for place, name in enumerate(names):
        chosen = random.sample(names[:place], min(place, random.randint(0, edges)))
        half = random.randint(0, len(chosen))
        services[name] = Service(name, ("x",), requires=tuple(chosen[:half]), after=tuple(chosen[half:]))
    keys = list(services)
    random.shuffle(keys)
    return {key: services[key] for key in keys}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1 << 30), edges=st.integers(0, 6))
def test_order_of_a_thousand(seed, edges):
    """Every service of 1,000 comes once, after all that it requires and follows."""
    services = random_services(seed, 1000, edges)
    order = Graph(services).order
    assert sorted(order) == sorted(services)
    place = {name: number for number, name in enumerate(order)}
    for name, each in services.items():
        assert all(place[other] < place[name] for other in (*each.requires, *each.after))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1 << 30), start=st.integers(0, 999))
def test_closures_of_a_thousand(seed, start):
    """Both closures agree with each other and with one step of them, and are in order of start."""
    services = random_services(seed, 1000, 3)
    found = Graph(services)
    name = f"s{start}"
    needed = found.needed_by([name])
    expected = {name}
    for other in reversed(found.order):
        if other in expected:
            expected.update(found.requires[other])
    assert set(needed) == expected
    assert needed == found.sorted(needed)
    for other in needed[:20]:
        assert name in found.needing([other])


def test_a_chain_of_ten_thousand_does_not_recurse():
    """Depth costs no stack."""
    services = {
        f"s{n}": Service(f"s{n}", ("x",), requires=(f"s{n - 1}",) if n else ()) for n in range(10_000)
    }
    found = Graph(services)
    assert len(found.needed_by(["s9999"])) == 10_000
    assert found.needing(["s0"])[-1] == "s9999"


def test_independent_services_keep_the_order_of_the_file():
    """Nothing is reordered without need."""
    assert graph(c="", a="", b="").order == ("c", "a", "b")


def test_unknown_and_double_names_are_left_out():
    """What is required anyway is not also followed; names of no service are not there."""
    services = {
        "web": Service("web", ("x",), requires=("cache", "cache", "ghost"), after=("cache", "log")),
        "cache": Service("cache", ("x",)),
        "log": Service("log", ("x",)),
    }
    found = Graph(services)
    assert found.requires["web"] == ("cache",)
    assert found.after["web"] == ("log",)
    assert found.before("web") == ("cache", "log")
    assert found.behind("log") == ("web",)
    assert found.dependents["cache"] == ("web",)


def test_members_of_a_circle_have_no_place():
    """They are left out of the order, as is what waits for them; the rest is there."""
    found = graph(a="b", b="a", c="a", d="")
    assert found.order == ("d",)


def test_what_is_wanted_comes_first_and_is_pulled():
    """`wants` orders as `after` does, and is part of what a start brings along; not of what is needed."""
    services = {
        "web": Service("web", ("x",), requires=("cache",), wants=("mailer", "cache")),
        "mailer": Service("mailer", ("x",), requires=("smtp",)),
        "smtp": Service("smtp", ("x",)),
        "cache": Service("cache", ("x",)),
    }
    found = Graph(services)
    assert found.wants["web"] == found.after["web"] == ("mailer",)
    assert found.order.index("mailer") < found.order.index("web")
    assert set(found.needed_by(["web"])) == {"web", "cache"}
    assert set(found.pulled_by(["web"])) == {"web", "cache", "mailer", "smtp"}


def test_conflicts_go_both_ways():
    """Whoever says so; names of no service, and oneself, are left out."""
    services = {
        "a": Service("a", ("x",), conflicts=("b", "ghost", "a")),
        "b": Service("b", ("x",)),
        "c": Service("c", ("x",), conflicts=("b",)),
    }
    assert Graph(services).conflicts == {"a": ("b",), "b": ("a", "c"), "c": ("b",)}
