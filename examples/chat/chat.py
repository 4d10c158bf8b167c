"""A chat of three processes: a room, and ada and bob, who talk in it. `python chat.py` starts all three."""

# Declarations have no bodies.
# mypy: disable-error-code="empty-body"
# pyright: reportReturnType=false

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import NamedTuple

from snowfox.core.posix.active import activate
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.rpc import blocking
from snowfox.core.rpc.client import connect
from snowfox.core.rpc.interface import Descriptor, Interface, Right, call, stream
from snowfox.core.rpc.server import handles, serve
from snowfox.core.rpc.serving import Caller
from snowfox.errors import Cancelled, UserError


class Line(NamedTuple):
    who: str
    text: str


class NameTaken(UserError):
    """Somebody of this name listens already."""


class Room(Interface):
    @stream(right=Right.READ)
    def listen(self, name: str) -> Line:
        """What is said from now on."""

    @call(right=Right.READ, deadline="1m")
    def meet(self, name: str, other: str) -> None:
        """Answered once the other one listens."""

    @call(right=Right.OPERATE)
    def say(self, line: Line) -> int:
        """Answers how many hear it."""

    @call(right=Right.OPERATE)
    def show(self, name: str, paper: Descriptor) -> int:
        """Reads a file aloud; answers how many hear it."""


class RoomHandlers:
    def __init__(self) -> None:
        self.listeners: dict[str, asyncio.Queue[Line]] = {}
        self.came = asyncio.Condition()

    @handles(Room.listen)
    async def listen(self, name: str) -> AsyncIterator[Line]:
        if name in self.listeners:
            raise NameTaken(f"cannot listen as {name}: the name is taken", "take another one")
        lines = self.listeners[name] = asyncio.Queue(100)
        try:
            async with self.came:
                self.came.notify_all()
            while True:
                yield await lines.get()
        finally:  # the reader left, or its connection was lost
            del self.listeners[name]

    @handles(Room.meet)
    async def meet(self, name: str, other: str) -> None:
        if other not in self.listeners:
            self.say(Line("room", f"{name} waits for {other}"))
        try:
            async with self.came:
                await self.came.wait_for(lambda: other in self.listeners)
        except asyncio.CancelledError:
            self.say(Line("room", f"{name} no longer waits for {other}"))
            raise

    @handles(Room.say)
    def say(self, line: Line) -> int:
        for lines in self.listeners.values():
            lines.put_nowait(line)
        return len(self.listeners)

    @handles(Room.show)
    def show(self, name: str, paper: Descriptor) -> int:
        with os.fdopen(paper.take()) as file:
            return self.say(Line(name, f"(reads) {file.read().strip()}"))


def rights(caller: Caller) -> frozenset[str]:
    """Our own user may do all, others nothing: they are not let in."""
    return Right.ALL if caller.peer is not None and caller.peer.uid == os.getuid() else frozenset()


async def room(address: str) -> None:
    """The first process: serves the room, and ends with its guests."""
    posix = LinuxPosix()
    activate(posix)
    listener = posix.sockets.bind(address)
    posix.sockets.listen(listener, 10)
    async with serve(listener, Room, RoomHandlers(), grants=rights):
        guests = [
            await asyncio.create_subprocess_exec(sys.executable, __file__, name, address)
            for name in ("ada", "bob")
        ]
        codes = [await guest.wait() for guest in guests]
    posix.files.close(listener)
    print(f"the room is closed, its guests left with {codes}")


def ada(address: str) -> None:
    """The second: listens and prints, without asyncio."""
    with blocking.connect(address) as session:
        for line in session.stream(Room.listen, "ada"):
            print(f"{line.who}: {line.text}", flush=True)
            if line.text == "bye":
                break
        session.call(Room.say, Line("ada", "bye, bob"))


async def bob(address: str) -> None:
    """The third: waits, talks, hands over a file."""
    activate(LinuxPosix())
    async with connect(address, Room) as room:
        await room.meet("bob", "ada")
        async with room.listen("bob") as lines:
            await room.meet("bob", "bob")  # until the room has us: a stream begins in a task of its own
            await room.say(Line("bob", "hello, ada"))
            eve = room.meet("bob", "eve")  # sent now; a promise
            async for line in lines:
                if line.text == "bob waits for eve":
                    eve.cancel()
                elif line.text == "bob no longer waits for eve":
                    break  # so the handler in the room was cancelled, too
            try:
                await eve
            except Cancelled:
                await room.say(Line("bob", "eve does not come"))
            with TemporaryFile() as paper:
                paper.write(b"milk, bread, a fox\n")
                paper.seek(0)
                await room.show("bob", Descriptor(os.dup(paper.fileno())))
            await room.say(Line("bob", "bye"))
            async for line in lines:
                if line.who == "ada":
                    break


def main() -> None:
    match sys.argv[1:]:
        case ["ada", address]:
            ada(address)
        case ["bob", address]:
            asyncio.run(bob(address))
        case _:
            with TemporaryDirectory() as folder:
                asyncio.run(room(f"unix:{Path(folder, 'room.sock')}"))


if __name__ == "__main__":
    main()
