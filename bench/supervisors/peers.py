"""The peers, each tuned for speed where it has a setting."""

from __future__ import annotations

import json
import os
import shlex
import signal
import time
from pathlib import Path

from adapter import Adapter, adapter
from processes import now, reap, reaped


@adapter
class Supervisord(Adapter):
    """minfds as low as N allows, no log files, stderr joined to stdout, startsecs=0; stopped by
    `supervisorctl stop all`, then SIGTERM."""

    name = "supervisord"
    phase = 1.0

    def version(self):
        return self.run([self.which("supervisord"), "-v"]).strip()

    def write_config(self, services):
        self.services = services
        n = len(services)
        w = self.work
        minfds = 3 * n + 64
        (w / "logs").mkdir(exist_ok=True)
        common = "autorestart=true\nstartsecs=0\nredirect_stderr=true\n"
        if self.captures:
            common += f"stdout_logfile={w}/logs/current\nstdout_logfile_maxbytes=10MB\n"
            common += "stdout_logfile_backups=200\n"
        else:
            common += "stdout_logfile=NONE\n"
        text = [
            f"[supervisord]\nnodaemon=true\nuser=root\nidentifier=b\nlogfile={w}/main.log\n"
            f"pidfile={w}/pid\nchildlogdir={w}/logs\nminfds={minfds}\nminprocs=200\n"
            f"[unix_http_server]\nfile={w}/sock\n[supervisorctl]\nserverurl=unix://{w}/sock\n"
            "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = "
            "supervisor.rpcinterface:make_main_rpcinterface\n"
        ]
        for s in services:
            text.append(f"[program:{s.name}]\ncommand={s.line}\n{common}")
        (w / "conf").write_text("\n".join(text))

    def start(self):
        return self.spawn([self.which("supervisord"), "-c", self.work / "conf"])

    def ctl(self, *args, check=True):
        return self.run([self.which("supervisorctl"), "-c", self.work / "conf", *args], check=check)

    def status(self):
        return self.ctl("status", check=False)

    def reload_one_changed(self, service):
        self.write_config(self.services)
        t0 = now()
        self.ctl("update")
        return t0

    def stop(self):
        self.ctl("stop", "all", check=False)  # SIGTERM alone stops one group at a time, up to a second each
        os.kill(self.root, signal.SIGTERM)


@adapter
class Circus(Adapter):
    """check_delay 0.02 s (1 s beyond N=200) where the default is 5 s."""

    name = "circus"
    phase = 1.0
    start_timeout = 180
    stop_timeout = 120

    def version(self):
        return self.run([self.which("circusd"), "--version"]).strip().split("\n")[-1]

    def write_config(self, services):
        self.services = services
        w = self.work
        delay = "check_delay = %s\n" % (0.02 if len(services) <= 200 else 1.0)
        text = [f"[circus]\nendpoint = ipc://{w}/ep\npubsub_endpoint = ipc://{w}/pub\n{delay}"]
        for s in services:
            text.append(f"[watcher:{s.name}]\ncmd = {s.argv[0]}\nargs = {shlex.join(s.argv[1:])}\n")
            if self.captures:
                (w / "logs").mkdir(exist_ok=True)
                text.append(
                    f"stdout_stream.class = FileStream\nstdout_stream.filename = {w}/logs/current\n"
                    "stdout_stream.max_bytes = 10000000\nstdout_stream.backup_count = 200\n"
                )
        (w / "circus.ini").write_text("\n".join(text))

    def start(self):
        return self.spawn([self.which("circusd"), self.work / "circus.ini"])

    def ctl(self, *args):
        return self.run(
            [self.which("circusctl"), "--timeout", "60", "--endpoint", f"ipc://{self.work}/ep", *args]
        )

    def status(self):
        return self.ctl("status")

    def reload_one_changed(self, service):
        self.write_config(self.services)
        t0 = now()
        self.ctl("reloadconfig")
        return t0


class ScanDir(Adapter):
    """s6 and runit: one directory a service."""

    mode = "default"

    def script(self, s):
        return f"#!/bin/sh\nexec {s.line}\n"

    def write_one(self, s):
        d = self.work / "scan" / s.name
        d.mkdir(parents=True, exist_ok=True)
        self.write_run(d / "run", self.script(s))
        if self.captures:
            (d / "log").mkdir(exist_ok=True)
            (self.work / "logs" / s.name).mkdir(parents=True, exist_ok=True)
            self.write_run(d / "log" / "run", f"#!/bin/sh\nexec {self.logger(s)}\n")

    def logger(self, s):
        """The command that writes a service's log."""
        raise NotImplementedError

    def log_files(self):
        return [p for p in super().log_files() if p.name not in {"lock", "state", "config"}]

    @staticmethod
    def write_run(path, text):
        new = path.with_name(path.name + ".new")
        new.write_text(text)
        new.chmod(0o755)
        new.rename(path)

    def write_config(self, services):
        self.services = services
        (self.work / "scan").mkdir(exist_ok=True)
        for s in services:
            self.write_one(s)


@adapter
class S6(ScanDir):
    """A /bin/sh run script a service, no loggers, s6-svscan -c as N needs."""

    name = "s6"

    def version(self):
        return self.bench.package_version("s6")

    def logger(self, s):
        return f"{self.which('s6-log')} n200 s10000000 {self.work}/logs/{s.name}"

    def start(self):
        return self.spawn([self.which("s6-svscan"), "-c", 4 * len(self.services) + 10, self.work / "scan"])

    def status(self):
        return self.run(["/bin/sh", "-c", 'for d in "$0"/*; do s6-svstat "$d"; done', self.work / "scan"])

    def reload_one_changed(self, service):
        self.write_one(service)
        t0 = now()
        self.run([self.which("s6-svc"), "-r", self.work / "scan" / service.name])
        return t0


@adapter
class Runit(ScanDir):
    """A /bin/sh run script a service, no loggers."""

    name = "runit"
    n_max = 1000

    def version(self):
        return self.bench.package_version("runit")

    def logger(self, s):
        (self.work / "logs" / s.name / "config").write_text("s10000000\nn200\n")
        return f"{self.which('svlogd')} -b 65536 {self.work}/logs/{s.name}"

    def start(self):
        return self.spawn([self.which("runsvdir"), "-P", self.work / "scan"])

    def status(self):
        return self.run(["/bin/sh", "-c", 'exec sv status "$0"/*', self.work / "scan"])

    def reload_one_changed(self, service):
        self.write_one(service)
        t0 = now()
        self.run([self.which("sv"), "restart", self.work / "scan" / service.name])
        return t0

    def stop(self):
        os.kill(self.root, signal.SIGHUP)


@adapter
class Pm2(Adapter):
    """Fork mode, no interpreter, vizion, pmx and treekill off, 16 actions at a time."""

    name = "pm2"
    start_timeout = 240
    stop_timeout = 120

    def __init__(self, bench, work):
        super().__init__(bench, work)
        self.env["PM2_HOME"] = str(work / "pm2")
        self.env["PM2_DISABLE_VERSION_CHECK"] = "true"
        self.env["PM2_CONCURRENT_ACTIONS"] = "16"

    def version(self):
        out = json.loads(
            (Path(os.path.realpath(self.which("pm2"))).parent.parent / "package.json").read_text()
        )
        return out["version"]

    def write_config(self, services):
        self.services = services
        (self.work / "logs").mkdir(exist_ok=True)
        apps = []
        for s in services:
            app = {
                "name": s.name,
                "script": s.argv[0],
                "args": s.argv[1:],
                "interpreter": "none",
                "exec_mode": "fork",
                "cwd": str(self.work),
            }
            app.update(
                vizion=False,
                pmx=False,
                automation=False,
                treekill=False,
                max_restarts=1000,
                out_file=f"{self.work}/logs/current" if self.captures else "/dev/null",
                error_file="/dev/null",
            )
            apps.append(app)
        (self.work / "eco.config.js").write_text("module.exports = " + json.dumps({"apps": apps}))

    def start(self):
        if not self.services:
            return self.spawn([self.which("pm2"), "ping"])
        return self.spawn([self.which("pm2"), "start", self.work / "eco.config.js"])

    def after_start(self):
        end = time.monotonic() + 300
        while self.root not in reaped and time.monotonic() < end:
            reap()
            time.sleep(0.05)

    def status(self):
        return self.run([self.which("pm2"), "list"])

    def reload_one_changed(self, service):
        self.write_config(self.services)
        t0 = now()
        config = self.work / "eco.config.js"
        self.run([self.which("pm2"), "startOrRestart", config, "--only", service.name], timeout=180)
        return t0

    def stop(self):
        self.run([self.which("pm2"), "kill"], timeout=self.stop_timeout)
