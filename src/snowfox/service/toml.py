"""`snowfox.toml`: the tables read one by one, then what they say about one another."""

from __future__ import annotations

from typing import Any, TypeVar

from snowfox.core.config.document import parse
from snowfox.core.config.kind import is_table
from snowfox.core.config.nearest import did_you_mean
from snowfox.core.config.problem import Problem, quoted
from snowfox.core.config.report import Enough, Report, in_order
from snowfox.core.config.scanner import Path
from snowfox.core.config.section import Reader, Section, build
from snowfox.core.config.source import Sources
from snowfox.service.checked import Checked
from snowfox.service.environment_files import EnvironmentFiles
from snowfox.service.inheritance import Inheritance, Sum
from snowfox.service.layer import Chain, Layer
from snowfox.service.placing import absolute_address, make_absolute
from snowfox.service.section import (
    LATER_TABLES,
    TABLES,
    DefaultsTable,
    NodeTable,
    ServiceTable,
    SocketTable,
    TemplateTable,
)
from snowfox.service.spec import Configuration, Secret, Service, Socket
from snowfox.service.toml_checks import check
from snowfox.service.written import COMMAND
from snowfox.values import LONGEST_NAME, is_name

S = TypeVar("S", bound=Section)


def read(sources: Sources, *, host: str) -> Checked:
    """All that the file says, or all that is wrong with it."""
    main = sources.main
    document = parse(main.title, main.text)
    if isinstance(document, Problem):
        return Checked(main.title, None, (document,))
    report = Report(document)
    titles = [file.title for file in sources.files]
    try:
        configuration, chains = _read(report, sources, host)
    except Enough:
        return Checked(main.title, None, in_order(report.problems, titles))
    problems = in_order(report.problems, titles)
    is_refused = any(not problem.is_warning for problem in problems)
    return Checked(main.title, None if is_refused else configuration, problems, chains)


def _read(report: Report, sources: Sources, host: str) -> tuple[Configuration, dict[str, Chain]]:
    reading = _Reading(report, sources)
    node = reading.node(host)
    sockets = reading.sockets()
    services = reading.services()
    configuration = Configuration(node, services, sockets, sources.version(), sources.folder)
    check(report, configuration, reading.chains, reading.layers)
    return configuration, reading.chains


class _Reading:
    """Reads the tables of a document. What has errors is there too, without the keys that have them.

    `layers` has all that says something about services, `chains` what counts for each.
    """

    def __init__(self, report: Report, sources: Sources) -> None:
        self._report = report
        self._document = document = report.document
        self._folder = sources.folder
        self._owner = sources.main.owner
        self._files = EnvironmentFiles(sources, report.problems)
        self.chains: dict[str, Chain] = {}
        self.layers: list[Layer] = []
        for name in document.tree:
            self._known_table(name)

    def node(self, host: str) -> str:
        """The node's name."""
        table = self._table(NodeTable, ("node",), "node") if "node" in self._document.tree else None
        return host if table is None or table.name is None else table.name

    def sockets(self) -> dict[str, Socket]:
        """`[socket.*]`."""
        sockets: dict[str, Socket] = {}
        for name in self._named("socket"):
            table = self._table(SocketTable, ("socket", name), f"socket {name}")
            if table is not None:
                listen = tuple(absolute_address(self._folder, address) for address in table.listen or ())
                sockets[name] = Socket(name, listen, table.backlog, table.mode, table.user, table.group)
        return sockets

    def services(self) -> dict[str, Service]:
        """`[service.*]`, each with what it has from `[template.*]` and `[defaults]`."""
        templates = {name: self._layer(TemplateTable, ("template", name)) for name in self._named("template")}
        known = {name: layer for name, layer in templates.items() if layer is not None}
        own = {name: self._layer(ServiceTable, ("service", name)) for name in self._named("service")}
        inheritance = Inheritance(known, self._defaults())
        inheritance.check()
        services: dict[str, Service] = {}
        for name, layer in own.items():
            if layer is not None:
                inheritance.check_extends(layer)
                services[name] = self._service(name, inheritance.of(layer))
        return services

    def _defaults(self) -> Layer | None:
        return self._layer(DefaultsTable, ("defaults",)) if "defaults" in self._document.tree else None

    def _layer(self, section: type[ServiceTable], root: tuple[str, ...]) -> Layer | None:
        subject = " ".join(root)
        fields = Reader(self._report, root, subject).partial(section)
        if fields is None:
            return None
        make_absolute(fields, self._folder)
        layer = Layer(self._report, root, subject, fields, self._folder, self._owner)
        if "environment_files" in fields:
            layer = self._files.add(layer)
        self.layers.append(layer)
        return layer

    def _service(self, name: str, whole: Sum) -> Service:
        fields, chain = whole
        self.chains[name] = chain
        if "command" not in fields:
            fields = {**fields, "command": ()}
            if chain.where(("command",)) is None:
                chain[0].wrong(
                    ("command",), "command is missing", hint=f"for example command = {COMMAND.example}"
                )
        table = build(ServiceTable, fields)
        restart = table.restart
        if table.type == "task" and "when" not in fields.get("restart", ()):
            restart = restart.replace(when="never")
        return Service(
            name=name,
            command=table.command,
            directory=table.directory,
            environment=table.environment,
            user=table.user,
            sockets=table.sockets,
            instances=table.instances,
            requires=tuple(dict.fromkeys(table.requires)),
            after=tuple(dict.fromkeys(table.after)),
            is_task=table.type == "task",
            ready=table.ready,
            restart=restart,
            stop=table.stop,
            log=table.log,
            autostart=table.autostart,
            owner=chain[0].owner,
            description=table.description,
            labels=tuple(dict.fromkeys(table.labels)),
            replacement=table.replace_ or ("rolling" if table.sockets else "restart"),
            was=table.was,
            secrets=tuple(
                Secret(variable, secret.file, secret.as_) for variable, secret in table.secrets.items()
            ),
        )

    def _known_table(self, name: str) -> None:
        if name in TABLES:
            return
        if name in LATER_TABLES:
            self._refuse((name,), f"{quoted(name)} is not supported yet")
            return
        hint = did_you_mean(name, [*TABLES, *LATER_TABLES])
        if not hint and isinstance(self._document.tree[name], dict):
            hint = f"services are written [service.{name}]"
        noun = "table" if isinstance(self._document.tree[name], dict) else "key"
        self._refuse((name,), f"unknown {noun} {quoted(name)}", hint or "known here: " + ", ".join(TABLES))

    def _named(self, kind: str) -> list[str]:
        """Names of the tables below `[kind]` that are names."""
        tables: Any = self._document.tree.get(kind, {})
        if not is_table(tables):
            self._refuse((kind,), f"{kind} must be tables with names", f"for example [{kind}.front]")
            return []
        names: list[str] = []
        for name in tables:
            if is_name(name):
                names.append(name)
                continue
            hint = 'letters, digits, "_" and "-", in parts joined by dots'
            if len(name) > LONGEST_NAME:
                hint = f"at most {LONGEST_NAME} characters"
            self._refuse((kind, name), f"{quoted(name)} is not a name of a {kind}", hint)
        return names

    def _refuse(self, path: Path, why: str, hint: str = "") -> None:
        self._report.wrong(path, f"cannot read {self._document.file}: {why}", hint=hint, part="key")

    def _table(self, section: type[S], path: Path, subject: str) -> S | None:
        return Reader(self._report, path, subject).read(section)
