"""Clients that come all the time, and a server for them. For tests."""

from __future__ import annotations

import socket
import threading
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


class Clients:
    """Threads that connect, ask and look at the answer, one connection after another, while the block lasts.

    Args:
        port: of a server that answers as `SERVER` does.
        count: of threads.

    Attributes:
        answers: how many each has got.
        problems: what went wrong.
    """

    def __init__(self, port: int, count: int = 3) -> None:
        self._port = port
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(count)]
        self.answers = [0] * count
        self.problems: list[str] = []

    def _ask(self, number: int) -> None:
        while not self._ending.is_set():
            asked = f"{number} {self.answers[number]}".encode()
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=10) as connection:
                    connection.sendall(asked)
                    answer = connection.recv(100)
            except OSError as error:
                self.problems.append(repr(error))
            else:
                if answer != b"hello " + asked:
                    self.problems.append(f"{answer!r} to {asked!r}")
            self.answers[number] += 1

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
