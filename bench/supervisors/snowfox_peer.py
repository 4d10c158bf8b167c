"""Snow Fox itself, as its users start it."""

from __future__ import annotations

import contextlib

from adapter import Adapter, adapter


@adapter
class SnowFox(Adapter):
    """`snowfox up -d` in a folder with a snowfox.toml; restart without delay; stopped by `snowfox down`."""

    name = "snowfox"
    settle = 0.2

    def version(self):
        return self.run([self.which("snowfox"), "--version"]).strip()

    def write_config(self, services):
        self.services = services
        text = ['[node]\nname = "bench"\n']
        for s in services:
            command = ", ".join(f'"{word}"' for word in s.argv)
            text.append(
                f'[service.{s.name}]\ncommand = [{command}]\nrestart = {{ delay = "0s", limit = 1000 }}\n'
            )
        (self.work / "snowfox.toml").write_text("\n".join(text))

    def start(self):
        return self.spawn([self.which("snowfox"), "up", "-d", self.work])

    def ctl(self, *args, check=True):
        return self.run([self.which("snowfox"), "--node", self.work, *args], check=check)

    def status(self):
        return self.ctl("status", check=False)

    def stop(self):
        self.ctl("down")

    def role(self, pid):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
            for role in ("daemon", "spawner", "manager"):
                if role.encode() in words:
                    return role
        return ""
