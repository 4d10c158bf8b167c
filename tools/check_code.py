"""The ceilings of the house: sizes, names, and who may call the kernel. Exit 1 with one line per finding.

Usage: python tools/check_code.py [FOLDER ...]   (default: src tests tools examples)
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LINES, CLASS_LINES, FUNCTION_LINES = 500, 250, 60
HALF_OF_FILES = 180
BAD_NAMES = frozenset({"util", "utils", "common", "helpers", "helper", "base", "misc", "model", "models"})

KERNEL_MODULES = frozenset({
    "_socket", "ctypes", "fcntl", "grp", "multiprocessing", "mmap", "pty", "pwd", "resource", "select", "selectors",
    "socket", "subprocess", "termios", "threading",
})  # fmt: skip
KERNEL_OS = frozenset({
    "abort", "chdir", "chmod", "chown", "close", "closerange", "dup", "dup2", "execl", "execv", "execve", "execvp",
    "fchdir", "fchmod", "fchown", "fork", "forkpty", "fsync", "ftruncate", "initgroups", "kill", "killpg", "lchown",
    "link", "listdir", "lstat", "makedirs", "mkdir", "mkfifo", "mknod", "open", "pidfd_open", "pipe", "pipe2",
    "posix_spawn", "posix_spawnp", "pread", "pwrite", "read", "readlink", "remove", "rename", "replace", "rmdir",
    "scandir", "sendfile", "setgid", "setgroups", "setpgid", "setregid", "setresgid", "setresuid", "setreuid",
    "setsid", "setuid", "splice", "stat", "statvfs", "symlink", "system", "truncate", "umask", "unlink", "utime",
    "wait", "waitid", "waitpid", "write", "writev",
})  # fmt: skip
KERNEL_SIGNAL = frozenset(
    {"alarm", "pidfd_send_signal", "pthread_sigmask", "set_wakeup_fd", "setitimer", "signal"}
)

EXCEPTIONS: dict[str, frozenset[str]] = {
    # Path below src/snowfox: what it may use there, and why.
    "core/posix": frozenset({"*"}),  # this is the one place
    "core/packages.py": frozenset(
        {"os.listdir", "os.open"}
    ),  # of sys.path, before there is a Posix; pathlib costs 5 ms
    # The one writer thread, and the database's file, which is its owner's alone from the first moment.
    "core/store/sqlite.py": frozenset({"threading", "os.open", "os.fchmod", "os.close"}),
    "manager/output": frozenset({"threading"}),  # the one thread that writes output to files
    "cli": frozenset({"*"}),  # a person's own process: terminal, files, and becoming the daemon by exec
    "testing": frozenset({"*"}),
    "spawner/build_launcher.py": frozenset({"subprocess"}),  # runs when the package is built, never on a node
}


def main() -> int:
    """Print findings; 0 when there are none."""
    root = Path(__file__).resolve().parent.parent
    folders = sys.argv[1:] or ["src", "tests", "tools", "examples"]
    findings: list[str] = []
    lengths: list[int] = []
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            text = path.read_text()
            tree = ast.parse(text)
            where = path.relative_to(root)
            if folder == "src":
                lengths.append(text.count("\n"))
                findings += [f"{where}:{line}: {what}" for line, what in kernel_calls(tree, path, root)]
            findings += [f"{where}:{line}: {what}" for line, what in sizes(tree, text)]
            if path.stem in BAD_NAMES:
                findings.append(f"{where}:1: a file is named for what it holds, not {path.stem}")
    if lengths and statistics.median(lengths) > HALF_OF_FILES:
        findings.append(f"src: the median file has {statistics.median(lengths):g} lines, not {HALF_OF_FILES}")
    print("\n".join(findings) if findings else "code within its ceilings")
    return bool(findings)


def sizes(tree: ast.Module, text: str) -> Iterator[tuple[int, str]]:
    """What is longer than its ceiling."""
    lines = text.count("\n")
    if lines > FILE_LINES:
        yield 1, f"file of {lines} lines, at most {FILE_LINES}"
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        most = CLASS_LINES if isinstance(node, ast.ClassDef) else FUNCTION_LINES
        if length > most:
            yield node.lineno, f"{node.name} has {length} lines, at most {most}"


def allowed(path: Path, root: Path) -> frozenset[str]:
    """What EXCEPTIONS allow a file."""
    inside = path.relative_to(root / "src" / "snowfox").as_posix()
    found: set[str] = set()
    for prefix, names in EXCEPTIONS.items():
        if inside == prefix or inside.startswith(prefix + "/"):
            found |= names
    return frozenset(found)


def kernel_calls(tree: ast.Module, path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """Uses of the kernel around core/posix."""
    names = allowed(path, root)
    if "*" in names:
        return
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                used = [alias.name.split(".")[0] for alias in node.names]
            case ast.ImportFrom(module=str(module)):
                used = [module.split(".")[0]]
                if module in {"os", "signal"}:
                    used = [f"{module}.{alias.name}" for alias in node.names]
            case ast.Attribute(value=ast.Name(id="os" | "signal" as owner), attr=attribute):
                used = [f"{owner}.{attribute}"]
            case ast.Call(func=ast.Name(id="open")):
                used = ["os.open"]
            case _:
                continue
        for name in used:
            module, _, attribute = name.partition(".")
            banned = (
                module in KERNEL_MODULES
                or (module == "os" and attribute in KERNEL_OS)
                or (module == "signal" and attribute in KERNEL_SIGNAL)
            )
            if banned and name not in names:
                yield node.lineno, f"{name} is called through core.posix only"


if __name__ == "__main__":
    raise SystemExit(main())
