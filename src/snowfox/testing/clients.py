"""Clients that come all the time, and a server for them. For tests."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

SERVER: Final = """
import os, signal, socket, sys
ending = []
signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
    listener = socket.socket(fileno=3)
    listener.settimeout(0.02)
    notify.sendto(b"READY=1", "\\0" + os.environ["NOTIFY_SOCKET"][1:])
while not ending:
    try:
        client = listener.accept()[0]
    except TimeoutError:
        continue
    with client:
        client.settimeout(5)
        client.sendall(b"hello " + client.recv(100))
"""
"""Answers on the socket that it was passed, whatever it is asked, with `hello` before it. Ends in order."""


class Visitors:
    """Threads that visit a server, one time after another, while the block lasts.

    Args:
        visit: one visit of a thread, by its number; raises OSError or ValueError when it fails.
        count: of threads.

    Attributes:
        served: how many visits went well.
        refused: those that no connection could be made for.
        broken: those that ended in another way.
    """

    def __init__(self, visit: Callable[[int], None], count: int = 3) -> None:
        self._visit = visit
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._come, args=(number,)) for number in range(count)]
        self.served = 0
        self.refused: list[str] = []
        self.broken: list[str] = []

    def _come(self, number: int) -> None:
        while not self._ending.is_set():
            try:
                self._visit(number)
            except ConnectionRefusedError as error:
                self.refused.append(repr(error))
            except (OSError, ValueError) as error:
                self.broken.append(repr(error))
            else:
                self.served += 1

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()


class Clients(Visitors):
    """Threads that connect, ask and look at the answer, one connection after another, while the block lasts.

    Args:
        port: of a server that answers as `SERVER` does.
        count: of threads.

    Attributes:
        answers: how many each has got.
    """

    def __init__(self, port: int, count: int = 3) -> None:
        super().__init__(self._ask, count)
        self._port = port
        self.answers = [0] * count

    @property
    def problems(self) -> list[str]:
        """What went wrong."""
        return [*self.refused, *self.broken]

    def _ask(self, number: int) -> None:
        asked = f"{number} {self.answers[number]}".encode()
        self.answers[number] += 1
        with socket.create_connection(("127.0.0.1", self._port), timeout=10) as connection:
            connection.sendall(asked)
            answer = connection.recv(100)
        if answer != b"hello " + asked:
            msg = f"{answer!r} to {asked!r}"
            raise ValueError(msg)
