"""The shop's front: takes orders over HTTP on the socket that Snow Fox passes to it.

GET /            how many orders there are
GET /orders      the last twenty, as JSON
POST /orders     orders what the body says: curl -d tea http://127.0.0.1:8080/orders
"""

import json
import os
import signal
import socket
import sqlite3
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FILE = Path(os.environ.get("SHOP_DATA", "data")) / "shop.db"
INSTANCE = os.environ.get("SHOP_INSTANCE", "1")
LONGEST = 1000


class Handler(BaseHTTPRequestHandler):
    timeout = 10

    def do_GET(self) -> None:
        with closing(sqlite3.connect(FILE, timeout=10)) as store:
            if self.path == "/":
                count, packed = store.execute(
                    "SELECT count(*), total(state = 'packed') FROM orders"
                ).fetchone()
                self.answer(200, f"orders: {count}, packed: {packed:.0f} (said web {INSTANCE})\n")
            elif self.path == "/orders":
                rows = store.execute(
                    "SELECT id, item, state FROM orders ORDER BY id DESC LIMIT 20"
                ).fetchall()
                orders = [dict(zip(("id", "item", "state"), row, strict=True)) for row in rows]
                self.answer(200, json.dumps(orders) + "\n", "application/json")
            else:
                self.answer(404, "there is nothing here\n")

    def do_POST(self) -> None:
        if self.path != "/orders":
            self.answer(404, "there is nothing here\n")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or not 0 < int(length) <= LONGEST:
            self.answer(400, f"an order has 1 to {LONGEST} bytes\n")
            return
        item = self.rfile.read(int(length)).decode("utf-8", "replace")
        with closing(sqlite3.connect(FILE, timeout=10)) as store, store:
            order = store.execute("INSERT INTO orders (item, state) VALUES (?, 'new')", (item,)).lastrowid
        print(f"order {order}: {item!r}", flush=True)
        self.answer(201, json.dumps({"id": order}) + "\n", "application/json")

    def answer(self, status: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
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
        raise SystemExit("no socket was passed: start the shop with snowfox up")
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
    print(f"web {INSTANCE} serves {server.server_address[0]}:{server.server_address[1]}", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()


if __name__ == "__main__":
    main()
