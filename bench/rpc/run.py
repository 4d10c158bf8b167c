"""`make bench-rpc`: our RPC with its peers beside it, the same work, one run; prints our bounds and what held.

    make bench-rpc                                   # everything, some twenty minutes
    make bench-rpc ARGS="--peers raw_protocol,grpc_aio --reps 1"

The harness is `bench.py`, an adapter a peer below `adapters/`; README.md tells what each metric means. Peers are installed
into `.bench/rpc` on the first run. Exit 1 when a bound did not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OURS = ("snowfox_", "snowfox_uvloop", "snowfox_blocking")
RAW = ("raw_protocol", "raw_protocol_uvloop", "raw_blocking")
PEERS = ("grpc_aio", "grpclib_", "pyzmq_", "aiorpcx_", "rpyc_", "pycapnp_", "aiohttp_", "supervisord_xmlrpc")


def say(text):
    print(text, file=sys.stderr, flush=True)


def interpreter():
    """The Python with all peers in it; installed once."""
    folder = ROOT / ".bench" / "rpc"
    python = folder / "bin" / "python"
    if not python.exists():
        say("installing the peers into .bench/rpc (some minutes on the first run)")
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        lines = (HERE / "requirements.txt").read_text().split()
        for line in lines:
            done = subprocess.run(
                [python, "-m", "pip", "-q", "install", line], capture_output=True, text=True
            )
            if done.returncode:
                say(f"cannot install {line}: {done.stderr.strip().splitlines()[-1:]}; it is left out")
    return python


class Results:
    """Medians by peer and metric."""

    def __init__(self, path):
        self.rows = {}
        for line in path.read_text().splitlines():
            row = json.loads(line)
            if row["samples"]:
                self.rows[row["peer"], row["metric"]] = statistics.median(row["samples"])

    def __call__(self, peer, metric):
        return self.rows.get((peer, metric))


def cpu(results, peer):
    """Microseconds of processor time of both ends for one of 100 calls in flight: the harness has seconds per 100,000."""
    client, server = results(peer, "pipe100_cpu_client"), results(peer, "pipe100_cpu_server")
    return None if client is None or server is None else (client + server) * 10


def rows(results):
    """What is bounded: (what, ours on asyncio, ours on uvloop, bound for each, and whether less is better)."""

    def ratio(metric, peer, *, of):
        ours, other = results(of, metric), results(peer, metric)
        return None if not ours or not other else ours / other

    def pair(metric, scale=1.0):
        return tuple(None if (value := results(of, metric)) is None else value * scale for of in OURS[:2])

    yield (
        "100 in flight, × grpc.aio",
        tuple(ratio("pipe100", "grpc_aio", of=of) for of in OURS[:2]),
        (20, 30),
        False,
    )
    yield (
        "100 in flight, × grpclib",
        tuple(ratio("pipe100", "grpclib_", of=of) for of in OURS[:2]),
        (12, 18),
        False,
    )
    yield "µs of processor for such a call", (cpu(results, OURS[0]), cpu(results, OURS[1])), (10, 7), True
    yield (
        "one at a time, of the raw echo",
        (ratio("seq1", RAW[0], of=OURS[0]), ratio("seq1", RAW[1], of=OURS[1])),
        (0.8, 0.7),
        False,
    )
    yield "64 KiB echo, MB/s", pair("echo64k"), (1000, 800), False
    yield "status of 100 a second", pair("status"), (5000, 6500), False
    yield "connect and first call, µs", pair("connect_first_call_p50"), (400, 260), True
    grown = [
        None
        if results(of, "rss_server_1000") is None
        else results(of, "rss_server_1000") - results(of, "rss_server_0")
        for of in OURS[:2]
    ]
    yield "1,000 idle connections, MB", tuple(grown), (4, 4), True
    yield (
        "blocking, one at a time, of the raw socket",
        (ratio("seq1", RAW[2], of=OURS[2]), None),
        (0.7, None),
        False,
    )
    yield "import of the blocking client, ms", (results(OURS[2], "import_time"), None), (25, None), True


def show(results):
    """Print the bounds; whether all held."""
    good = True

    def cell(value, bound, *, less):
        nonlocal good
        if value is None or bound is None:
            return "-"
        held = value <= bound if less else value >= bound
        good = good and held
        return f"{value:.3g} ({'≤' if less else '≥'} {bound}{'' if held else ', not held'})"

    print("| what | asyncio | uvloop |\n| -- | -- | -- |")
    for what, values, bounds, less in rows(results):
        cells = [cell(value, bound, less=less) for value, bound in zip(values, bounds, strict=True)]
        print(f"| {what} | {' | '.join(cells)} |")
    return good


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", default=",".join(PEERS), help="besides ours and the raw echoes")
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--secs", type=float, default=1.0)
    parser.add_argument("--json", type=Path, help="keep the measurements here")
    options = parser.parse_args()
    peers = [*OURS, *RAW, *filter(None, options.peers.split(","))]
    with tempfile.TemporaryDirectory() as folder:
        out = options.json or Path(folder) / "results.jsonl"
        python = interpreter()
        words = [python, HERE / "bench.py", "--peers", ",".join(peers), "--json", out]
        words += ["--reps", str(options.reps), "--secs", str(options.secs), "--python", python]
        environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        failed = subprocess.run(words, env=environment).returncode
        print(f"\n{platform.release()}, Python {platform.python_version()}, {os.cpu_count()} processors\n")
        subprocess.run([python, HERE / "bench.py", "--table", out], check=True)
        good = show(Results(out))
    sys.exit(0 if good and not failed else 1)


if __name__ == "__main__":
    main()
