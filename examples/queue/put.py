"""Puts jobs into the queue, a line of the arguments each, and tells how it stands: python3 put.py tea coffee."""

import os
import socket
import sys

SOCKET = os.environ.get("QUEUE_SOCKET", "data/queue.sock")


def main() -> None:
    with socket.socket(socket.AF_UNIX) as queue:
        queue.connect(SOCKET)
        answers = queue.makefile("r")
        for job in (*(f"PUT {text}" for text in sys.argv[1:]), "COUNT"):
            queue.sendall(f"{job}\n".encode())
            answer = answers.readline().rstrip()
        print(answer)


if __name__ == "__main__":
    main()
