"""Listening sockets as resources: an address that stays keeps its socket with its queue, whatever else changes.

A `[socket.NAME]` has one socket for each of its addresses, by key `NAME=ADDRESS`. New ones are reserved when a change is
verified: bound alone, so that what was verified is what is applied. They listen once it is applied, and those that have
no place any more are closed only when all else is done.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from contextlib import suppress
from typing import Final

from snowfox.contract.spawner import ListenSpec
from snowfox.core.config.plan import Step
from snowfox.core.config.resource import Resource, ResourceKey
from snowfox.core.config.transaction import Held, Realizer
from snowfox.core.named import NamedTuple
from snowfox.core.unbroken import unbroken
from snowfox.errors import ConfigurationRefused, Degraded, InternalError, SnowFoxError
from snowfox.manager.blueprint import specs_of
from snowfox.manager.connector.connector import Connector
from snowfox.service.resources import SOCKET
from snowfox.service.spec import Socket

_HELD: Final = re.compile(r"held by socket (\S+) of this node \((.+)\)")
_RULE: Final = "what goes ends only after all else is ready"


class Open(NamedTuple):
    """The sockets of a `[socket.NAME]`: what they were asked to be, and the addresses that they have, by key."""

    specs: tuple[ListenSpec, ...]
    addresses: dict[str, str]


class Sockets(Realizer):
    """Realises sockets.

    Args:
        connector: asks the spawner.
    """

    kind = SOCKET
    outlasts = False  # an address that has no place any more is free for the next change

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def prepare(self, step: Step, resource: Resource, before: object | None) -> Held:  # noqa: ARG002 - as all do
        """Reserve what is new. Raises ConfigurationRefused with a line for each address that cannot be had."""
        if not isinstance(resource.spec, Socket):
            msg = f"{resource.key} is no socket"
            raise InternalError(msg)
        old = before if isinstance(before, Open) else Open((), {})
        new = specs_of(resource.spec)
        held = _Held(self._connector, old, new)
        problems: list[str] = []
        try:
            for spec in new:
                if spec.key in old.addresses:
                    held.addresses[spec.key] = old.addresses[spec.key]
                    continue
                held.reserved.append(spec)  # before it is known: it may be made though no answer comes
                try:
                    found = await self._connector.reserve(spec)
                except SnowFoxError as error:
                    held.reserved.remove(spec)
                    problems.append(problem(error, resource.key.name))
                else:
                    held.addresses[spec.key] = found.address
        except BaseException:
            await held.release()
            raise
        if problems:
            await held.release()
            msg = f"cannot open socket {resource.key.name}"
            raise ConfigurationRefused(msg, "", problems)
        return held

    async def retire(self, key: ResourceKey, thing: object, successor: object | None) -> None:  # noqa: ARG002 - as all do
        """Close what no address needs any more."""
        if isinstance(thing, Open):
            kept = successor.addresses if isinstance(successor, Open) else {}
            for spec in thing.specs:
                if spec.key not in kept:
                    await self._connector.close_socket(spec.key)


class _Held(Held):
    def __init__(self, connector: Connector, old: Open, new: tuple[ListenSpec, ...]) -> None:
        self._connector = connector
        self._old = old
        self._new = new
        self.reserved: list[ListenSpec] = []
        self.addresses: dict[str, str] = {}

    @property
    def expected(self) -> Open:
        """With the addresses that are bound."""
        return Open(self._new, self.addresses)

    async def release(self) -> None:
        """Give back what is reserved, also when cancelled meanwhile."""
        await unbroken(self._give_back())

    async def _give_back(self) -> None:
        for spec in self.reserved:
            with suppress(SnowFoxError):  # a reservation ends with its spawner, and with this manager
                await self._connector.close_socket(spec.key)
        self.reserved.clear()

    async def apply(self) -> object:
        """Listen; one that is open gets its new backlog, and its file its new mode and owner."""
        addresses = dict(self.addresses)
        try:
            for spec in self._new:
                if spec not in self._old.specs:
                    addresses[spec.key] = (await self._connector.open_socket(spec)).address
        except SnowFoxError as error:
            left = await self._as_before()
            if left:
                msg = f"{error}; {'; '.join(left)}"
                raise Degraded(msg) from error
            raise
        except BaseException:
            await self._as_before()
            raise
        return Open(self._new, addresses)

    async def undo(self) -> None:
        """Close what is new, and give the others what they had. Raises Degraded with all that cannot be."""
        left = await self._as_before()
        if left:
            raise Degraded("; ".join(left))

    async def _as_before(self) -> list[str]:
        """What could not be brought back; all else is."""
        left: list[str] = []

        async def each(work: Awaitable[object]) -> None:
            try:
                await work
            except SnowFoxError as error:
                left.append(str(error))

        for spec in self._new:
            if spec.key not in self._old.addresses:
                await each(self._connector.close_socket(spec.key))
        for spec in self._old.specs:
            if spec not in self._new:
                await each(self._connector.open_socket(spec))
        return left


def problem(error: SnowFoxError, socket: str) -> str:
    """Why an address cannot be had, with the socket's name and the advice."""
    text, whose = str(error), f" for socket {socket}"
    named = text if whose in text else f"{text}{whose}"
    return "\n   ".join((named, *error.hint.splitlines(), *_advice(error, socket)))


def _advice(error: SnowFoxError, socket: str) -> list[str]:
    """What to do where a socket of this version has the address, or one that overlaps with it."""
    held = _HELD.search(error.hint)
    if held is None:
        return []
    other, address = held.groups()
    if other == socket:
        return [f"{_RULE}: apply without {address} first"]
    return [f"{_RULE}: apply without socket {other} first, or keep its name"]
