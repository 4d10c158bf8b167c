"""Processes as the bench sees them: descendants, memory, processor time, and what the services say."""

from __future__ import annotations

import contextlib
import ctypes
import os
import time

TICK = os.sysconf("SC_CLK_TCK")


def now():
    return time.monotonic_ns()


def ms(ns):
    return round(ns / 1e6, 3)


class Failed(Exception):
    pass


def become_subreaper():
    """Orphans of a peer come to this process, so that it can find and end them all."""
    if ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


reaped = {}


def reap():
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        reaped[pid] = status


def stat_of(pid):
    with open(f"/proc/{pid}/stat", "rb") as f:
        raw = f.read()
    name, rest = raw[raw.index(b"(") + 1 : raw.rindex(b")")], raw[raw.rindex(b")") + 2 :].split()
    return name.decode(), rest


def descendants():
    """{pid: comm} of every live process below this one."""
    parents, names = {}, {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, ValueError):
                name, rest = stat_of(entry)
                if rest[0] not in (b"Z", b"X"):
                    parents.setdefault(int(rest[1]), []).append(int(entry))
                    names[int(entry)] = name
    found, todo = {}, [os.getpid()]
    while todo:
        for pid in parents.get(todo.pop(), ()):
            found[pid] = names[pid]
            todo.append(pid)
    return found


def cpu_with_children(pids):
    """CPU seconds of pids, to the nanosecond, and of the children they have waited for, in ticks."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += sum(map(int, stat_of(pid)[1][13:15])) / TICK
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/schedstat", "rb") as f:
                    total += int(f.read().split()[0]) / 1e9
    return total


def mem_of(pids):
    rss = pss = 0
    for pid in pids:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as f:
            for line in f:
                if line.startswith("Rss:"):
                    rss += int(line.split()[1])
                elif line.startswith("Pss:"):
                    pss += int(line.split()[1])
    return rss, pss


class Events:
    """What the services have said: lines of "NS PID ID VERSION"."""

    def __init__(self, path):
        self.path, self.offset, self.rest = path, 0, b""
        self.path.write_bytes(b"")
        self.path.chmod(0o666)  # root's node runs services as other users
        self.all, self.pid_of, self.loop_ns = [], {}, None

    def poll(self):
        reap()
        if os.stat(self.path).st_size == self.offset:
            return []
        with open(self.path, "rb") as f:
            f.seek(self.offset)
            data = f.read()
        self.offset += len(data)
        *lines, self.rest = (self.rest + data).split(b"\n")
        new = []
        for line in lines:
            ns, pid, ident, version = line.split()
            event = int(ns), int(pid), int(ident), version.decode()
            if event[2] < 0:
                self.loop_ns = event[0]
                continue
            self.pid_of[event[2]] = event[1]
            new.append(event)
        self.all += new
        return new

    def wait(self, test, timeout, step=0.002):
        """The first event for which test(event) holds, from now on; None when timed out."""
        end = time.monotonic() + timeout
        while True:
            for event in self.poll():
                if test(event):
                    return event
            if time.monotonic() > end:
                return None
            time.sleep(step)
