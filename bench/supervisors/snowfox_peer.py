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
        return self.spawn(["/usr/bin/env", "-C", self.work, self.which("snowfox"), "up", "-d"])

    def status(self):
        return self.run(["/usr/bin/env", "-C", self.work, self.which("snowfox"), "status"], check=False)

    def stop(self):
        self.run(["/usr/bin/env", "-C", self.work, self.which("snowfox"), "down"])

    def role(self, pid):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
            for role in ("daemon", "spawner", "manager"):
                if role.encode() in words:
                    return role
        return ""
