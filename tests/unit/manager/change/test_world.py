"""What modules bring to realise their resources."""

from typing import Any

import pytest

from snowfox.core.config.transaction import Realizer
from snowfox.core.context import Key
from snowfox.errors import ModuleFailed
from snowfox.manager.change.sockets import Sockets
from snowfox.manager.change.world import World


def realizer(kind: str, key: Key[Any] | None = None) -> Realizer:
    """Of this kind; nothing of it is called."""
    unused = {"prepare": None, "retire": None}
    made: Any = type("Made", (Realizer,), {"kind": kind, "key": key, **unused})
    one: Realizer = made()
    return one


def test_each_kind_has_one() -> None:
    """A second one, and one for what is ours, is a mistake of whoever put the program together."""
    connector: Any = None
    world = World(Sockets(connector))
    key = Key[object]("pool")
    keys: dict[str, Key[Any]] = {}
    world.realize([realizer("pool", key), realizer("sink")], keys)
    assert (set(world.realizers), keys) == ({"socket", "pool", "sink"}, {"pool": key})
    for kind in ("pool", "socket", "service"):
        with pytest.raises(ModuleFailed, match=f"another module realises {kind}"):
            world.realize([realizer(kind)], keys)
