"""What there is: the objects of resources that are no services, and how each kind of them is realised."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from snowfox.core.config.plan import Action, Resources, Step, in_order
from snowfox.core.config.resource import ResourceKey
from snowfox.core.config.transaction import Realizer, Transaction
from snowfox.core.context import Key
from snowfox.errors import ConfigurationRefused, ModuleFailed, SnowFoxError
from snowfox.manager.change.sockets import Sockets
from snowfox.service.resources import SERVICE, SOCKET


class World:
    """All resources but services.

    Args:
        sockets: realises these; modules bring what realises theirs.

    Attributes:
        things: the objects that there are.
        realizers: by kind.
    """

    def __init__(self, sockets: Sockets) -> None:
        self.things: dict[ResourceKey, object] = {}
        self.realizers: dict[str, Realizer] = {SOCKET: sockets}

    def realize(self, more: Iterable[Realizer], keys: dict[str, Key[Any]]) -> None:
        """Take what modules bring. Raises ModuleFailed for two of one kind.

        Args:
            more: realizers.
            keys: gets their keys of the dynamic context, by kind.
        """
        for one in more:
            other = self.realizers.setdefault(one.kind, one)
            if other is not one or one.kind == SERVICE:
                msg = f"cannot use {type(one).__module__}: another module realises {one.kind}"
                raise ModuleFailed(msg)
            if one.key is not None:
                keys[one.kind] = one.key

    async def make_again(self, found: Resources) -> list[str]:
        """Make what ended with the manager before, as far as it can be made; why others cannot.

        Those are made by the next change.
        """
        keys = [key for key in in_order(found) if key.kind not in {SERVICE, SOCKET}]
        each = [
            Transaction([Step(Action.CREATE, key)], found, self.realizers, before={}, journal=_unkept)
            for key in keys
        ]
        problems: list[str] = []

        async def prepare(one: Transaction) -> None:
            try:
                await one.prepare()
            except ConfigurationRefused as error:
                problems.extend(error.problems)

        await asyncio.gather(*map(prepare, each))
        for one in each:
            try:
                await one.apply()
            except SnowFoxError as error:
                problems.append(lines(error))
            self.things |= one.things
        return problems


def lines(error: SnowFoxError) -> str:
    """As people see it, its advice below."""
    return "\n   ".join((str(error), *error.hint.splitlines()))


async def _unkept(*_: object) -> None:
    """A manager's begin is no change."""
