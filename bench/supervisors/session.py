"""Measures: one session is one start of one supervisor with N services, and all that is asked of it then."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from adapter import Service
from processes import Events, Failed, become_subreaper, cpu_with_children, descendants, mem_of, ms, now, reap

HERE = Path(__file__).resolve().parent
FLOOD_SECONDS, FLOOD_MB = 5, 200


def in_memory():
    """A folder in memory for programs and files, else None.

    ext4 without a journal passes over what was deleted in the last minute each time that it creates a file: on disk a
    run measured how many files the run before had deleted.
    """
    folder = "/dev/shm"
    if not os.access(folder, os.W_OK):
        return None
    return None if os.statvfs(folder).f_flag & os.ST_NOEXEC else folder


class Bench:
    """The scratch folder, the services' program, and what was measured: {(name, metric, n): samples}."""

    def __init__(self, path, idle_seconds=20.0):
        self.path, self.idle_seconds = path, idle_seconds
        self.work = Path(tempfile.mkdtemp(prefix="snowfox-bench-", dir=in_memory()))
        self.work.chmod(0o755)
        self.sleeper, self.limit = self.work / "sleeper", self.work / "limit"
        for binary in (self.sleeper, self.limit):
            source = HERE / (binary.name + ".c")
            subprocess.run([os.environ.get("CC", "gcc"), "-O2", "-static", "-o", binary, source], check=True)
        self.events = None
        self.results, self.notes, self.versions = {}, [], {}
        become_subreaper()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def close(self):
        self.cleanup()
        shutil.rmtree(self.work, ignore_errors=True)

    def package_version(self, name):
        if not shutil.which("dpkg-query"):
            return ""
        out = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True)
        return out.stdout.strip()

    def add(self, cls, metric, n, *samples):
        self.results.setdefault((cls.name, metric, n), []).extend(samples)

    def cleanup(self):
        """End whatever of this session is left, by pid."""
        for sig in (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL, signal.SIGKILL):
            for turn in range(40):
                reap()
                left = descendants()
                if not left:
                    return
                if sig == signal.SIGTERM or turn % 10 == 0:
                    for pid in sorted(left, key=lambda p: left[p] == "sleeper"):
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, sig)
                if sig == signal.SIGTERM:
                    time.sleep(0.3)
                    break
                time.sleep(0.05)

    def session(self, cls, n, metrics):
        """Start `cls` with n services and measure; a failure is noted and ends the session."""
        work = self.work / "session"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        self.events = Events(work.parent / "events")
        peer = cls(self, work)
        metrics = metrics & cls.can
        where = "start"
        try:
            self.versions.setdefault(cls.name, peer.version())
            peer.write_config([peer.service(i) for i in range(n)])
            time.sleep(1.1 if n else 0.1)  # directories older than a second, page cache settled
            t0 = peer.start()
            last = peer.wait_all_running()
            peer.after_start()
            if n and "start" in metrics:
                self.add(cls, "start", n, ms(last - t0))
            if metrics - {"start"}:
                time.sleep(2.0)
                self.events.poll()
            for where in ("mem", "idle", "status", "check", "plan", "restart", "reload", "stop"):
                if where in metrics and (n or where == "mem"):
                    getattr(self, "measure_" + where)(cls, peer, n)
        except Failed as error:
            self.notes.append(f"{cls.name}, {where}, N = {n}: {error}")
        finally:
            self.cleanup()

    def capture(self, cls, lines):
        """One service floods its output, so many lines a write: MB/s until all is in its log, and processor time."""
        work = self.work / "session"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        self.events = Events(work.parent / "events")
        peer = cls(self, work)
        peer.captures = True
        try:
            self.versions.setdefault(cls.name, peer.version())
            argv = [self.sleeper, "-f", FLOOD_SECONDS, FLOOD_MB, lines, self.events.path, 0]
            peer.write_config([Service(0, argv)])
            time.sleep(1.1)
            peer.start()
            begin = self.told("start", 60)
            pids = peer.main_pids()
            before = cpu_with_children(pids)
            done = self.told("end:", 60 + FLOOD_SECONDS)
            wrote = int(done[3][4:])
            landed = max(done[0], self.landed(peer, wrote))
            cpu = cpu_with_children(pids) - before
            self.add(cls, "capture", lines, wrote / 1e6 / ((landed - begin[0]) / 1e9))
            self.add(cls, "capture_cpu", lines, cpu * 1000 / (wrote / 1e6))
        except (Failed, FileNotFoundError) as error:
            self.notes.append(f"{cls.name}, capture, {lines} lines a write: {error}")
        finally:
            self.cleanup()

    def told(self, word, seconds):
        """What the flooding service reports with this word."""
        event = self.events.wait(lambda e: e[3].startswith(word), seconds)
        if not event:
            raise Failed(f"the flooding service did not say {word}")
        return event

    def landed(self, peer, wrote):
        """When all was seen in the log, ns; looked each 5 ms."""
        end, size = time.monotonic() + 30, -1
        while time.monotonic() < end:
            with contextlib.suppress(FileNotFoundError):  # put aside just now
                size = sum(p.stat().st_size for p in peer.log_files())
            if size >= wrote:
                return now() - 5_000_000
            time.sleep(0.005)
        raise Failed(f"only {size} of {wrote} bytes in the log")

    def measure_mem(self, cls, peer, n):
        self.add(cls, "pss", n, mem_of(peer.main_pids())[1])
        for pid in peer.main_pids():
            role = peer.role(pid)
            if role:
                self.add(cls, "pss_" + role, n, mem_of([pid])[1])

    def measure_idle(self, cls, peer, n):
        pids = peer.main_pids()
        before, start = cpu_with_children(pids), time.monotonic()
        time.sleep(self.idle_seconds)
        used = cpu_with_children(pids) - before
        self.add(cls, "idle_cpu", n, used * 1000 / (time.monotonic() - start))

    def measure_status(self, cls, peer, n):
        for _ in range(5):
            start = now()
            out = peer.status()
            took = now() - start
            rows = len([line for line in out.splitlines() if line.strip()])
            if rows < n:
                raise Failed(f"status showed {rows} lines for {n}: {out[-200:]}")
            self.add(cls, "status", n, ms(took))

    def measure_check(self, cls, peer, n):
        for _ in range(5):
            start = now()
            peer.check()
            self.add(cls, "check", n, ms(now() - start))

    def measure_plan(self, cls, peer, n):
        self.add(cls, "plan", n, *peer.plan(5))

    def measure_restart(self, cls, peer, n):
        time.sleep(cls.settle)
        count = min(cls.restarts, n)
        for k in range(count):
            time.sleep(0.05 + random.random() * cls.phase)
            self.add(cls, "restart", n, ms(peer.restart_one((k * n) // count)))

    def measure_reload(self, cls, peer, n):
        """One service after another becomes another version; no other may be touched by that."""
        for k in range(cls.reloads):
            time.sleep(cls.settle)
            self.events.poll()
            mark, ident, version = len(self.events.all), (k * n) // cls.reloads, str(k + 2)
            peer.services[ident] = peer.service(ident, version)
            start = peer.reload_one_changed(peer.services[ident])
            told = (ident, version)
            event = next((e for e in self.events.all[mark:] if e[2:] == told), None)
            event = event or self.events.wait(lambda e, told=told: e[2:] == told, 60)
            if not event:
                raise Failed("the changed service did not run its new version within 60 s")
            others = {e[2] for e in self.events.all[mark:]} - {ident}
            if others:
                raise Failed(f"{len(others)} other services were restarted by a reload")
            self.add(cls, "reload", n, ms(event[0] - start))

    def measure_stop(self, cls, peer, n):
        time.sleep(0.5)
        self.events.poll()
        self.add(cls, "stop", n, ms(self.time_stop(peer)))

    def time_stop(self, peer):
        pids = set(self.events.pid_of.values()) | set(peer.main_pids())
        poller, fds = select.poll(), []
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                fd = os.pidfd_open(pid)
                fds.append(fd)
                poller.register(fd, select.POLLIN)
        left, t0 = len(fds), now()
        try:
            peer.stop()
            end, last = time.monotonic() + peer.stop_timeout, t0
            while left:
                ready = poller.poll(20)
                reap()
                for fd, _ in ready:
                    poller.unregister(fd)
                    left -= 1
                    last = now()
                if time.monotonic() > end:
                    raise Failed(f"{left} of {len(fds)} processes left {peer.stop_timeout} s after the stop")
            return last - t0
        finally:
            for fd in fds:
                os.close(fd)
