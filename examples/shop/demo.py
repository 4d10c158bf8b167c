"""Runs the shop under Snow Fox while requests go on, breaks it in every way, and prints what was measured.

    python demo.py            the whole demonstration; stops everything at its end
    python demo.py --leave    starts the shop and leaves it running, to play with

An ordinary user's shop is a copy in `.demo/shop` of the checkout. Root's is in /var/lib/snowfox/demo and belongs to
the user `nobody`, because a service does not run as root and cannot enter root's home.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
SNOWFOX = Path(sys.executable).parent / "snowfox"
PORT = 8080
FILES = ("snowfox.toml", "web.py", "worker.py", "migrate.py")


class DemoFailed(Exception):
    """Something did not hold."""


def shop_folder() -> Path:
    """A folder with a copy of the shop that its services can reach and write."""
    is_root = os.getuid() == 0
    folder = Path("/var/lib/snowfox/demo") if is_root else CHECKOUT / ".demo" / "shop"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    for name in FILES:
        shutil.copy(HERE / name, folder / name)
    if is_root:
        owner = pwd.getpwnam("nobody")
        for path in (folder, folder / "data", *(folder / name for name in FILES)):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    return folder


def free_port() -> int:
    """PORT, or another one when that is taken."""
    for wanted in (PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise DemoFailed("cannot find a free port on 127.0.0.1")


class Node:
    """The node in a folder, asked by its command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str, quiet: bool = False, good: tuple[int, ...] = (0,)) -> str:
        """Run a command and show it; raises DemoFailed on another exit code."""
        if not quiet:
            print(f"\n$ snowfox {' '.join(words)}", flush=True)
        done = subprocess.run(
            [SNOWFOX, *words], cwd=self.folder, capture_output=True, text=True, timeout=120, check=False
        )
        if not quiet or done.returncode not in good:
            print(done.stdout + done.stderr, end="", flush=True)
        if done.returncode not in good:
            raise DemoFailed(f"snowfox {' '.join(words)} ended with {done.returncode}")
        return done.stdout

    def services(self) -> dict[str, tuple[int, int]]:
        """{instance: (pid, start of its process)} of what runs."""
        status = json.loads(self.run("status", "--json", quiet=True, good=(0, 3)))
        return {one["id"]: (one["pid"], one["started"]) for one in status["instances"] if one["pid"]}

    def process(self, role: str) -> int:
        """The pid of our `manager` or `spawner`: a child of the daemon, whose pid is in the lock."""
        daemon = int((self.folder / ".snowfox" / "lock").read_text())
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == daemon and role.encode() in words:
                return int(entry.name)
        raise DemoFailed(f"cannot find the {role}")

    def answered_after(self, *, other_than: int, role: str) -> float:
        """Seconds until `status` answers again and a new process has the role."""
        start = time.monotonic()
        while time.monotonic() - start < 10:
            done = subprocess.run(
                [SNOWFOX, "status"], cwd=self.folder, capture_output=True, timeout=30, check=False
            )
            if done.returncode in {0, 3}:
                took = time.monotonic() - start
                if self.process(role) == other_than:
                    raise DemoFailed(f"the {role} was not started again")
                return took
            time.sleep(0.02)
        raise DemoFailed(f"status did not answer within 10 s after the kill of the {role}")


class Customer:
    """Sends requests all the time, each over a connection of its own, and counts."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.sent = self.answered = self.refused = self.reset = 0
        self.gap = 0.0
        self.other: list[str] = []
        self._last = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._last = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the request under way."""
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.sent += 1
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/")
                status = connection.getresponse().status
                connection.close()
                if status == 200:
                    self.answered += 1
                    now = time.monotonic()
                    self.gap, self._last = max(self.gap, now - self._last), now
                else:
                    self.other.append(f"status {status}")
            except ConnectionRefusedError:
                self.refused += 1
            except (ConnectionResetError, http.client.RemoteDisconnected):
                self.reset += 1
            except OSError as error:
                self.other.append(str(error))
            self._stop.wait(0.002)


def kept(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]], what: str) -> None:
    """Every service has the process that it had. Raises DemoFailed."""
    if before != after:
        changed = sorted(set(before.items()) ^ set(after.items()))
        raise DemoFailed(f"the kill of the {what} changed processes: {changed}")
    print(f"  all {len(after)} processes as before: same pids, same start times")


def break_things(node: Node) -> dict[str, float]:
    """Kill and restart; seconds until status answered after each kill of ours."""
    answered: dict[str, float] = {}
    node.run("status")
    victim = node.services()["shop.web@1"][0]
    print(f"\n$ kill -9 {victim}          # an instance of the web service")
    os.kill(victim, signal.SIGKILL)
    node.run("wait", "shop.*", "--timeout", "10s")
    if node.services()["shop.web@1"][0] == victim:
        raise DemoFailed("the killed instance was not started again")
    node.run("restart", "shop.web")
    for role in ("manager", "spawner"):
        before, pid = node.services(), node.process(role)
        print(f"\n$ kill -9 {pid}          # the {role}")
        os.kill(pid, signal.SIGKILL)
        answered[role] = node.answered_after(other_than=pid, role=role)
        print(f"  status answered after {answered[role]:.2f} s")
        kept(before, node.services(), role)
    node.run("restart", "shop.worker")
    node.run("status")
    return answered


def main() -> int:
    """0 when everything held."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--leave", action="store_true", help="start the shop and leave it running")
    options = parser.parse_args()
    try:
        return leave() if options.leave else demonstrate()
    except DemoFailed as error:
        print(f"\nthe demonstration failed: {error}", file=sys.stderr)
        return 1


def start(node: Node) -> int:
    """Start the shop on a free port; the port."""
    port = free_port()
    file = node.folder / "snowfox.toml"
    file.write_text(file.read_text().replace(f"127.0.0.1:{PORT}", f"127.0.0.1:{port}"))
    if port != PORT:
        print(f"port {PORT} is taken: the shop listens on {port}")
    if os.getuid() == 0:
        owner = pwd.getpwnam("nobody")
        os.chown(file, owner.pw_uid, owner.pw_gid)
    print(f"the shop is in {node.folder}")
    node.run("up", "-d")
    return port


def leave() -> int:
    """`make up`."""
    folder = shop_folder()
    node = Node(folder)
    if subprocess.run(
        [SNOWFOX, "status"], cwd=folder, capture_output=True, timeout=30, check=False
    ).returncode in {0, 3}:
        node.run("status", good=(0, 3))
        print("\nthe shop runs already")
    else:
        port = start(node)
        print(f"\nthe shop is at http://127.0.0.1:{port}/")
    where = os.path.relpath(folder)
    print(f"play with it:  cd {where if len(where) < len(str(folder)) else folder}")
    for words in ("status", "logs -f", "restart shop.web", "events", "down"):
        print(f"               {os.path.relpath(SNOWFOX, folder) if os.getuid() else SNOWFOX} {words}")
    return 0


def demonstrate() -> int:
    """`make demo`."""
    folder = shop_folder()
    node = Node(folder)
    if subprocess.run(
        [SNOWFOX, "status"], cwd=folder, capture_output=True, timeout=30, check=False
    ).returncode in {0, 3}:
        print("the shop runs already (make up): it is stopped first")
        node.run("down")
    port = start(node)
    customer = Customer(port)
    try:
        customer.start()
        answered = break_things(node)
    finally:
        customer.stop()
        node.run("down")
    rows = [
        ("requests sent, one after the other", f"{customer.sent}"),
        ("  answered", f"{customer.answered}"),
        ("  refused", f"{customer.refused}"),
        ("  cut off with the process that served them", f"{customer.reset}"),
        ("longest gap between two answers", f"{customer.gap * 1000:.0f} ms"),
        ("status answered after the kill of the manager", f"{answered['manager']:.2f} s"),
        ("status answered after the kill of the spawner", f"{answered['spawner']:.2f} s"),
    ]
    print("\nmeasured")
    for name, value in rows:
        print(f"  {name:<48} {value:>10}")
    if customer.refused or customer.other:
        raise DemoFailed(f"{customer.refused} requests were refused; other failures: {customer.other[:3]}")
    if not customer.answered:
        raise DemoFailed("no request was answered")
    if max(answered.values()) > 1.0:
        raise DemoFailed("status did not answer within a second")
    left = [name for name in ("run/manager.sock", "run/launches") if (folder / ".snowfox" / name).exists()]
    left = [name for name in left if name != "run/launches" or any((folder / ".snowfox" / name).iterdir())]
    if left:
        raise DemoFailed(f"left behind after down: {', '.join(left)}")
    print("\neverything held: no request refused, every service kept its process through the kills of ours")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
