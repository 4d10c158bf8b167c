"""What a configuration makes, and what of it stays the very same."""

from snowfox.service.resources import carried, differ, resources
from snowfox.service.spec import Configuration, Restart, Service
from snowfox.service.spelling import written


def of(*services: Service, version: str = "1") -> Configuration:
    """A configuration of these."""
    return Configuration("n", {one.name: one for one in services}, {}, version, "/srv")


def test_carried():
    """What is equal is the same object afterwards, what differs or is new is as it is to be, in its order."""
    before = of(Service("a", ("x",), restart=Restart(limit=2)), Service("b", ("x",)), Service("gone", ("x",)))
    new = (
        Service("c", ("x",)),
        Service("b", ("y",)),
        Service("a", ("x",), restart=Restart(limit=2)),
    )
    after = of(*new, version="2")

    found = carried(before, after)

    assert found == after
    assert list(found.services) == ["c", "b", "a"]
    assert found.services["a"] is before.services["a"]
    assert found.services["b"] is new[1]
    assert found.services["c"] is new[0]
    old, made = resources(before), resources(found)
    told = differ(before, found)
    assert [key.name for key in made if key in old and told(old[key], made[key])] == ["b"]


def reasons(old: Service, new: Service) -> list[tuple[str, str, str]]:
    """Why the one is replaced by the other, as people read it."""
    before, after = of(old), of(new, version="2")
    told = differ(before, after)(*(next(iter(resources(one).values())) for one in (before, after)))
    return [(one.field, written(one.field, one.before), written(one.field, one.after)) for one in told]


def test_why_a_renamed_service_is_replaced():
    """Its own uid goes by its name, as does what is filled in; one that has neither is kept."""
    old, new = Service("web", ("x",)), Service("site", ("x",), was="web")
    assert reasons(old, new) == [("user", "uid of web", "uid of site")]
    assert reasons(old.replace(owner=1000), new.replace(owner=1000)) == []
    named = ("x", "${SERVICE}")
    assert reasons(old.replace(owner=1, command=named), new.replace(owner=1, command=named)) == [
        ("name", '"web"', '"site"')
    ]
