"""Snow Fox itself, as its users start it."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from adapter import METRICS, Adapter, adapter
from processes import now


@adapter
class SnowFox(Adapter):
    """`snowfox up -d` in a folder with a snowfox.toml; restart without delay; stopped by `snowfox down`."""

    name = "snowfox"
    can = METRICS | {"check", "plan"}
    settle = 0.2

    def version(self):
        return self.run([self.which("snowfox"), "--version"]).strip()

    def write_config(self, services):
        self.services = services
        text = ['[node]\nname = "bench"\n']
        if self.captures:
            text.append('[defaults]\nlog = { size = "10M", keep = 200 }\n')
        for s in services:
            command = ", ".join(f'"{word}"' for word in s.argv)
            text.append(
                f'[service.{s.name}]\ncommand = [{command}]\nrestart = {{ delay = "0s", limit = 1000 }}\n'
            )
        (self.work / "snowfox.toml").write_text("\n".join(text))

    def log_files(self):
        found = (self.work / ".snowfox" / "logs").rglob("*")
        return [p for p in found if p.is_file() and p.suffix != ".index"]

    def start(self):
        return self.spawn([self.which("snowfox"), "up", "-d", self.work])

    def ctl(self, *args, check=True):
        return self.run([self.which("snowfox"), "--node", self.work, *args], check=check)

    def status(self):
        return self.ctl("status", check=False)

    def reload_one_changed(self, service):
        self.write_config(self.services)
        t0 = now()
        self.ctl("apply")
        return t0

    def check(self):
        self.run([self.which("snowfox"), "check", self.work])

    def plan(self, count):
        """ms of the manager's part of a plan, see `planning.py`."""
        program = Path(__file__).with_name("planning.py")
        out = self.run([sys.executable, program, self.work / "snowfox.toml", count])
        return [float(line) for line in out.splitlines()]

    def stop(self):
        self.ctl("down")

    def role(self, pid):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
            for role in ("daemon", "spawner", "manager"):
                if role.encode() in words:
                    return role
        return ""
