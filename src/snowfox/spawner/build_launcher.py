"""Build the launcher from `launcher.c`, where there is a compiler: `python src/snowfox/spawner/build_launcher.py`.

The build of the package calls `build` too. Without a compiler, or on another processor, nothing is built and the
spawner forks instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_FLAGS = (
    "-Os",
    "-static",
    "-nostdlib",
    "-ffreestanding",
    "-fno-builtin",
    "-fno-stack-protector",
    "-fno-pie",
    "-no-pie",
    "-fno-asynchronous-unwind-tables",
    "-Wl,--build-id=none",
    "-Wl,-z,noexecstack",
    "-Wl,-z,noseparate-code",
    "-Wl,-z,norelro",
    "-s",
)


def build(folder: str | None = None) -> str:
    """Build the launcher into the folder of its source (or another). Returns the one line that says what became of it."""
    here = Path(__file__).resolve().parent
    source = here / "launcher.c"
    target = Path(folder or here) / "launcher"
    compiler = os.environ.get("CC") or next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        return "no C compiler: the spawner will fork"
    made = target.with_suffix(f".{os.getpid()}")
    command = [*compiler.split(), *_FLAGS, "-o", str(made), str(source)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no launcher, the spawner will fork: {error}"
    if done.returncode != 0:
        return f"no launcher, the spawner will fork: {done.stderr.strip()}"
    made.chmod(0o755)
    made.replace(target)
    return f"built {target}, {target.stat().st_size} bytes"


if __name__ == "__main__":
    sys.stdout.write(build() + "\n")
