"""A small queue: jobs come by PUT, go by GET, and are over with DONE; what is not over when a consumer goes, comes back.

One line a message, on a unix socket: `PUT text` -> `OK`, `GET` -> `JOB number text` or `NONE`, `DONE number` -> `OK`,
`COUNT` -> `COUNT waiting taken done`. What was put is written to a file first, so that a queue that dies loses nothing.
"""

import os
import selectors
import signal
import socket
from pathlib import Path

SOCKET = Path(os.environ.get("QUEUE_SOCKET", "data/queue.sock"))
FILE = Path(os.environ.get("QUEUE_FILE", "data/queue.log"))


class Queue:
    def __init__(self) -> None:
        self.waiting: dict[int, str] = {}
        self.taken: dict[int, tuple[str, socket.socket]] = {}
        self.done = self.last = 0
        for line in FILE.read_text().splitlines() if FILE.exists() else ():
            verb, number, *text = line.split(" ", 2)
            if verb == "put":
                self.waiting[int(number)] = text[0]
                self.last = max(self.last, int(number))
            elif self.waiting.pop(int(number), None) is not None:
                self.done += 1
        self.file = FILE.open("a", buffering=1)

    def answer(self, line: str, peer: socket.socket) -> str:
        match line.split(" ", 1):
            case ["PUT", text]:
                self.last += 1
                self.file.write(f"put {self.last} {text}\n")
                self.waiting[self.last] = text
                return "OK"
            case ["GET"] if self.waiting:
                number = min(self.waiting)
                text = self.waiting.pop(number)
                self.taken[number] = (text, peer)
                return f"JOB {number} {text}"
            case ["GET"]:
                return "NONE"
            case ["DONE", number] if int(number) in self.taken:
                del self.taken[int(number)]
                self.file.write(f"done {number}\n")
                self.done += 1
                return "OK"
            case ["COUNT"]:
                return f"COUNT {len(self.waiting)} {len(self.taken)} {self.done}"
            case _:
                return "WHAT"

    def gone(self, peer: socket.socket) -> None:
        """Whoever had these is no more: others shall do them."""
        for number, (text, owner) in list(self.taken.items()):
            if owner is peer:
                del self.taken[number]
                self.waiting[number] = text


def tell_ready() -> None:
    """sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
            ours.sendto(b"READY=1", "\0" + address[1:] if address.startswith("@") else address)


def stop(*_: object) -> None:
    raise SystemExit(0)


def main() -> None:
    SOCKET.parent.mkdir(exist_ok=True)
    SOCKET.unlink(missing_ok=True)
    queue = Queue()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(SOCKET))
    listener.listen(64)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ, None)
    signal.signal(signal.SIGTERM, stop)
    tell_ready()
    print(f"the queue has {len(queue.waiting)} jobs")
    while True:
        for key, _ in selector.select():
            if key.data is None:
                peer, _address = listener.accept()
                selector.register(peer, selectors.EVENT_READ, peer.makefile("r"))
                continue
            connection: socket.socket = key.fileobj  # type: ignore[assignment]
            line = key.data.readline()
            if line:
                connection.sendall(f"{queue.answer(line.rstrip(), connection)}\n".encode())
            else:
                queue.gone(connection)
                selector.unregister(connection)
                connection.close()


if __name__ == "__main__":
    main()
