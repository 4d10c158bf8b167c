"""What tables of `snowfox.toml` say about one another: names that must be there, circles, names to fill in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from snowfox.core.config.nearest import did_you_mean
from snowfox.core.config.problem import Problem, quoted
from snowfox.core.config.report import Report
from snowfox.core.config.scanner import Path
from snowfox.service import relations, schedule_checks
from snowfox.service.folder import MAIN
from snowfox.service.hook_checks import of_reload, of_stop
from snowfox.service.layer import Chain, Layer
from snowfox.service.probe_checks import of_descriptor, of_forms, of_shared
from snowfox.service.requirement import place_of
from snowfox.service.spec import Configuration, Service
from snowfox.service.variables import Variables
from snowfox.service.written import shell_character
from snowfox.values import LONGEST_PATH, MOST_SECRETS, MOST_SOCKETS, is_socket_key

MOST_PASSED: Final = 24
"""Descriptors passed to one service."""


def check(
    report: Report, configuration: Configuration, chains: Mapping[str, Chain], layers: Iterable[Layer]
) -> None:
    """All that is wrong between the tables.

    Args:
        report: of the main document.
        configuration: what it says; keys that have errors of their own are left out, and not looked at again.
        chains: by service, what says something about it; raises where that is asked of one that was taken over, in
            which nothing is wrong but what is between it and others.
        layers: all that says something about services, what no service has included.
    """
    checks = _Checks(report, configuration, chains)
    checks.addresses()
    checks.number()
    checks.files()
    for layer in layers:
        checks.layer(layer)
    variables = Variables(configuration, chains)
    for service in configuration.services.values():
        checks.among(service)
        if service.name in chains:
            checks.service(service)
            variables.check(service)
    relations.circles(configuration.services, chains)
    relations.conflicts(configuration.services, chains)
    relations.ports(configuration.services, chains)
    checks.renamed()
    checks.whole()


class _Checks:
    def __init__(self, report: Report, configuration: Configuration, chains: Mapping[str, Chain]) -> None:
        self._report = report
        self._tree = report.document.tree
        self._services = configuration.services
        self._sockets = configuration.sockets
        self._chains = chains
        self._unready: set[str] = set()
        self._warned: set[Path] = set()

    def addresses(self) -> None:
        """No address twice; port 0 and different kinds are different addresses."""
        first: dict[str, str] = {}
        for socket in self._sockets.values():
            written: Any = self._tree["socket"][socket.name].get("listen")
            if written == []:
                path: Path = ("socket", socket.name, "listen")
                self._wrong(
                    f"socket {socket.name}", path, "listen is empty", hint='for example "127.0.0.1:8080"'
                )
            for index, address in enumerate(socket.listen):
                if not is_socket_key(f"{socket.name}={address}"):
                    path = _word(("socket", socket.name, "listen"), index, written)
                    why = (
                        f"{quoted(address)} is too long, or below a folder with a tab or newline in its name"
                    )
                    self._wrong(f"socket {socket.name}", path, why)
                if address.endswith(":0") and not address.startswith("unix:"):
                    continue
                other = first.get(address)
                first.setdefault(address, socket.name)
                if other is not None:
                    path = _word(("socket", socket.name, "listen"), index, written)
                    where = "twice" if other == socket.name else f"by socket {other} too"
                    self._wrong(f"socket {socket.name}", path, f"{quoted(address)} is listened on {where}")

    def number(self) -> None:
        """No more sockets than a node can have, told of the first that is too much."""
        count = sum(len(socket.listen) for socket in self._sockets.values())
        room = MOST_SOCKETS
        for socket in self._sockets.values():
            room -= len(socket.listen)
            if room < 0:
                why = f"all sockets have {count} addresses, more than the {MOST_SOCKETS} of a node"
                self._wrong(f"socket {socket.name}", ("socket", socket.name, "listen"), why)
                return

    def files(self) -> None:
        """Mode and owner are of files: of sockets that have one."""
        for socket in self._sockets.values():
            if any(address.startswith("unix:/") for address in socket.listen):
                continue
            for key in ("mode", "user", "group"):
                if key in self._tree["socket"][socket.name]:
                    path: Path = ("socket", socket.name, key)
                    self._wrong(f"socket {socket.name}", path, f"{key} is only for unix:PATH", part="key")

    def layer(self, layer: Layer) -> None:
        """What is wrong with a table whichever service has it: names, and forms of `ready`."""
        self._of_sockets(layer)
        relations.names(layer, self._services)
        of_forms(layer)
        of_stop(layer)
        schedule_checks.check_layer(layer)
        of_reload(layer)

    def among(self, service: Service) -> None:
        """What is wrong with one service because of others that it names."""
        for key in ("requires", "wants", "after"):
            for name in getattr(service, key):
                self._of_readiness(service, key, name)
        schedule_checks.check_required(service, self._services, self._chains)

    def service(self, service: Service) -> None:
        """Everything else about one service."""
        chain = self._chains[service.name]
        count = sum(len(self._sockets[name].listen) for name in {*service.sockets} & self._sockets.keys())
        if count > MOST_PASSED:
            why = f"{count} addresses are more than the {MOST_PASSED} that can be passed"
            chain.wrong(f"service {service.name}", ("sockets",), why)
        self._of_demand(service, chain)
        if len(service.secrets) > MOST_SECRETS:
            why = f"{len(service.secrets)} secrets are more than the {MOST_SECRETS} that can be passed"
            chain.wrong(f"service {service.name}", ("secrets",), why, part="key")
        for secret in service.secrets:
            if len(secret.file) > LONGEST_PATH:
                why = f"the path of secret {secret.name} is longer than {LONGEST_PATH} characters"
                chain.wrong(f"service {service.name}", ("secrets", secret.name, "file"), why)
            if secret.name in service.environment:
                why = f"{secret.name} is in environment too"
                chain.wrong(f"service {service.name}", ("secrets", secret.name), why, part="key")
        if service.port + service.count - 1 > 65535:
            why = f"{service.port} and one more for each of {service.count} instances goes beyond 65535"
            chain.wrong(f"service {service.name}", ("port",), why)
        self._of_ready(service, chain)
        schedule_checks.check_service(service, chain)
        self._of_shell(chain)

    def renamed(self) -> None:
        """Each old name is that of one service, which is no other one's name now."""
        first: dict[str, str] = {}
        for service in self._services.values():
            if not service.was:
                continue
            chain = self._chains[service.name]
            if service.was in self._services:
                why = f"there is a service {quoted(service.was)}: was is for a name that nobody has any more"
                chain.wrong(f"service {service.name}", ("was",), why)
            elif first.setdefault(service.was, service.name) != service.name:
                why = f"service {first[service.was]} was {quoted(service.was)} too"
                chain.wrong(f"service {service.name}", ("was",), why)

    def whole(self) -> None:
        """A configuration without a service is most likely not what was meant."""
        if not self._services and not self._report.problems:
            file = self._report.document.file
            header = "services/web.toml and in" if file.endswith(MAIN) else "[service.web] and below"
            hint = f'for example {header} it command = "python3 app.py"'
            self._report.add(Problem("there is no service in it", hint, file, is_warning=True))

    def _of_sockets(self, layer: Layer) -> None:
        seen: set[str] = set()
        for index, name in enumerate(layer.fields.get("sockets", ())):
            if name not in self._sockets:
                hint = did_you_mean(name, self._sockets) or f"write [socket.{name}]"
                layer.wrong(("sockets", index), f"there is no socket {quoted(name)}", hint=hint)
            elif name in seen:
                layer.wrong(("sockets", index), f"{quoted(name)} is written twice")
            seen.add(name)

    def _of_readiness(self, service: Service, key: str, name: str) -> None:
        """Whoever waits for a service that cannot say it is ready waits for next to nothing."""
        other = self._services.get(name)
        if other is None or other.is_task or not other.ready.is_immediate or name in self._unready:
            return
        self._unready.add(name)
        if self._chains[name].where(("ready",)) is not None:
            return
        chain = self._chains[service.name]
        chain.warn(
            (key, place_of(chain.written(key), name)),
            f"service {service.name} waits for {name}, which cannot say that it is ready",
            hint=f'say how in service {name}, for example ready = {{ tcp = "127.0.0.1:6379" }}',
        )

    def _of_demand(self, service: Service, chain: Chain) -> None:
        """Who starts for what comes has somewhere where it can come, and serves it."""
        subject = f"service {service.name}"
        if service.is_on_demand and service.is_task:
            chain.wrong(subject, ("start",), "a task runs to its end; on-demand is for services")
        elif service.is_on_demand and not service.sockets:
            why = "nothing can come for what has no sockets"
            chain.wrong(subject, ("start",), why, hint='name those that it serves: sockets = ["front"]')
        elif service.idle and not service.is_on_demand:
            why = "idle is for what starts on demand"
            chain.wrong(subject, ("idle",), why, hint='with it goes start = "on-demand"', part="key")

    def _of_shell(self, chain: Chain) -> None:
        """What only a shell would understand, told once where it is written."""
        command = chain.written("command")
        letters = shell_character(command) if isinstance(command, str) else ""
        layer = chain.where(("command",)) if letters else None
        if layer is not None and layer.root not in self._warned:
            self._warned.add(layer.root)
            chain.warn(
                ("command",),
                f"{layer.subject}: {quoted(letters)} is passed on as it is, for no shell runs",
                hint=f'if a shell is meant: command = ["sh", "-c", {_toml(command)}]',
                within=letters,
            )

    def _of_ready(self, service: Service, chain: Chain) -> None:
        for key in ("ready", "alive", "watchdog") if service.is_task else ():
            if chain.where((key,)) is not None:
                why = f"a task is ready when it finished well; {key} is for services"
                chain.wrong(f"service {service.name}", (key,), why, part="key")
        if not service.is_task and chain.where(("timeout",)) is not None:
            why = "a service runs on; timeout is for tasks"
            hint = "how long a start may take: ready.timeout; how long a stop may: stop.grace"
            chain.wrong(f"service {service.name}", ("timeout",), why, hint=hint, part="key")
        of_shared(service, self._sockets, chain)
        of_descriptor(service, self._sockets, chain)

    def _wrong(self, subject: str, path: Path, why: str, **place: Any) -> None:
        self._report.wrong(path, f"cannot read {subject}: {why}", **place)


def _word(path: Path, index: int, written: Any) -> Path:
    return path if isinstance(written, str) else (*path, index)


def _toml(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
