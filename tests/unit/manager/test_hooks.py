"""Hooks, run beside services."""

from __future__ import annotations

import asyncio
from errno import ENOENT
from typing import Any

from snowfox.core.clock import SystemClock
from snowfox.core.ids import Ids, KernelRandom
from snowfox.errors import LaunchFailed, UserError
from snowfox.manager.hooks import Hooks
from snowfox.service.beside import Beside
from snowfox.service.effects import RunHook
from snowfox.service.event import HookEnded
from snowfox.service.spec import Log
from snowfox.values import Exit

EFFECT = RunHook("web", "web~1", "before-start", ("/bin/do", "it"), 0.05, (("A", "b"),))


class Plans:
    """Knows one instance."""

    def __init__(self, *instances: str) -> None:
        self.instances = instances
        self.made: list[tuple[Any, ...]] = []

    def knows(self, instance: str) -> bool:
        """Whether it is there."""
        return instance in self.instances

    def hook(self, *what: Any) -> Any:
        """Remember what was wanted."""
        self.made.append(what)
        return "launch"

    def log(self, _: str) -> Log:
        """Of any."""
        return Log()


class Played:
    """A helper that ends as it is told, or not at all."""

    def __init__(self, how: Exit | Exception | None) -> None:
        self.how = how
        self.heard: list[HookEnded] = []
        self.cancelled = 0
        self.was_told = asyncio.Event()
        self.hooks = Hooks(
            self.run,
            ids=Ids(SystemClock(), KernelRandom()),
            tell=self.hear,
            attach=lambda *_: None,
        )

    def hear(self, ended: HookEnded) -> None:
        """Keep it."""
        self.heard.append(ended)
        self.was_told.set()

    async def run(self, _launch: Any, _capture: Any) -> Exit:
        """As it is told."""
        if isinstance(self.how, Exception):
            raise self.how
        if self.how is None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        assert isinstance(self.how, Exit)
        return self.how


async def text_of(how: Exit | Exception | None) -> str:
    """What is told of a helper that ends so."""
    played, plans = Played(how), Plans("web")
    some: Any = plans
    played.hooks.run(EFFECT, (some,))
    async with asyncio.timeout(5):
        await played.was_told.wait()
    assert plans.made[0][:2] == ("web", Beside("before-start", ("/bin/do", "it")))
    assert plans.made[0][3] == {"A": "b"}
    (heard,) = played.heard
    assert (heard.token, heard.name) == ("web~1", "before-start")
    return heard.text


async def test_how_it_ended():
    """Well, badly, not at all, not in time."""
    assert await text_of(Exit(0)) == ""
    assert await text_of(Exit(3)) == "do: exit 3"
    assert await text_of(LaunchFailed("before-start of web", "execute", "do", ENOENT)) == (
        "execute do: no such file or directory (ENOENT)"
    )
    assert await text_of(None) == "do was not done after 0.05 s"


async def test_one_that_is_given_up_says_nothing():
    """It is killed, be it for another of the same launch."""
    played, plans = Played(None), Plans("web")
    some: Any = plans
    effect = EFFECT.replace(timeout=60.0)
    played.hooks.run(effect, (some,))
    await asyncio.sleep(0)
    played.hooks.run(effect, (some,))
    await asyncio.sleep(0)
    played.hooks.stop("web~1")
    played.hooks.stop("web~1")
    await asyncio.sleep(0.01)
    assert (played.cancelled, played.heard) == (2, [])


async def test_what_is_no_longer_in_the_configuration_is_as_it_was_before():
    """The plans of before are asked; where nobody knows it, that is why it failed."""
    played, new, old = Played(Exit(0)), Plans(), Plans("web")
    some: Any = (new, old)
    played.hooks.run(EFFECT, some)
    await asyncio.sleep(0.01)
    assert (len(new.made), len(old.made)) == (0, 1)
    played.hooks.run(EFFECT, some[:1])
    await asyncio.sleep(0.01)
    assert played.heard[-1].text == str(UserError("web is no longer in the configuration"))
