"""`environment-files`: files of variables beside a configuration, which are read with it and are part of its version."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import normpath
from typing import TYPE_CHECKING, Any, Final

from snowfox.core.config.document import Document, parse
from snowfox.core.config.kind import is_list, is_table
from snowfox.core.config.problem import quoted
from snowfox.core.config.report import Problems
from snowfox.core.config.source import File, Sources
from snowfox.core.tree import is_environment_file
from snowfox.service.filling import plain
from snowfox.service.folder import folder_of
from snowfox.service.layer import Layer, Origin
from snowfox.service.written import OURS

if TYPE_CHECKING:
    from snowfox.service.dotenv import Dotenv

KEY: Final = "environment-files"


def needed(sources: Sources) -> list[str]:
    """Names of files that a configuration says to read and that are not there yet, below its folder, in order.

    Whoever reads asks again with what it read, until there is no name that it has not tried; a file that is not there
    is left out, and the check says so.
    """
    names: dict[str, None] = {}
    there = {file.name for file in sources.files}
    for file in sources.files:
        if KEY not in file.text or not file.name.endswith(".toml"):
            continue
        document = parse(file.title, file.text)
        if isinstance(document, Document):
            folder = folder_of(sources.folder, file.name)
            names |= dict.fromkeys(_names(document.tree, sources.folder, folder))
    return [name for name in names if name not in there]


class EnvironmentFiles:
    """Gives layers the variables of their files.

    Args:
        sources: that have the files.
        problems: takes what is wrong with them, once for each file.
    """

    def __init__(self, sources: Sources, problems: Problems) -> None:
        self._folder = sources.folder
        self._files = {file.name: file for file in sources.files}
        self._unread = sources.unread
        self._problems = problems
        self._read: dict[str, Dotenv] = {}

    def add(self, layer: Layer) -> Layer:
        """The layer with what its files say; what it says in `environment` goes before that, a later file before others."""
        variables: dict[str, str] = {}
        origins: dict[str, Origin] = {}
        for index, path in enumerate(layer.fields["environment_files"]):
            name = _name(self._folder, layer.folder, path)
            file = None if name is None else self._files.get(name)
            if file is not None:
                found = self._dotenv(file)
                variables |= {name: plain(variable.value) for name, variable in found.variables.items()}
                origins |= {
                    name: Origin(layer.subject, file.title, found.line(name)) for name in found.variables
                }
            elif name is None:
                hint = "files of a configuration are below its folder"
                layer.wrong((KEY, index), f"{quoted(path)} is somewhere else", hint=hint)
            elif not _may_be_read(name):
                hint = "NAME.env, .env or .env.NAME"
                layer.wrong(
                    (KEY, index), f"{quoted(path)} is not called as an environment file is", hint=hint
                )
            elif name in self._unread:
                layer.wrong((KEY, index), f"{quoted(path)} cannot be read: {self._unread[name]}")
            else:
                layer.wrong((KEY, index), f"there is no file {quoted(path)}")
        written = layer.fields.get("environment", {})
        fields = {**layer.fields, "environment": {**variables, **written}}
        return layer._replace(
            fields=fields, of_files={name: origins[name] for name in origins if name not in written}
        )

    def _dotenv(self, file: File) -> Dotenv:
        from snowfox.service.dotenv import Dotenv  # noqa: PLC0415 - 2 ms of patterns, for few configurations

        if file.name not in self._read:
            found = self._read[file.name] = Dotenv(file)
            for name in OURS & found.variables.keys():
                variable = found.variables[name]
                found.wrong(variable.start, variable.end, f"{name} is set by Snow Fox")
            for problem in found.problems:
                self._problems.add(problem)
        return self._read[file.name]


def _names(tree: dict[str, Any], root: str, folder: str) -> Iterator[str]:
    """Names of the files that a document names in any table that may."""
    tables = [tree, tree.get("defaults")]
    for kind in ("template", "service"):
        named = tree.get(kind)
        tables += named.values() if is_table(named) else ()
    for table in tables:
        paths: Any = table.get(KEY) if is_table(table) else None
        for path in paths if is_list(paths) else ():
            name = _name(root, folder, path) if isinstance(path, str) and path and "\0" not in path else None
            if name is not None and _may_be_read(name):
                yield name


def _may_be_read(name: str) -> bool:
    return is_environment_file(name) and name.isprintable()


def _name(root: str, folder: str, path: str) -> str | None:
    """A path that a file in `folder` says, from `root` on; None when it is not below that."""
    whole = normpath(path if path.startswith("/") else f"{folder}/{path}")
    start = root.rstrip("/") + "/"
    return whole.removeprefix(start) if whole.startswith(start) else None
