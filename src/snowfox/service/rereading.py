"""A configuration read a second time: only what changed since.

A service whose own text is as it was, where all that is no service's is as it was too, is the same service. It is
taken over as it was made, and the rest is read as a configuration of its own; what services say about one another is
checked of all. That is for what had nothing wrong in it and has nothing: where there is something to tell, all is read,
so that all is told, and where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from snowfox.core.config.document import Document, parse
from snowfox.core.config.source import File, Sources
from snowfox.core.named import NamedTuple
from snowfox.service.folder import MAIN, is_service_file, service_of
from snowfox.service.layer import Chain
from snowfox.service.relations import named
from snowfox.service.scale import Scales
from snowfox.service.spec import Configuration, Service

_TABLES: Final = re.compile(r"\n(?=[ \t]*+\[)")
_OF_SERVICE: Final = re.compile(
    r"[ \t]*+\[[ \t]*+service[ \t]*+\.[ \t]*+(?:([A-Za-z0-9_-]++)|\"([A-Za-z0-9._-]++)\")[ \t]*+[.\]]"
)
_OVER_LINES: Final = ('"""', "'''")
"""What begins a text that may have any lines in it, those of tables too."""


class Former(NamedTuple):
    """What was read before, in which nothing was wrong, nor worth a warning.

    Args:
        sources: its files.
        scales: how many instances people had asked for.
        configuration: what they say.
    """

    sources: Sources
    scales: Scales
    configuration: Configuration


class Part(NamedTuple):
    """What is to be read.

    Args:
        sources: without the texts of services that are taken over.
        names: of all services, as they are in order.
        taken: the services that are as they were, by name.
    """

    sources: Sources
    names: tuple[str, ...]
    taken: Mapping[str, Service]

    def all(self, read: Mapping[str, Service]) -> dict[str, Service]:
        """All services in order. Raises `Unread` when those that were read are not those that are missing."""
        if read.keys() ^ ({*self.names} - self.taken.keys()):
            raise Unread
        return {name: self.taken.get(name) or read[name] for name in self.names}


class Unread(Exception):
    """There is something to tell about a service that was taken over."""


class Chains(dict[str, Chain]):
    """What says something about each service. Raises `Unread` for one that was taken over."""

    def __missing__(self, name: str) -> Chain:
        raise Unread


def changed(former: Former, sources: Sources, scales: Scales) -> Part | None:
    """What differs from what was read before; None where all is to be read."""
    if (
        former.scales != scales
        or former.sources.folder != sources.folder
        or former.sources.unread != sources.unread
    ):
        return None
    pieces = _pieces(sources)
    before, after = _by_service(_pieces(former.sources)), _by_service(pieces)
    services = former.configuration.services
    if before.pop("", None) != after.pop("", None) or before.keys() != services.keys():
        return None
    gone = services.keys() - after.keys()
    taken = {
        name: services[name]
        for name, texts in after.items()
        if before.get(name) == texts and not (gone and gone.intersection(named(services[name])))
    }
    texts: dict[str, list[str]] = {sources.main.name: [""]}
    for one in pieces:
        if one.service not in taken:
            texts.setdefault(one.file, []).append(one.text)
    # A table that is none by itself is a part of a list that goes over lines.
    if any(not isinstance(parse("", text), Document) for text in texts[sources.main.name]):
        return None
    files = (file.replace(text="\n".join(texts[file.name])) for file in sources.files if file.name in texts)
    return Part(sources.replace(files=tuple(files)), tuple(after), taken)


class _Piece(NamedTuple):
    """A part of a file: the service that it is about, or "" where it is about more or something else."""

    service: str
    file: str
    owner: int
    text: str


def _pieces(sources: Sources) -> list[_Piece]:
    """All that is written, in order."""
    main, *others = sources.files
    if main.name == MAIN:
        return [
            _Piece(service_of(one.name) if is_service_file(one.name) else "", *_of(one))
            for one in sources.files
        ]
    texts = [main.text] if any(mark in main.text for mark in _OVER_LINES) else _TABLES.split(main.text)
    found = ((_OF_SERVICE.match(text), text) for text in texts)
    by_name = ((match[1] or match[2] if match else "", text) for match, text in found)
    pieces = [_Piece(service, main.name, main.owner, text) for service, text in by_name]
    return [*pieces, *(_Piece("", *_of(one)) for one in others)]


def _of(file: File) -> tuple[str, int, str]:
    return file.name, file.owner, file.text


def _by_service(pieces: list[_Piece]) -> dict[str, list[_Piece]]:
    found: dict[str, list[_Piece]] = {}
    for piece in pieces:
        found.setdefault(piece.service, []).append(piece)
    return found
