"""Services that say, or are asked, whether they are ready and alive: real programs, real probes."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from snowfox.testing.node import Node
from snowfox.testing.world import free_ports, python_of_services

SERVER = """
import http.server, os, sys, time

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        sick = os.path.exists(sys.argv[2])
        if sick and sys.argv[3] == "hang":
            time.sleep(60)
        self.send_response(503 if sick else 200)
        self.end_headers()

    def log_message(self, *words):
        pass

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


@pytest.fixture
def python() -> str:
    """A Python that services can run, or a skip."""
    found = python_of_services()
    if not found:
        pytest.skip("no Python that services can run")
    return found


def written(node: Node, text: str, name: str = "server.py") -> Path:
    """A program beside the configuration."""
    path = node.folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("how", ["hang", "answer"])
def test_a_service_that_answers_no_more_is_restarted_and_says_why(node: Node, python: str, how: str) -> None:
    """Two tries in a row that fail, of http: ended, started again, and the reason is told."""
    (port,) = free_ports(1)
    sick = node.folder / "sick"
    server = written(node, SERVER)
    node.write(
        f"""
[service.web]
command = ["{python}", "{server}", "{port}", "{sick}", "{how}"]
directory = "/"
ready = {{ tcp = "127.0.0.1:{port}" }}
alive = {{ http = "127.0.0.1:{port}", path = "/health", every = "100ms", timeout = "200ms", failures = 2 }}
stop = {{ grace = "1s" }}
"""
    )
    node.good("up", "-d")
    first = node.running()["web"]
    sick.touch()
    node.until(lambda: node.status()["web"]["state"] in {"failing", "backoff", "starting"}, "found sick")
    sick.unlink()
    node.until(lambda: node.status()["web"]["state"] == "ready", "ready again")
    one = node.status()["web"]
    assert one["pid"] != first.pid
    assert one["restarts"] >= 1
    why = "no answer in time" if how == "hang" else "it answered 503"
    assert f"not alive: {why}, 2 times in a row" in one["message"]
    node.until(lambda: "service.unwell" in node.good("events"), "the event")


def test_alive_by_unix_socket_and_by_command(node: Node, python: str) -> None:
    """A socket that accepts no more, a command that ends with 1: each restarts its own service alone."""
    server = written(
        node,
        "import socket, sys, os, time\n"
        "path = sys.argv[1]\n"
        "os.path.exists(path) and os.unlink(path)\n"
        "one = socket.socket(socket.AF_UNIX); one.bind(path); os.chmod(path, 0o777)\n"
        "one.listen(100)\n"
        "time.sleep(1000)\n",
    )
    folder = node.folder / "run"
    folder.mkdir()
    folder.chmod(0o777)
    (node.folder / "well").touch()
    node.write(
        f"""
[service.socket]
command = ["{python}", "{server}", "{folder}/s"]
directory = "/"
ready = {{ unix = "run/s" }}
alive = {{ unix = "run/s", every = "50ms", failures = 2 }}

[service.command]
command = ["sleep", "1000"]
directory = "/"
alive = {{ command = ["test", "-e", "{node.folder}/well"], every = "50ms", failures = 1 }}

[service.other]
command = ["sleep", "1000"]
directory = "/"
alive = {{ command = ["true"], every = "50ms" }}
"""
    )
    node.good("up", "-d")
    before = node.running()
    os.unlink(folder / "s")
    node.until(lambda: node.status()["socket"]["restarts"] > 0, "socket was restarted")
    (node.folder / "well").unlink()
    node.until(lambda: node.status()["command"]["restarts"] > 0, "command was restarted")
    (node.folder / "well").touch()
    node.until(lambda: node.run("status").code == 0, "all as wanted")
    status = node.status()
    assert "not alive: no such file or directory (ENOENT), 2 times in a row" in status["socket"]["message"]
    assert "not alive: test: exit 1" in status["command"]["message"]
    assert node.running()["other"] == before["other"]


def test_what_hangs_again_and_again_from_the_beginning_fails_for_good(node: Node) -> None:
    """By `alive`, by the watchdog and by an exit alike, after `restart.limit` starts; not where `window` is over between."""
    node.write(
        """
[defaults]
restart = { limit = 2, delay = "200ms", early = "100ms", window = "1m" }

[service.deaf]
command = ["sleep", "1000"]
directory = "/"
alive = { command = ["false"], every = "200ms", failures = 2 }

[service.mute]
command = ["sleep", "1001"]
directory = "/"
watchdog = "400ms"

[service.brief]
command = ["false"]
directory = "/"

[service.rare]
command = ["sleep", "1002"]
directory = "/"
alive = { command = ["false"], every = "200ms", failures = 2 }
restart = { window = "100ms" }
"""
    )
    node.run("up", "-d")

    def failed() -> set[str]:
        return {name for name, one in node.status().items() if one["state"] == "failed"}

    node.until(lambda: failed() >= {"deaf", "mute", "brief"}, "three have failed")
    node.until(lambda: node.status()["rare"]["restarts"] >= 3, "the fourth is tried on")
    assert failed() == {"deaf", "mute", "brief"}
    assert {node.status()[name]["message"].partition("; ")[2] for name in failed()} == {
        "2 failed starts within 1m"
    }


def test_another_manager_goes_on_asking(node: Node) -> None:
    """What was ready stays so with its pid, and is asked, and ended, by the manager that took it over."""
    sick = node.folder / "sick"
    node.write(
        f"""
[service.web]
command = ["sleep", "1000"]
directory = "/"
alive = {{ command = ["test", "!", "-e", "{sick}"], every = "100ms", failures = 2 }}
"""
    )
    node.good("up", "-d")
    first = node.running()["web"]
    node.kill("manager")
    node.until(lambda: node.run("status").code == 0, "another manager answers")
    time.sleep(0.5)
    assert node.running()["web"] == first
    sick.touch()
    node.until(lambda: node.status()["web"]["restarts"] > 0, "restarted")
    sick.unlink()
    node.until(lambda: node.status()["web"]["state"] == "ready", "ready again")
    assert "not alive: test: exit 1, 2 times in a row" in node.status()["web"]["message"]


def test_a_change_of_alive_is_taken_over_at_once(node: Node) -> None:
    """The same process, asked in another way; without one nobody asks."""
    text = '[service.web]\ncommand = ["sleep", "1000"]\ndirectory = "/"\n'
    node.write(text + 'alive = { command = ["false"], every = "1h" }\n')
    node.good("up", "-d")
    before = node.running()
    node.write(text + 'alive = { command = ["false"], every = "20ms", failures = 1000 }\n')
    assert "alive.every" in node.good("plan")
    node.good("apply")
    assert node.running() == before
    node.until(lambda: "does not answer: false: exit 1" in node.status()["web"]["message"], "asked now")
    node.write(text)
    node.good("apply")
    node.until(lambda: node.status()["web"]["message"] == "", "asked no more")
    assert node.running() == before


def test_a_line_of_its_output_makes_it_ready(node: Node) -> None:
    """Of the output of this launch alone; who prints no such line is not ready, and why is told."""
    node.write(
        """
[service.talker]
command = ["sh", "-c", "echo starting; sleep 0.3; echo 'listening on port 80' >&2; sleep 1000"]
directory = "/"
ready = { log = "listening on port [0-9]+$" }

[service.mute]
command = ["sh", "-c", "echo nothing of that; sleep 1000"]
directory = "/"
ready = { log = "^listening", timeout = "500ms" }
restart = { when = "never" }
"""
    )
    assert node.run("up", "-d").code == 1
    status = node.status()
    assert status["talker"]["state"] == "ready"
    node.until(lambda: node.status()["mute"]["state"] == "failed", "mute has failed")
    why = "not ready after 0.5 s: it printed no line that matches ^listening"
    assert why in node.status()["mute"]["message"]
    assert "listening on port 80" in node.good("logs", "talker")
    os.kill(status["talker"]["pid"], signal.SIGKILL)
    node.until(lambda: node.status()["talker"]["pid"] not in (0, status["talker"]["pid"]), "another process")
    assert node.status()["talker"]["state"] in {"starting", "ready"}
    node.until(lambda: node.status()["talker"]["state"] == "ready", "ready by its own line")


def test_a_line_in_its_descriptor_makes_it_ready(node: Node) -> None:
    """As s6 has it: its number is the one that is written, whatever lies before; over restarts of the manager too."""
    go = node.folder / "go"
    node.write(
        f"""
[service.three]
command = ["sh", "-c", "sleep 0.3; echo >&3; exec 3>&-; sleep 1000"]
directory = "/"
ready = {{ descriptor = 3 }}

[service.nine]
command = ["sh", "-c", "while [ ! -e {go} ]; do sleep 0.05; done; echo up >&9; sleep 1000"]
directory = "/"
ready = {{ descriptor = 9 }}

[service.closes]
command = ["sh", "-c", "exec 3>&-; sleep 1000"]
directory = "/"
ready = {{ descriptor = 3, timeout = "500ms" }}
restart = {{ when = "never" }}
"""
    )
    with node.begin("up", "-d") as client:
        node.until(lambda: node.run("status").code in {0, 3} and "nine" in node.running(), "nine runs")
        assert node.status()["nine"]["state"] == "starting"
        node.kill("manager")
        node.until(lambda: node.run("status").code in {0, 3}, "another manager answers")
        client.kill()
    go.touch()
    node.until(lambda: node.status()["nine"]["state"] == "ready", "nine is ready")
    node.until(lambda: node.status()["three"]["state"] == "ready", "three is ready")
    status = node.status()
    node.until(lambda: node.status()["closes"]["state"] == "failed", "closes has failed")
    assert "not ready after 0.5 s: it wrote no line to descriptor 3" in node.status()["closes"]["message"]
    fds = {
        fd: os.readlink(f"/proc/{status['nine']['pid']}/fd/{fd}")
        for fd in os.listdir(f"/proc/{status['nine']['pid']}/fd")
    }
    assert {fd: what for fd, what in fds.items() if 2 < int(fd) < 9} == {
        str(fd): "/dev/null" for fd in range(3, 9)
    }
    assert fds["9"].startswith("socket:")


NOTIFY = """
import os, signal, socket, sys, time

def say(*lines):
    path = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.sendto("\\n".join(lines).encode(), "\\0" + path[1:] if path[0] == "@" else path)

"""


def test_a_watchdog_restarts_what_is_silent(node: Node, python: str) -> None:
    """It pings often enough until its process is stopped; then it is ended and started again, and says why."""
    server = written(
        node,
        NOTIFY + "say('READY=1')\n"
        "while True:\n"
        "    say('WATCHDOG=1', 'STATUS=every ' + os.environ['WATCHDOG_USEC'])\n"
        "    time.sleep(0.1)\n",
    )
    node.write(
        f"""
[service.web]
command = ["{python}", "{server}"]
directory = "/"
ready = {{ notify = true }}
watchdog = "500ms"
stop = {{ grace = "200ms" }}
"""
    )
    node.good("up", "-d")
    node.until(lambda: node.status()["web"]["message"] == "every 500000", "its status")
    first = node.running()["web"]
    time.sleep(0.8)
    assert node.running()["web"] == first
    os.kill(first.pid, signal.SIGSTOP)
    node.until(lambda: node.status()["web"]["pid"] not in (0, first.pid), "another process")
    node.until(lambda: node.status()["web"]["state"] == "ready", "ready again")
    assert "watchdog: nothing heard for 0.5 s" in node.status()["web"]["message"]


def test_what_a_service_says_of_itself(node: Node, python: str) -> None:
    """A start that needs longer, a reload, an end with an errno: each as sd_notify(3) has it."""
    server = written(
        node,
        NOTIFY + "import errno\n"
        "say('EXTEND_TIMEOUT_USEC=20000000', 'STATUS=loading')\n"
        "time.sleep(1)\n"
        "def reload(*_):\n"
        "    say('RELOADING=1', f'MONOTONIC_USEC={time.monotonic_ns() // 1000}', 'STATUS=new rules')\n"
        "    time.sleep(0.6)\n"
        "    say('READY=1', 'STATUS=')\n"
        "def leave(*_):\n"
        "    say('STOPPING=1', f'ERRNO={errno.ENOSPC}')\n"
        "    time.sleep(0.6)\n"
        "    sys.exit(3)\n"
        "signal.signal(signal.SIGHUP, reload)\n"
        "signal.signal(signal.SIGUSR1, leave)\n"
        "say('READY=1', 'STATUS=')\n"
        "while True:\n"
        "    time.sleep(0.1)\n",
    )
    node.write(
        f"""
[service.web]
command = ["{python}", "{server}"]
directory = "/"
ready = {{ notify = true, timeout = "400ms" }}
restart = {{ when = "never" }}
"""
    )
    node.good("up", "-d")
    first = node.running()["web"]
    node.good("signal", "HUP", "web")
    node.until(lambda: node.status()["web"]["message"] == "reloading: new rules", "it reloads")
    node.until(lambda: node.status()["web"]["message"] == "", "it has reloaded")
    assert node.running()["web"] == first
    node.good("signal", "USR1", "web")
    node.until(lambda: node.status()["web"]["message"] == "stopping by itself", "it says that it stops")
    node.until(lambda: node.status()["web"]["state"] == "failed", "it ended")
    assert "it said ENOSPC: no space left on device" in node.status()["web"]["message"]


def test_f01_what_is_said_while_there_is_no_manager_counts(node: Node, python: str) -> None:
    """It waits in the socket, for whoever takes the launches over."""
    go = node.folder / "go"
    server = written(
        node,
        NOTIFY
        + f"while not os.path.exists('{go}'):\n    time.sleep(0.002)\nsay('READY=1')\ntime.sleep(1000)\n",
    )
    node.write(
        f"""
[service.web]
command = ["{python}", "{server}"]
directory = "/"
ready = {{ notify = true, timeout = "60s" }}
"""
    )
    with node.begin("up", "-d") as client:
        node.until(lambda: node.run("status").code in {0, 3} and "web" in node.running(), "web runs")
        time.sleep(0.3)  # until its interpreter looks for the file
        node.kill("manager")
        go.touch()
        node.until(lambda: node.run("status").code == 0, "another manager found it ready")
        client.kill()


def test_a_daemon_of_the_old_kind_says_it_for_its_service(node: Node, python: str) -> None:
    """A process that left its session, and whose parent is gone, is known by the control group that it is in."""
    if not any(os.access(f"/sys/fs/cgroup/{name}", os.W_OK) for name in ("pids", "cgroup.procs")):
        pytest.skip("no control groups that can be made here")
    server = written(
        node,
        NOTIFY + "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        while os.getppid() == os.getsid(0):\n"
        "            time.sleep(0.01)\n"
        "        say('READY=1')\n"
        "        time.sleep(1000)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "time.sleep(1000)\n",
    )
    node.write(
        f"""
[service.web]
command = ["{python}", "{server}"]
directory = "/"
ready = {{ notify = true, timeout = "10s" }}
"""
    )
    node.good("up", "-d")


def test_f24_floods_garbage_and_strangers(node: Node, python: str) -> None:
    """Two services shout, one of them nonsense: the node answers, a stranger's word counts for nobody."""
    flood = written(
        node,
        NOTIFY + "count = 0\n"
        "one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        "one.connect('\\0' + os.environ['NOTIFY_SOCKET'][1:])\n"
        "one.send(b'READY=1')\n"
        "while True:\n"
        "    count += 1\n"
        "    one.send((b'READY=1', b'STATUS=%d' % count, b'', b'\\xff' * 3000)[count % int(sys.argv[1])])\n",
        "flood.py",
    )
    silent = written(node, NOTIFY + "print(os.environ['NOTIFY_SOCKET'], flush=True)\ntime.sleep(1000)\n")
    node.write(
        f"""
[service.flood]
command = ["{python}", "{flood}", "2"]
directory = "/"
ready = {{ notify = true }}

[service.garbage]
command = ["{python}", "{flood}", "4"]
directory = "/"
ready = {{ notify = true }}

[service.silent]
command = ["{python}", "{silent}"]
directory = "/"
ready = {{ notify = true, timeout = "60s" }}
"""
    )
    with node.begin("up", "-d") as client:
        node.until(lambda: "@" in node.run("logs", "silent").out, "silent told us its socket")
        address = next(word for word in node.good("logs", "silent").split() if word.startswith("@"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
            stranger.settimeout(20)
            for _ in range(3):
                stranger.sendto(b"READY=1", "\0" + address[1:])
        node.until(lambda: node.status()["flood"]["state"] == "ready", "flood is ready")
        began = time.monotonic()
        for _ in range(5):
            status = node.status()
        assert time.monotonic() - began < 5.0
        assert status["silent"]["state"] == "starting"
        assert (status["garbage"]["state"], status["flood"]["state"]) == ("ready", "ready")
        client.kill()
    before = cpu_seconds(node.processes()["manager"])
    time.sleep(1.0)
    assert cpu_seconds(node.processes()["manager"]) - before < 0.5


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
