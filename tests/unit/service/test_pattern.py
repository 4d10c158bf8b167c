"""Which instances a person means."""

import pytest

from snowfox.errors import NotFound
from snowfox.service.pattern import select

SERVICES = {"cache": ("cache",), "shop.web": ("shop.web@1", "shop.web@2"), "shop.worker": ("shop.worker",)}


@pytest.mark.parametrize(
    ("pattern", "ids"),
    [
        ("*", ["cache", "shop.web@1", "shop.web@2", "shop.worker"]),
        ("shop.*", ["shop.web@1", "shop.web@2", "shop.worker"]),
        ("shop.web", ["shop.web@1", "shop.web@2"]),
        ("shop.web@2", ["shop.web@2"]),
        ("*@1", ["cache", "shop.web@1", "shop.worker"]),
        ("cache@1", ["cache"]),
        ("c?che", ["cache"]),
        ("[cs]*", ["cache", "shop.web@1", "shop.web@2", "shop.worker"]),
    ],
)
def test_matches(pattern, ids):
    """Names, ids and globs of both, in the order of the configuration."""
    assert select(pattern, SERVICES) == ids


@pytest.mark.parametrize(
    ("pattern", "advice"),
    [
        ("shop.wep", 'did you mean "shop.web" or "shop.web@2" or "shop.web@1"?'),
        ("SHOP.WEB", 'did you mean "shop.web" or "shop.web@2" or "shop.web@1"?'),
        ("zzz", "services here: cache, shop.web, shop.worker"),
        ("", "services here: cache, shop.web, shop.worker"),
        ("shop.web@3", 'did you mean "shop.web@2" or "shop.web@1" or "shop.web"?'),
    ],
)
def test_no_match(pattern, advice):
    """Nothing meant is an error that lists the nearest."""
    with pytest.raises(NotFound) as caught:
        select(pattern, SERVICES)
    assert str(caught.value) == f'there is no service or instance "{pattern}"'
    assert caught.value.hint == advice


def test_all_of_nothing():
    """All of an empty node is nothing; a name in it is still an error."""
    assert select("*", {}) == []
    with pytest.raises(NotFound):
        select("web", {})


LABELS = {"cache": ("inner",), "shop.web": ("public", "shop"), "shop.worker": ("shop",)}


@pytest.mark.parametrize(
    ("pattern", "ids"),
    [
        ("@public", ["shop.web@1", "shop.web@2"]),
        ("@shop", ["shop.web@1", "shop.web@2", "shop.worker"]),
        ("@*", ["cache", "shop.web@1", "shop.web@2", "shop.worker"]),
    ],
)
def test_labels(pattern, ids):
    """A label means all instances of the services that have it."""
    assert select(pattern, SERVICES, LABELS) == ids


@pytest.mark.parametrize(
    ("label", "labels", "advice"),
    [
        ("publik", LABELS, 'did you mean "@public"?'),
        ("zzz", LABELS, "labels here: inner, public, shop"),
        ("public", None, "no service has a label"),
    ],
)
def test_no_label(label, labels, advice):
    """A label that nobody has is an error with the nearest."""
    with pytest.raises(NotFound) as caught:
        select(f"@{label}", SERVICES, labels)
    assert str(caught.value) == f'no service has the label "{label}"'
    assert caught.value.hint == advice
