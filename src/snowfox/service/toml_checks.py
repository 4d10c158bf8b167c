"""What tables of `snowfox.toml` say about one another: names that must be there, circles, names to fill in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from snowfox.core.config.kind import is_table
from snowfox.core.config.nearest import did_you_mean
from snowfox.core.config.problem import Problem, quoted
from snowfox.core.config.report import Report
from snowfox.core.config.scanner import Path
from snowfox.core.posix.address import parse as parse_address
from snowfox.service.cycle import cycles
from snowfox.service.filling import uses
from snowfox.service.launch import own_names, port_name
from snowfox.service.spec import Configuration, Ready, Service
from snowfox.service.written import shell_character

MOST_SOCKETS: Final = 24
"""Descriptors passed to one service."""

MOST_CIRCLES: Final = 20

_FORMS: Final = ("notify", "tcp", "http", "command", "delay")
_ANY: Final = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


def check(report: Report, configuration: Configuration) -> None:
    """All that is wrong between the tables.

    Args:
        report: takes it.
        configuration: what it says; keys that have errors of their own are left out, and not looked at again.
    """
    checks = _Checks(report, configuration)
    checks.addresses()
    for service in configuration.services.values():
        checks.service(service)
    checks.circles()
    checks.whole()


class _Checks:
    def __init__(self, report: Report, configuration: Configuration) -> None:
        self._report = report
        self._tree = report.document.tree
        self._services = configuration.services
        self._sockets = configuration.sockets
        self._unready: set[str] = set()
        self._ports = frozenset(port_name(name) for name in self._sockets)

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
                if address.endswith(":0") and not address.startswith("unix:"):
                    continue
                other = first.get(address)
                first.setdefault(address, socket.name)
                if other is not None:
                    path = _word(("socket", socket.name, "listen"), index, written)
                    where = "twice" if other == socket.name else f"by socket {other} too"
                    self._wrong(f"socket {socket.name}", path, f"{quoted(address)} is listened on {where}")

    def service(self, service: Service) -> None:
        """Everything about one service."""
        self._of_sockets(service)
        self._of_waits(service)
        self._of_ready(service)
        self._of_variables(service)
        command = self._written(service).get("command")
        if isinstance(command, str) and (letters := shell_character(command)):
            path: Path = ("service", service.name, "command")
            self._report.warn(
                path,
                f"service {service.name}: {quoted(letters)} is passed on as it is, for no shell runs",
                hint=f'if a shell is meant: command = ["sh", "-c", {_toml(command)}]',
                within=letters,
            )

    def circles(self) -> None:
        """Services that wait for one another. `web requires cache after web`."""
        waits = {service.name: (*service.requires, *service.after) for service in self._services.values()}
        for circle in cycles(waits, most=MOST_CIRCLES):
            says = ""
            for name, following in zip(circle, [*circle[1:], circle[0]], strict=True):
                says += f"{name} {'requires' if following in self._services[name].requires else 'after'} "
            name, following = circle[0], circle[1 % len(circle)]
            key = "requires" if following in self._services[name].requires else "after"
            path: Path = ("service", name, key, self._written(self._services[name])[key].index(following))
            why = f"it waits for itself: {says}{circle[0]}"
            self._wrong(f"service {name}", path, why)

    def whole(self) -> None:
        """A configuration without a service is most likely not what was meant."""
        if not self._services and not self._report.problems:
            hint = 'for example [service.web] and below it command = "python3 app.py"'
            file = self._report.document.file
            self._report.add(Problem("there is no service in it", hint, file, is_warning=True))

    def _of_sockets(self, service: Service) -> None:
        subject = f"service {service.name}"
        count = 0
        seen: set[str] = set()
        for index, name in enumerate(service.sockets):
            path: Path = ("service", service.name, "sockets", index)
            if name not in self._sockets:
                hint = did_you_mean(name, self._sockets) or f"write [socket.{name}]"
                self._wrong(subject, path, f"there is no socket {quoted(name)}", hint=hint)
            elif name in seen:
                self._wrong(subject, path, f"{quoted(name)} is written twice")
            else:
                seen.add(name)
                count += len(self._sockets[name].listen)
        if count > MOST_SOCKETS:
            path = ("service", service.name, "sockets")
            self._wrong(
                subject, path, f"{count} addresses are more than the {MOST_SOCKETS} that can be passed"
            )

    def _of_waits(self, service: Service) -> None:
        for key, others in (("requires", service.requires), ("after", service.after)):
            for name in others:
                if name not in self._services:
                    path = self._item(service, key, name)
                    hint = did_you_mean(name, self._services) or "services here: " + ", ".join(
                        [*self._services][:8]
                    )
                    self._wrong(
                        f"service {service.name}", path, f"there is no service {quoted(name)}", hint=hint
                    )
                else:
                    self._of_readiness(service, key, name)

    def _of_readiness(self, service: Service, key: str, name: str) -> None:
        """Whoever waits for a service that cannot say it is ready waits for next to nothing."""
        other = self._services.get(name)
        if other is None or other.is_task or "ready" in self._written(other) or name in self._unready:
            return
        self._unready.add(name)
        self._report.warn(
            self._item(service, key, name),
            f"service {service.name} waits for {name}, which cannot say that it is ready",
            hint=f'say how in [service.{quoted_key(name)}], for example ready = {{ tcp = "127.0.0.1:6379" }}',
        )

    def _of_ready(self, service: Service) -> None:
        written = self._written(service).get("ready")
        if not is_table(written):
            return
        subject, path = f"service {service.name}", ("service", service.name, "ready")
        forms = [form for form in _FORMS if written.get(form, False) is not False]
        if service.is_task:
            why = "a task is ready when it finished well; ready is for services"
            self._wrong(subject, path, why, part="key")
        elif len(forms) != 1 and written.keys() <= Ready.keys().keys():
            why = "ready says nothing" if not forms else f"ready says {' and '.join(forms)}: one is enough"
            self._wrong(subject, path, why, hint="one of notify, tcp, http, command, delay")
        if "path" in written and "http" not in written:
            self._wrong(subject, (*path, "path"), "ready.path is only for http", part="key")
        self._of_shared_probe(service, service.ready)

    def _of_shared_probe(self, service: Service, ready: Ready) -> None:
        """A probe of a socket that several instances share cannot tell which one answered."""
        form = "tcp" if ready.tcp else "http"
        probed = ready.tcp or ready.http
        if probed is None or service.instances == 1:
            return
        for name in service.sockets:
            socket = self._sockets.get(name)
            if socket is not None and any(_reaches(probed, listen) for listen in socket.listen):
                self._wrong(
                    f"service {service.name}",
                    ("service", service.name, "ready", form),
                    f"{service.instances} instances share socket {name}: a probe cannot tell which one answered",
                    hint="each can say so itself: ready = { notify = true }",
                )
                return

    def _of_variables(self, service: Service) -> None:
        known: frozenset[str] | None = None
        for path, text in self._texts(service):
            for use in uses(text):
                known = known or own_names(service) | frozenset(service.environment) | self._ports
                fault, hint = use.fault, use.hint
                is_itself = path[2:] == ("environment", use.name) and use.name not in own_names(service)
                if not fault and (use.name not in known or is_itself):
                    fault = f"{quoted(use.name)} is not set"
                    hint = did_you_mean(use.name, known) or "write it in environment"
                if not fault:
                    fault = self._of_port(use.name)
                if fault:
                    self._wrong(f"service {service.name}", path, fault, hint=hint, within=use.written)
        if known is not None:
            self._of_environment(service)

    def _of_port(self, name: str) -> str:
        """Why there is no such port, or ""."""
        for socket in self._sockets.values():
            if port_name(socket.name) == name and all(parse_address(text).is_unix for text in socket.listen):
                return f"socket {socket.name} has no port"
        return ""

    def _of_environment(self, service: Service) -> None:
        environment = service.environment
        waits = {
            name: [use.name for use in uses(text) if use.name in environment and use.name != name]
            for name, text in environment.items()
        }
        for circle in cycles(waits, most=MOST_CIRCLES):
            path = ("service", service.name, "environment", circle[0])
            why = f"{circle[0]} is made from itself: {' from '.join([*circle, circle[0]])}"
            self._wrong(f"service {service.name}", path, why)

    def _texts(self, service: Service) -> Iterator[tuple[Path, str]]:
        """Every text of a service that may hold `${NAME}`, with its path."""
        root: Path = ("service", service.name)
        written = self._written(service)
        for index, word in enumerate(service.command):
            yield _word((*root, "command"), index, written["command"]), word
        for index, word in enumerate(service.ready.command):
            yield _word((*root, "ready", "command"), index, written["ready"]["command"]), word
        for name, value in service.environment.items():
            yield (*root, "environment", name), value
        yield (*root, "directory"), service.directory
        yield (*root, "ready", "tcp"), service.ready.tcp or ""
        yield (*root, "ready", "http"), service.ready.http or ""

    def _written(self, service: Service) -> dict[str, Any]:
        table: dict[str, Any] = self._tree["service"][service.name]
        return table

    def _item(self, service: Service, key: str, name: str) -> Path:
        return ("service", service.name, key, self._written(service)[key].index(name))

    def _wrong(self, subject: str, path: Path, why: str, **place: Any) -> None:
        self._report.wrong(path, f"cannot read {subject}: {why}", **place)


def quoted_key(name: str) -> str:
    """A name as a part of a key: a dotted one is quoted."""
    return f'"{name}"' if "." in name else name


def _word(path: Path, index: int, written: Any) -> Path:
    return path if isinstance(written, str) else (*path, index)


def _toml(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _reaches(probed: str, listen: str) -> bool:
    """Whether a connection to `probed` arrives at a socket that listens on `listen`."""
    if "${" in probed:
        return False
    to, on = parse_address(probed), parse_address(listen)
    if to.is_unix or on.is_unix:
        return to == on
    same_host = to.host == on.host or on.host in _ANY
    return to.kind == on.kind and to.port == on.port and same_host
