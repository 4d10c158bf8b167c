"""The site: takes jobs over HTTP on the socket that Snow Fox passes, and tells what became of them.

GET /          how many jobs there are, and how many are done
POST /jobs     a job for the workers: curl -d hello http://127.0.0.1:8081/jobs
GET /jobs/1    its result
"""

import os
import signal
import socket
import sqlite3
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FILE = Path(os.environ.get("SITE_DATA", "data")) / "site.db"
LONGEST = 1000


class Handler(BaseHTTPRequestHandler):
    timeout = 10

    def do_GET(self) -> None:
        with closing(sqlite3.connect(FILE, timeout=10)) as store:
            if self.path == "/":
                count, done = store.execute("SELECT count(*), count(result) FROM jobs").fetchone()
                self.answer(200, f"jobs: {count}, done: {done} (said process {os.getpid()})\n")
                return
            row = store.execute(
                "SELECT result FROM jobs WHERE id = ?", (self.path.rpartition("/")[2],)
            ).fetchone()
        if row is None:
            self.answer(404, "there is nothing here\n")
        else:
            self.answer(200 if row[0] else 202, f"{row[0] or 'not done yet'}\n")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != "/jobs" or not length.isdecimal() or not 0 < int(length) <= LONGEST:
            self.answer(400, f"POST /jobs takes 1 to {LONGEST} bytes\n")
            return
        text = self.rfile.read(int(length)).decode("utf-8", "replace")
        with closing(sqlite3.connect(FILE, timeout=10)) as store, store:
            job = store.execute("INSERT INTO jobs (text) VALUES (?)", (text,)).lastrowid
        self.answer(201, f"{job}\n")

    def answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Not a line for each request."""


class Server(ThreadingHTTPServer):
    """On a socket that listens already; when it is closed it waits for the requests under way."""

    daemon_threads = False

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(listener.getsockname(), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener


def passed_socket() -> socket.socket:
    """The first socket passed to us (sd_listen_fds(3))."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or int(os.environ.get("LISTEN_FDS", "0")) < 1:
        raise SystemExit("no socket was passed: start it with snowfox up")
    return socket.socket(fileno=3)


def tell_ready() -> None:
    """sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
            ours.sendto(b"READY=1", "\0" + address[1:] if address.startswith("@") else address)


def main() -> None:
    server = Server(passed_socket())
    # A handler runs in the middle of anything, also of the start of a thread: it starts none.
    is_over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: is_over.set())
    threading.Thread(target=lambda: is_over.wait() and server.shutdown(), daemon=True).start()
    tell_ready()
    server.serve_forever(poll_interval=0.1)
    server.server_close()


if __name__ == "__main__":
    main()
