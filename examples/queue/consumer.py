"""Takes jobs from the queue, one at a time, and writes what it did. On TERM it finishes the one that it has."""

import os
import signal
import socket
import sys
import threading
from pathlib import Path

SOCKET = os.environ.get("QUEUE_SOCKET", "data/queue.sock")
RESULTS = Path(SOCKET).parent / "results"
EVERY, WORK = 0.1, 0.05
WRONG_CONFIGURATION = 78

stopping = threading.Event()


def main() -> None:
    if len(sys.argv) < 2:
        print("who am I? python3 consumer.py NUMBER", file=sys.stderr)
        raise SystemExit(WRONG_CONFIGURATION)
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    RESULTS.mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as queue:
        queue.connect(SOCKET)
        answers = queue.makefile("r")

        def ask(line: str) -> list[str]:
            queue.sendall(f"{line}\n".encode())
            answer = answers.readline()
            if not answer:
                raise SystemExit("the queue is gone")  # tried again, with a delay
            return answer.rstrip().split(" ", 2)

        print(f"consumer {sys.argv[1]} waits for jobs")
        while not stopping.is_set():
            match ask("GET"):
                case ["JOB", number, text]:
                    stopping.wait(WORK)
                    (RESULTS / number).write_text(f"{text.upper()} by {sys.argv[1]}\n")
                    ask(f"DONE {number}")
                case _:
                    stopping.wait(EVERY)


if __name__ == "__main__":
    main()
