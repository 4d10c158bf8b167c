"""`make bench`: speed and memory of Snow Fox with its peers beside it, the same work, one run.

    make bench                                 # everything, about a quarter of an hour
    make bench ARGS="--quick"                  # N up to 100, fewer samples
    make bench ARGS="--peers supervisord,s6"

What each row means stands in bench/README.md. Peers are looked for on PATH and in .bench, where this installs those
that come as Python or Node packages; Debian's s6 and runit are used when they are installed.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench" / "supervisors"))

import peers  # noqa: E402, F401 - registers its adapters
import snowfox_peer  # noqa: E402, F401
from adapter import ADAPTERS  # noqa: E402
from session import Bench  # noqa: E402

PROGRAMS = {
    "supervisord": "supervisord",
    "circus": "circusd",
    "s6": "s6-svscan",
    "runit": "runsvdir",
    "pm2": "pm2",
}
CAPTURED = (1, 40)
"""Lines of 100 bytes in each write of the service whose output is captured."""
BARE_MS = 12.0
"""Bounds in milliseconds hold where a bare interpreter takes at most this; beyond, they scale by it."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def install_peers(names, folder):
    """Put supervisord, circus and pm2 into `folder`, once."""
    python = [
        name
        for name in names
        if name in {"supervisord", "circus"} and not shutil.which(PROGRAMS[name], path=search_path(folder))
    ]
    for name in python:
        say(f"installing {name} into {folder.name}/{name}")
        package = {"supervisord": "supervisor", "circus": "circus"}[name]
        subprocess.run([sys.executable, "-m", "venv", folder / name], check=True)
        done = subprocess.run([folder / name / "bin" / "pip", "-q", "install", "setuptools<81", package])
        if done.returncode:
            say(f"cannot install {name}: it is left out")
    if "pm2" in names and not shutil.which("pm2", path=search_path(folder)) and shutil.which("npm"):
        say(f"installing pm2 into {folder.name}/pm2")
        subprocess.run(
            ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", folder / "pm2", "pm2"]
        )


def search_path(folder):
    bins = [
        ROOT / ".venv" / "bin",
        folder / "supervisord" / "bin",
        folder / "circus" / "bin",
        folder / "pm2" / "node_modules" / ".bin",
    ]
    return os.pathsep.join([*map(str, bins), os.environ.get("PATH", os.defpath)])


def bare_interpreter():
    """Median ms of `python -I -S -c pass`."""
    samples = []
    for _ in range(15):
        start = time.monotonic()
        subprocess.run([sys.executable, "-I", "-S", "-c", "pass"], check=True)
        samples.append((time.monotonic() - start) * 1000)
    return statistics.median(samples)


def median(bench, name, metric, n):
    samples = bench.results.get((name, metric, n), [])
    return statistics.median(samples) if samples else None


def add_growth(bench, names, largest):
    """What each service more costs a reload, in us, from 100 services to all."""
    for name in names:
        few, all_ = median(bench, name, "reload", 100), median(bench, name, "reload", largest)
        if largest > 100 and few is not None and all_ is not None:
            bench.results[name, "growth", largest] = [max(0.0, all_ - few) * 1000 / (largest - 100)]


def add_capture(rows, bench):
    """Rows of captured output: at least 9/10 of the limit, no more processor time than supervisord."""
    for lines in CAPTURED:
        floor = median(bench, "c-vfork", "capture", lines)
        peer = median(bench, "supervisord", "capture_cpu", lines)
        each = "a line a write" if lines == 1 else f"{lines} lines a write"
        rows += [
            (f"capture, {each}, MB/s, at least", "capture", lines, 1, 0.9 * floor if floor else None),
            ("  processor, ms a MB", "capture_cpu", lines, 1, peer),
        ]


def short(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def table(bench, names, ns, scale):
    """The rows of the table, and whether every bound held."""
    largest = max(ns)
    floor = median(bench, "c-vfork", "start", largest)
    megabyte = 1 / 1024
    rows = [
        ("start, N = 10, ms", "start", 10, 1, 250 * scale),
        (f"start, N = {largest}, ms", "start", largest, 1, 3 * floor if floor and largest >= 1000 else None),
        ("restart after SIGKILL, N = 100, ms", "restart", 100, 1, 5 * scale),
        ("status, N = 100, ms", "status", 100, 1, 80 * scale),
        (f"status, N = {largest}, ms", "status", largest, 1, 150 * scale),
        ("memory (PSS), N = 0, MB", "pss", 0, megabyte, 45),
        (f"memory (PSS), N = {largest}, MB", "pss", largest, megabyte, 70),
        ("  daemon, N = 0, MB", "pss_daemon", 0, megabyte, 12),
        ("  spawner, N = 0, MB", "pss_spawner", 0, megabyte, 12),
        (f"idle, N = {largest}, ms of processor per second", "idle_cpu", largest, 1, 1.0),
        (f"check, N = {largest}, ms", "check", largest, 1, 300 * scale),
        (f"plan, one of {largest} changed, ms in the manager", "plan", largest, 1, 50 * scale),
        ("reload, one of 100 changed, ms", "reload", 100, 1, 100 * scale),
        (f"reload, one of {largest} changed, ms", "reload", largest, 1, 150 * scale),
        ("  growth from N = 100, us a service", "growth", largest, 1, 100 * scale if largest > 100 else None),
        (f"stop, N = {largest}, ms", "stop", largest, 1, None),
    ]
    add_capture(rows, bench)
    held = True
    others = [name for name in names if name not in {"snowfox", "c-vfork"}]
    heads = ["what", "snowfox", "bound", "held", "C limit", *others]
    print("| " + " | ".join(heads) + " |\n|" + " --- |" * len(heads))
    seen = set()
    for label, metric, n, factor, bound in rows:
        if (metric, n) in seen:
            continue
        seen.add((metric, n))
        ours = median(bench, "snowfox", metric, n)
        ours = ours * factor if ours is not None else None
        is_fine = ours is not None and bound is not None and ours <= bound
        if metric == "capture":
            is_fine = ours is not None and bound is not None and ours >= bound
        good = "" if bound is None else "yes" if is_fine else "NO"
        held = held and good != "NO"
        cells = []
        for name in ["c-vfork", *others]:
            value = median(bench, name, metric, n)
            if value is None:
                cells.append("–")
                continue
            value *= factor
            ratio = f" ({value / ours:.1f} ×)" if ours else ""
            cells.append(short(value) + ratio)
        print(
            f"| {label} | {short(ours)} | {short(bound) if bound else ''} | {good} | "
            + " | ".join(cells)
            + " |"
        )
    return held


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="N up to 100, one session each")
    parser.add_argument(
        "--peers", default=",".join(PROGRAMS), help="which; 'none' for us and the C limit alone"
    )
    parser.add_argument("--reps", type=int, default=3, help="sessions for each N")
    options = parser.parse_args()
    wanted = [] if options.peers == "none" else options.peers.split(",")
    unknown = [name for name in wanted if name not in PROGRAMS]
    if unknown:
        parser.error(f"peers are {', '.join(PROGRAMS)}")
    if not shutil.which("gcc"):
        say("cannot measure: the services and the limit are C programs, and there is no gcc")
        return 1
    folder = ROOT / ".bench"
    folder.mkdir(exist_ok=True)
    install_peers(wanted, folder)
    path = search_path(folder)
    names = ["snowfox", "c-vfork"]
    for name in wanted:
        if shutil.which(PROGRAMS[name], path=path):
            names.append(name)
        else:
            say(f"{name} is not installed: left out")
    ns = [0, 10, 100] if options.quick else [0, 10, 100, 1000]
    reps = 1 if options.quick else options.reps
    bare = bare_interpreter()
    bench = Bench(path, idle_seconds=5.0 if options.quick else 20.0)
    try:
        measure(bench, names, ns, reps)
    finally:
        bench.close()
    add_growth(bench, names, max(ns))
    print(
        f"Linux {platform.release()}, {os.cpu_count()} processors, Python {platform.python_version()}; a bare interpreter takes {bare:.1f} ms"
    )
    print(
        "medians; in brackets how many times ours; "
        + ", ".join(f"{n} {v}" for n, v in bench.versions.items() if v)
        + "\n"
    )
    held = table(bench, names, ns, max(1.0, bare / BARE_MS))
    for note in bench.notes:
        print(f"- {note}")
    return 0 if held else 1


def measure(bench, names, ns, reps):
    """Sessions in turn, so that a slow minute of the machine meets all."""
    for _ in range(reps):
        for lines in CAPTURED:
            for name in names:
                bench.capture(ADAPTERS[name], lines)
                say(f"{name}, capture, {lines} lines a write")
    for rep in range(reps):
        for n in ns:
            for name in names:
                cls = ADAPTERS[name]
                if n > cls.n_max or (n == 0 and rep):
                    continue
                metrics = {"start", "stop", "mem"} if n else {"mem"}
                if rep == 0:
                    metrics |= {"status", "restart", "reload"} if n == 100 else set()
                    metrics |= {"status", "idle", "check", "plan", "reload"} if n == max(ns) else set()
                start = time.monotonic()
                bench.session(cls, n, metrics)
                say(f"{name}, N = {n}, {rep + 1} of {reps}: {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    raise SystemExit(main())
