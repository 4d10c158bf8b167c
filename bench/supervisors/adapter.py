"""One supervisor, driven: what the bench asks of each, and the floor in C."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time

from processes import Failed, descendants, now, reaped

METRICS = frozenset({"start", "mem", "idle", "status", "restart", "reload", "stop", "capture"})


class Service:
    def __init__(self, ident, argv):
        self.ident, self.name, self.argv = ident, f"s{ident:04d}", [str(a) for a in argv]

    @property
    def line(self):
        return shlex.join(self.argv)


class Adapter:
    """One supervisor. Subclass, set name, fill in the methods, add @adapter."""

    name = ""
    can = METRICS
    #: restart samples are spread over this many seconds, so that a polling peer is met at
    #: any phase of its poll
    phase = 0.05
    #: seconds a service must have run before a restart is not throttled
    settle = 1.3
    start_timeout, stop_timeout, restart_timeout = 120, 60, 15
    restarts = 20
    reloads = 5
    n_max = 10**9
    mode = "tuned"

    def __init__(self, bench, work):
        self.bench, self.work = bench, work
        self.env = {"PATH": bench.path, "HOME": str(work), "LANG": "C.UTF-8", "SHELL": "/bin/sh"}
        self.root, self.services = None, []
        self.captures = False

    # -- what an adapter gives

    def version(self):
        return ""

    def write_config(self, services):
        """Write the configuration for services (a list of Service).

        With `captures` their output goes into files below `logs`, put aside at 10 MB, 200 of them kept.
        """
        raise NotImplementedError

    def start(self):
        """Start the supervisor; return the monotonic ns just before its exec."""
        raise NotImplementedError

    def status(self):
        """Run the CLI which shows all services; return its output."""
        raise NotImplementedError

    def reload_one_changed(self, service):
        """`service` of `services` is another now: write that down and have it run.

        Returns the monotonic ns at which all was written and nobody had been told yet.
        """
        raise NotImplementedError

    def stop(self):
        """Ask for an orderly stop of everything; need not wait."""
        os.kill(self.root, signal.SIGTERM)

    def log_files(self):
        """The files with what services printed."""
        return [p for p in (self.work / "logs").rglob("*") if p.is_file()]

    # -- what it gets

    def which(self, name):
        found = shutil.which(name, path=self.bench.path)
        if not found:
            raise Failed(f"{name} is not on PATH (give --bin DIR)")
        return found

    def service(self, ident, version="1"):
        return Service(ident, [self.bench.sleeper, self.bench.events.path, ident, version])

    def spawn(self, argv, env=None, cwd=None):
        out = os.open(self.work / "supervisor.out", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, out, 1),
            (os.POSIX_SPAWN_DUP2, out, 2),
        ]
        argv = [str(a) for a in argv]
        t0 = now()
        self.root = os.posix_spawn(
            argv[0], argv, {**self.env, **(env or {})}, file_actions=actions, setsid=True
        )
        os.close(out)
        return t0

    def run(self, argv, timeout=120, check=True):
        argv = [str(a) for a in argv]
        p = subprocess.Popen(
            argv, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            out = p.communicate(timeout=timeout)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            p.kill()
            p.communicate()
            raise Failed(f"timed out: {argv[:4]}")
        code = reaped.get(p.pid, p.returncode)
        if check and code:
            raise Failed(f"{argv[:4]}: exit {code}: {out[-300:]}")
        return out

    def main_pids(self):
        """The supervisor's own processes: all that descends from the bench, less services."""
        return [p for p, comm in descendants().items() if comm != "sleeper"]

    def wait_all_running(self, timeout=None):
        """ns of the last of the first reports of all services."""
        want = {s.ident for s in self.services}
        first = {}
        end = time.monotonic() + (timeout or self.start_timeout)
        while len(first) < len(want):
            for ns, _, ident, _ in self.bench.events.poll():
                first.setdefault(ident, ns)
            if time.monotonic() > end:
                raise Failed(f"{len(first)} of {len(want)} running after {timeout or self.start_timeout} s")
            self.check_alive()
            time.sleep(0.002)
        return max(first.values(), default=now())

    def check_alive(self):
        """Raise Failed where the program that was started has failed, so that nobody waits for its services."""
        code = reaped.get(self.root)
        if code:
            said = (self.work / "supervisor.out").read_text(errors="replace")
            raise Failed(f"ended with {os.waitstatus_to_exitcode(code)}: {said[-300:]}")

    def role(self, pid):
        """What a process of ours is called, where the peer's parts are told apart; else ""."""
        return ""

    def after_start(self):
        """Whatever else must end before the supervisor is at rest."""

    def restart_one(self, ident):
        """SIGKILL service ident; ms until its replacement ran main()."""
        events = self.bench.events
        events.poll()
        pid = events.pid_of[ident]
        t0 = now()
        os.kill(pid, signal.SIGKILL)
        event = events.wait(lambda e: e[2] == ident, self.restart_timeout)
        if not event:
            raise Failed(f"service {ident} not restarted in {self.restart_timeout} s")
        return event[0] - t0


ADAPTERS = {}


def adapter(cls):
    ADAPTERS[cls.name] = cls
    return cls


class Limit(Adapter):
    can = METRICS - {"status", "reload"}
    how, mode = "", "floor"

    def write_config(self, services):
        self.services = services

    def command(self):
        return [self.bench.limit]

    def start(self):
        if self.captures:
            logs = self.work / "logs"
            logs.mkdir()
            return self.spawn([*self.command(), "log", *self.services[0].argv, "--", logs / "current"])
        return self.spawn(
            [*self.command(), self.how, len(self.services), self.bench.sleeper, self.bench.events.path]
        )

    def stop(self):
        os.kill(self.root, signal.SIGTERM)


for _how in ("fork", "vfork", "spawn"):
    adapter(type("C" + _how, (Limit,), {"name": "c-" + _how, "how": _how}))
