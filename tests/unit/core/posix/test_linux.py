"""What only Linux can prove: signals of what it starts, memory and modules of its import."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import snowfox
from snowfox.core.posix.api import Spawn
from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import PosixError
from snowfox.values import Exit

SOURCE = Path(snowfox.__file__).parent.parent


OF_THE_C_LIBRARY = 1 << 31 | 1 << 32
"""Signals 32 and 33: glibc's posix_spawn, also that of make, leaves them ignored, and no program may use them."""


def masks_of(text: str) -> dict[str, int]:
    """The signal masks of /proc/PID/status."""
    lines = (line.split(":") for line in text.splitlines())
    wanted = {"SigBlk", "SigIgn", "SigCgt"}
    return {name: int(value, 16) & ~OF_THE_C_LIBRARY for name, value in lines if name in wanted}


def output_of(posix: LinuxPosix, start) -> str:
    """What a child writes that `start` makes with the write end of a pipe."""
    reader, writer = posix.files.pipe()
    os.set_blocking(reader, True)
    pid = start(writer)
    posix.files.close(writer)
    parts = []
    while part := posix.files.read(reader, 65536):
        parts.append(part)
    posix.files.close(reader)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return b"".join(parts).decode()


CAT = ("cat", "/proc/self/status")


def test_signals_of_a_spawned_program() -> None:
    """It starts with none blocked or ignored, though we ignore PIPE and block one."""
    posix = LinuxPosix()
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        text = output_of(
            posix, lambda out: posix.processes.spawn(Spawn("/bin/cat", CAT, {}, ((out, 1),), session=False))
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    masks = masks_of(text)
    assert masks == {"SigBlk": 0, "SigIgn": 0, "SigCgt": 0}


def test_signals_of_a_forked_program() -> None:
    """The same by fork and execute; the parent's mask is as before."""
    posix = LinuxPosix()

    def start(out: int) -> int:
        pid = posix.processes.fork()
        if pid == 0:
            try:
                posix.files.duplicate_to(out, 1, inherited=True)
                posix.own.execute("/bin/cat", CAT, {})
            finally:
                posix.own.leave(1)
        return pid

    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert masks_of(output_of(posix, start)) == {"SigBlk": 0, "SigIgn": 0, "SigCgt": 0}
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_environment_and_arguments() -> None:
    """A program gets exactly the environment and arguments of its order."""
    posix = LinuxPosix()
    order = ("sh", "-c", 'echo "$0 $1 $A"; export -p', "zero", "one")
    text = output_of(
        posix,
        lambda out: posix.processes.spawn(Spawn("/bin/sh", order, {"A": "b"}, ((out, 1),), session=False)),
    )
    assert text.splitlines()[0] == "zero one b"
    assert "HOME" not in text


def test_number_above_255() -> None:
    """Exit codes are what wait(2) tells: the low byte."""
    posix = LinuxPosix()
    pid = posix.processes.spawn(Spawn("/bin/sh", ("sh", "-c", "exit 258"), {}, (), session=False))
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert posix.processes.exit_of(pid, reap=True) == Exit(code=2)


def test_name_with_brackets(tmp_path) -> None:
    """A program's name with brackets and spaces does not confuse its identity."""
    program = tmp_path / "a) R 1 (b"
    program.symlink_to("/bin/sleep")
    posix = LinuxPosix()
    pid = posix.processes.spawn(Spawn(str(program), ("x", "60"), {}, (), session=False))
    try:
        found = posix.processes.identity(pid)
        assert found is not None
        assert (found.pid, found.parent) == (pid, os.getpid())
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_no_link_is_followed(tmp_path) -> None:
    """A link in an open folder is not followed by open, mode or own."""
    (tmp_path / "target").write_bytes(b"x")
    (tmp_path / "target").chmod(0o600)
    (tmp_path / "link").symlink_to("target")
    posix = LinuxPosix()
    folder = posix.files.open(str(tmp_path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        with pytest.raises(PosixError, match="ELOOP"):
            posix.files.open("link", os.O_RDONLY, folder=folder)
        with pytest.raises(PosixError):
            posix.folders.mode("link", 0o777, folder=folder)
        assert posix.files.link_target("link", folder=folder) == "target"
        assert posix.files.stat("link", folder=folder).mode & 0o170000 == 0o120000
        assert posix.files.stat("link", folder=folder, follow=True).mode == 0o100600
    finally:
        posix.files.close(folder)


def run_isolated(code: str) -> str:
    """What a fresh `python -I -S` prints for this code."""
    text = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); {code}"
    return subprocess.run(  # the same interpreter as ours
        [sys.executable, "-I", "-S", "-c", text], check=True, capture_output=True, text=True, timeout=60
    ).stdout


def test_cheap_import() -> None:
    """The Linux posix loads none of the modules that daemon and spawner must do without."""
    names = run_isolated("import snowfox.core.posix.linux; print(*sys.modules)").split()
    heavy = {
        "asyncio",
        "socket",
        "selectors",
        "ctypes",
        "_ctypes",
        "subprocess",
        "dataclasses",
        "pathlib",
        "logging",
        "json",
    }
    assert not heavy.intersection(names)


def test_prctl_without_ctypes() -> None:
    """A call that Python does not wrap needs the C half of ctypes alone, and works."""
    code = (
        "from snowfox.core.posix.linux import LinuxPosix; LinuxPosix().own.set_no_new_privileges();"
        "print('ctypes' in sys.modules, [l for l in open('/proc/self/status') if l.startswith('NoNewPrivs')])"
    )
    assert run_isolated(code).strip() == "False ['NoNewPrivs:\\t1\\n']"


def test_dumpable() -> None:
    """A process that is not dumpable has files of root in /proc; made dumpable again, of its user."""
    code = (
        "from snowfox.core.posix.linux import LinuxPosix; p = LinuxPosix(); import os;"
        "p.own.set_dumpable(dumpable=False); a = os.stat('/proc/self/stat').st_uid;"
        "p.own.set_dumpable(dumpable=True); print(a, os.stat('/proc/self/stat').st_uid == os.getuid())"
    )
    assert run_isolated(code).strip() == "0 True"
