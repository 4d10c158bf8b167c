"""What services print, with a real node: files, `logs`, and what floods do to others."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from snowfox.contract.manager import Manager
from snowfox.testing.node import Node, environment

COUNTER = "import time\nfor n in range(%d): print('line %%05d' %% n, flush=n %% 100 == 99)\nprint('end', flush=True)\ntime.sleep(600)"


def up(node: Node, text: str) -> None:
    """Write the configuration and start the node."""
    node.write(text)
    node.good("up", "-d")


def printed(node: Node, *words: str) -> list[str]:
    """What `logs` says, without the names before the lines."""
    return node.good("logs", "--raw", *words).splitlines()


def program(code: str) -> str:
    """The command of a Python program, as it is written in the configuration."""
    return json.dumps(["python3", "-c", code])


def counting(node: Node, lines: int, log: str) -> list[Path]:
    """A service that prints so many lines; the files of its log once it has, the oldest first."""
    up(node, f"[service.count]\ncommand = {program(COUNTER % lines)}\nlog = {log}\n")
    node.until(lambda: printed(node, "count")[-1:] == ["end"], "all lines")
    files = [path for path in (node.home / "logs/count").iterdir() if not path.name.endswith(".index")]
    return sorted(files)


def test_rotation_by_size_keeps_so_many_files(node: Node) -> None:
    """Files of the size that was asked for, so many besides the current one, each ending with a whole line."""
    files = counting(node, 10_000, '{ size = "20K", keep = 2 }')
    assert [path.name[:8] for path in files[:-1]] == ["00000004", "00000005"]
    assert files[-1].name == "current"
    for path in files[:-1]:
        assert 20_000 < path.stat().st_size <= 20_480
        assert path.read_bytes().endswith(b"\n")
    assert len(printed(node, "-n", "100000")) == sum(path.read_bytes().count(b"\n") for path in files)


def test_files_put_aside_are_compressed_and_read_all_the_same(node: Node) -> None:
    """`compress = true`: zcat reads them, and so do `logs`."""
    counting(node, 10_000, '{ size = "20K", keep = 9, compress = true }')
    folder = node.home / "logs/count"
    node.until(lambda: len(list(folder.glob("*Z.gz"))) == 5 and not list(folder.glob("*Z")), "compressed")
    first = gzip.decompress(min(folder.glob("*.gz")).read_bytes())
    assert first.startswith(b"line 00000\nline 00001\n")
    assert printed(node, "-n", "100000") == [*(f"line {n:05}" for n in range(10_000)), "end"]
    assert len(printed(node, "--grep", "line 0.*7$")) == 1000


def test_age_and_total(node: Node) -> None:
    """`age` begins a new file, `total` bounds what all instances have together."""
    up(
        node,
        """
[service.young]
command = ["sh", "-c", "while sleep 0.05; do echo tick; done"]
log = { age = "200ms", keep = 3 }
[service.many]
command = ["sh", "-c", "while sleep 0.01; do seq 1 200; done"]
instances = 2
log = { size = "5K", keep = 100, total = "40K" }
""",
    )
    node.until(lambda: len(list((node.home / "logs/young").glob("*Z"))) == 3, "three old files")

    def used() -> int:
        paths = (node.home / "logs").glob("many@*/*")
        sizes = []
        for path in paths:
            try:
                sizes.append(path.stat().st_size)
            except FileNotFoundError:
                continue
        return sum(sizes)

    node.until(lambda: used() > 25_000, "a good part of the total")
    most = 0
    for _ in range(50):
        most = max(most, used())
        time.sleep(0.02)
    assert most <= 50_000


def test_follow_goes_on_over_rotation(node: Node) -> None:
    """`logs -f` misses no line and doubles none while files are put aside, by size and on demand."""
    up(
        node,
        """
[service.tick]
command = ["sh", "-c", "n=0; while sleep 0.004; do n=$((n+1)); echo tick $n; done"]
log = { size = "200", keep = 1000 }
""",
    )
    node.until(lambda: len(printed(node)) > 20, "some lines")
    command = node.begin("logs", "-f", "-n", "1", "--raw")
    stream = command.stdout
    assert stream is not None
    lines = [stream.readline() for _ in range(100)]
    assert node.good("logs", "--rotate", "tick") == "tick: a new file\n"
    lines += [stream.readline() for _ in range(100)]
    command.send_signal(signal.SIGINT)
    command.wait(10)
    stream.close()
    numbers = [int(line.split()[1]) for line in lines]
    assert numbers == list(range(numbers[0], numbers[0] + 200))


def test_times_and_expressions(node: Node) -> None:
    """`--since` and `--until` take lines of a time, `--grep` those that match, `-t` shows when each came."""
    up(
        node,
        '[service.tick]\ncommand = ["sh", "-c", "n=0; while sleep 0.02; do n=$((n+1)); echo tick $n; done"]\n',
    )
    node.until(lambda: len(printed(node)) > 30, "some lines")
    node.good("stop", "tick")
    rows = [json.loads(line) for line in node.good("logs", "--json", "-n", "100").splitlines()]
    times = [row["at"] for row in rows]
    assert times == sorted(times)
    assert len(set(times)) > 20
    begin, end = rows[10]["at"], rows[20]["at"]

    def utc(at: int) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at // 1000))

    some = printed(node, "--since", utc(begin), "--until", utc(end + 1000))
    wanted = [row["text"] for row in rows if begin // 1000 * 1000 <= row["at"] <= end // 1000 * 1000 + 1000]
    assert some == wanted
    assert printed(node, "--since", "1h", "--grep", "^tick 7$") == ["tick 7"]
    assert printed(node, "--grep", "tick [12]$", "-n", "1") == ["tick 2"]
    assert printed(node, "--until", "1h") == []
    at = time.strptime(" ".join(node.good("logs", "-t", "-n", "1").split()[2:4])[:19], "%Y-%m-%d %H:%M:%S")
    assert abs(time.mktime(at) - time.time()) < 60


def test_several_services_in_the_order_of_time(node: Node) -> None:
    """Lines of both come as they were printed."""
    clock = '["sh", "-c", "while sleep 0.015; do date +%s%N; done"]'
    up(node, f"[service.ping]\ncommand = {clock}\n[service.pong]\ncommand = {clock}\n")
    node.until(lambda: len(printed(node, "-n", "20")) == 40, "lines of both")
    lines = node.good("logs", "-n", "20").splitlines()
    times = [int(line.split()[-1]) for line in lines]
    assert all(after - before > -15_000_000 for before, after in pairwise(times))
    turns = sum(before.split()[0] != after.split()[0] for before, after in pairwise(lines))
    assert turns > 10


def test_structured_lines_are_recognised(node: Node) -> None:
    """People see level, message and fields; `--json` has the object."""
    line = {"level": "warning", "message": "slow", "ms": 12}
    code = f"import json, time; print(json.dumps({line!r}), flush=True); time.sleep(600)"
    up(node, f"[service.json]\ncommand = {program(code)}\n")
    node.until(lambda: node.good("logs", "json") == "json           | WARNING slow ms=12\n", "the line")
    assert json.loads(node.good("logs", "--json"))["fields"] == line
    assert json.loads(node.good("logs", "--raw")) == line


def test_binary_and_lines_over_a_mebibyte(node: Node) -> None:
    """Every byte is there, whatever it is, and a line of 3 MiB is one line."""
    code = "import os, time\nos.set_blocking(1, True)\nfor p in (bytes(range(256)) * 40, b'\\n', b'x' * (3 << 20), b'\\nend\\n'):\n while p: p = p[os.write(1, p):]\ntime.sleep(600)"
    up(node, f'[service.binary]\ncommand = {program(code)}\nlog = {{ size = "1M" }}\n')
    node.until(lambda: printed(node, "--grep", "^end$") == ["end"], "the end")
    command = [sys.executable, "-m", "snowfox.cli.main", "logs", "--raw"]
    done = subprocess.run(command, cwd=node.folder, env=environment(), capture_output=True, check=True)
    assert done.stdout == bytes(range(256)) * 40 + b"\n" + b"x" * (3 << 20) + b"\nend\n"
    rows: list[Any] = [json.loads(line) for line in node.good("logs", "--json").splitlines()]
    assert len(rows[-2]["text"]) == 3 << 20


def lateness(node: Node) -> list[float]:
    """Of 150 times, all but 3 were within this, in seconds: an answer to `status`, a line of quiet in its log."""
    asked: list[float] = []
    late: list[float] = []
    with node.session() as session:
        for _ in range(150):
            begin = time.monotonic()
            session.call(Manager.status, "*")
            asked.append(time.monotonic() - begin)
            last = list(session.stream(Manager.logs, "quiet", 1, False))[-1]
            late.append(abs(last.at / 1000 - int(last.text) / 1e9))
            time.sleep(0.01)
    return [sorted(asked)[-4], sorted(late)[-4]]


@pytest.mark.parametrize("log", ['{ size = "50M", keep = 1 }', '{ rate = "1M", size = "50M" }'])
def test_f15_a_flood_disturbs_nobody(node: Node, log: str) -> None:
    """While one prints as fast as it can, commands and another's lines come within 50 ms, its files stay bounded."""
    up(
        node,
        f"""
[service.flood]
command = ["yes", "{"x" * 99}"]
log = {log}
autostart = false
[service.quiet]
command = ["sh", "-c", "while sleep 0.02; do date +%s%N; done"]
""",
    )
    node.until(lambda: len(printed(node, "quiet")) > 2, "lines of the quiet one")
    rest = [max(0.05, 3 * late) for late in lateness(node)]  # this host may be busy
    node.good("start", "flood")
    found = lateness(node)
    assert all(late < bound for late, bound in zip(found, rest, strict=True)), (found, rest)
    size = sum(path.stat().st_size for path in (node.home / "logs/flood").iterdir())
    assert size < 3 * 50 << 20
    notes = json.loads(node.run("status", "--json").out)["notes"]
    if "rate" in log:
        assert any("of the output of flood lost: more than its log.rate" in note for note in notes)
        assert size < 20 << 20
        assert node.good("logs", "flood", "--grep", "dropped here", "-n", "1").endswith(
            "log.rate = 1M a second\n"
        )
    else:
        assert notes == []
    assert node.running()["flood"].pid


def test_streams_apart(node: Node) -> None:
    """Each has its log, `logs` merges them and tells which is which; another manager goes on with both."""
    code = "import sys, time\nwhile True:\n print('out', flush=True); print('err', file=sys.stderr, flush=True); time.sleep(0.02)"
    up(node, f'[service.two]\ncommand = {program(code)}\nlog = {{ streams = "apart" }}\n')
    errors = node.home / "logs/two/errors/current"

    def is_there() -> bool:
        return {"two            | out", "two errors     | err"} <= set(node.good("logs").splitlines())

    node.until(is_there, "both")
    assert set((node.home / "logs/two/current").read_text().split()) == {"out"}
    assert set(errors.read_text().split()) == {"err"}
    rows = [json.loads(line) for line in node.good("logs", "--json").splitlines()]
    assert {row["text"]: row.get("stream") for row in rows} == {"out": None, "err": "errors"}
    os.kill(node.processes()["manager"], signal.SIGKILL)
    before = errors.stat().st_size
    node.until(lambda: errors.stat().st_size > before + 20, "more errors")
    assert node.good("logs", "--rotate") == "two: a new file\n"
    assert len(list(errors.parent.glob("*Z"))) == 1
    node.write(node.folder.joinpath("snowfox.toml").read_text().replace("apart", "together"))
    assert "log.streams" in node.good("plan")
    node.good("apply")
    node.until(lambda: "err" in (node.home / "logs/two/current").read_text(), "both in one")


def test_f15_a_full_disk_is_told_and_ends_nobody(node: Node) -> None:
    """On a disk that is full output is lost and counted; services and node run on."""
    logs = node.home / "logs"
    logs.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", logs], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount")
    try:
        up(
            node,
            '[service.full]\ncommand = ["yes"]\n[service.quiet]\ncommand = ["sh", "-c", "while sleep 0.02; do date; done"]\n',
        )

        def notes() -> list[str]:
            return list(json.loads(node.run("status", "--json").out)["notes"])

        node.until(lambda: any("of the output of full lost" in note for note in notes()), "it is told")
        assert any("ENOSPC" in note for note in notes())
        pids = node.running()
        time.sleep(0.5)
        assert node.running() == pids
        node.good("down")
    finally:
        subprocess.run(["umount", "-l", logs], check=True)


def test_forwarded_to_syslog_and_a_command(node: Node) -> None:
    """Each line goes to a server of syslog and to a command that reads it, which gets what came last as well."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        port = server.getsockname()[1]
        place = node.folder / "place"
        place.mkdir()
        place.chmod(0o777)
        code = f"import sys\nfor line in sys.stdin: open({str(place / 'copy')!r}, 'a').write(line)"
        up(
            node,
            f"""
[service.web]
command = ["sh", "-c", "trap 'echo bye; exit' TERM; n=0; while sleep 0.02; do n=$((n+1)); echo line $n; done"]
[service.web.log.forward]
syslog = "udp:127.0.0.1:{port}"
command = {program(code)}
form = "json"
""",
        )
        message = server.recv(9999).decode()
        assert re.fullmatch(
            r"<30>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ web web output - line \d+", message
        )
        node.until(lambda: (place / "copy").exists() and "line 5" in (place / "copy").read_text(), "lines")
        node.good("down")
        rows = [json.loads(line) for line in (place / "copy").read_text().splitlines()]
        assert rows[-1]["text"] == "bye"
        assert {row["instance"] for row in rows} == {"web"}
