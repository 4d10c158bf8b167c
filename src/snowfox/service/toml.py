"""`snowfox.toml`, or `node.toml` and `services/**/*.toml`: read table by table, then what they say about one another."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from snowfox.core.config.document import Document, parse
from snowfox.core.config.problem import Problem, quoted
from snowfox.core.config.registry import Sections
from snowfox.core.config.report import Enough, Problems, Report
from snowfox.core.config.scanner import Path
from snowfox.core.config.section import Reader
from snowfox.core.config.source import File, Sources
from snowfox.service.checked import Checked
from snowfox.service.environment_files import EnvironmentFiles
from snowfox.service.folder import MAIN, folder_of, is_service_file, service_of
from snowfox.service.inheritance import Inheritance
from snowfox.service.layer import Layer
from snowfox.service.making import make_service
from snowfox.service.placing import make_absolute
from snowfox.service.rereading import Chains, Former, Part, Unread, changed
from snowfox.service.scale import NONE, Scales, scaled
from snowfox.service.section import DefaultsTable, ServiceTable, TemplateTable
from snowfox.service.spec import Configuration, Service
from snowfox.service.toml_checks import check
from snowfox.service.top import Top, name_hint
from snowfox.service.written import COMMAND
from snowfox.values import is_name


def read(
    sources: Sources,
    *,
    host: str,
    sections: Sections,
    scales: Scales = NONE,
    former: Former | None = None,
) -> Checked:
    """All that the files say, or all that is wrong with them.

    Args:
        sources: whose main file is `node.toml` for the folder form; any other is all there is.
        host: the node's name, where it has none.
        sections: that modules bring.
        scales: how many instances people asked for.
        former: what was read before, with these sections; what did not change since is not read again.
    """
    part = None if former is None else changed(former, sources, scales)
    if part is not None:
        again = _Reading(sources, scales, part)
        with suppress(Enough, Unread):
            found = again.configuration(host, sections)
            if found is not None and not again.problems:
                return Checked(sources.main.title, found, (), again.chains)
    reading = _Reading(sources, scales)
    configuration: Configuration | None = None
    with suppress(Enough):
        configuration = reading.configuration(host, sections)
    problems = reading.problems.listed([file.title for file in sources.files])
    is_refused = any(not problem.is_warning for problem in problems)
    return Checked(sources.main.title, None if is_refused else configuration, problems, reading.chains)


class _Reading:
    """Reads the files of a configuration, or of what changed in it, into layers, and services from them."""

    def __init__(self, sources: Sources, scales: Scales, part: Part | None = None) -> None:
        self._whole = sources
        self._scales = scales
        self._part = part
        self.problems = Problems()
        self.chains = Chains()
        self._sources = sources = part.sources if part else sources
        self._is_folder = sources.main.name == MAIN
        self._files = EnvironmentFiles(sources, self.problems)
        self._layers: list[Layer] = []
        self._is_broken = False

    def configuration(self, host: str, sections: Sections) -> Configuration | None:
        """What they say; what has errors is left out, and a file that is no TOML leaves nothing to say of the rest.

        Raises Enough; Unread where all is to be read.
        """
        sources = self._sources
        main = self._open(sources.main)
        own: dict[str, list[Layer]] = {}
        if self._is_folder:
            for file in sources.files[1:]:
                if is_service_file(file.name):
                    self._service_file(file, own)
        if main is None:
            return None
        top = Top(main, sources.folder, has_services=not self._is_folder, known=sections)
        named, sockets = top.node(), top.sockets()
        inheritance = Inheritance(self._named(TemplateTable, "template", top, main), self._defaults(main))
        if not self._is_folder:
            own = {name: [layer] for name, layer in self._named(ServiceTable, "service", top, main).items()}
        if self._is_broken:
            return None
        inheritance.check()
        services = {name: self._service(name, layers, inheritance) for name, layers in own.items()}
        if self._part is not None:
            services = self._part.all(services)
        node, version = named or host, self._whole.version("" if named else host)
        configuration = Configuration(node, services, sockets, version, sources.folder, sections=top.sections)
        check(main, configuration, self.chains, self._layers)
        return configuration

    def _open(self, file: File) -> Report | None:
        """A report on the file; None, with the problem told, when it is no TOML."""
        document = parse(file.title, file.text)
        if isinstance(document, Document):
            return Report(document, self.problems)
        self._is_broken = True
        # Of many files that are no TOML no more are told than of other mistakes.
        Report(Document(file.title, "", {}), self.problems).add(document)
        return None

    def _service_file(self, file: File, own: dict[str, list[Layer]]) -> None:
        report = self._open(file)
        name = service_of(file.name)
        if report is None:
            return
        if not is_name(name):
            why = f"cannot read {file.title}: {quoted(name)} is not a name of a service"
            report.add(Problem(why, name_hint(name), file.title))
            return
        layer = self._layer(ServiceTable, report, (), f"service {name}", file)
        if layer is not None:
            own.setdefault(name, []).append(layer)

    def _named(self, section: type[ServiceTable], kind: str, top: Top, main: Report) -> dict[str, Layer]:
        """The layers that are tables below `[kind]`."""
        file = self._sources.main
        found = (
            (name, self._layer(section, main, (kind, name), f"{kind} {name}", file))
            for name in top.named(kind)
        )
        return {name: layer for name, layer in found if layer is not None}

    def _defaults(self, main: Report) -> Layer | None:
        if "defaults" not in main.document.tree:
            return None
        return self._layer(DefaultsTable, main, ("defaults",), "defaults", self._sources.main)

    def _layer(
        self, section: type[ServiceTable], report: Report, root: Path, subject: str, file: File
    ) -> Layer | None:
        fields = Reader(report, root, subject).partial(section)
        if fields is None:
            return None
        folder = folder_of(self._sources.folder, file.name)
        make_absolute(fields, folder)
        layer = Layer(report, root, subject, fields, folder, file.owner)
        if "environment_files" in fields:
            layer = self._files.add(layer)
        self._layers.append(layer)
        return layer

    def _service(self, name: str, layers: list[Layer], inheritance: Inheritance) -> Service:
        stack = _stack(layers)
        for layer in stack:
            inheritance.check_extends(layer)
        fields, chain = inheritance.of(stack)
        self.chains[name] = chain
        if "command" not in fields and chain.where(("command",)) is None:
            hint = f"for example command = {COMMAND.example}"
            chain[0].wrong(("command",), "command is missing", hint=hint)
        defining = stack[-1]
        if not fields.get("user") and any(layer.owner != defining.owner for layer in stack):
            files = " and ".join(layer.report.document.file for layer in reversed(stack))
            chain[0].wrong((), f"{files} belong to different users", hint='say whose it is: user = "…"')
        folder = "" if defining.folder == self._sources.folder else defining.folder
        return scaled(make_service(name, fields, owner=defining.owner, folder=folder), self._scales)


def _stack(layers: Iterable[Layer]) -> list[Layer]:
    """What one or several files say of a service that counts, the nearest first."""
    stack: list[Layer] = []
    for layer in layers:
        override = layer.fields.get("override")
        if not stack:
            if override:
                layer.wrong(("override",), "there is no other file that defines it")
            stack = [layer]
        elif override == "merge":
            stack = [layer, *stack]
        elif override == "replace":
            stack = [layer]
        elif "override" not in layer.table:
            before = stack[0].report.document.file
            hint = 'override = "merge" adds to that, override = "replace" takes its place'
            layer.wrong((), f"it is defined in {before} already", hint=hint)
    return stack
