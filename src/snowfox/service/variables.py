"""`${NAME}` in what is said about services: whether each name is there, found out before anything is launched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from snowfox.core.config.nearest import did_you_mean
from snowfox.core.config.problem import quoted
from snowfox.core.config.scanner import Path
from snowfox.core.posix.address import parse as parse_address
from snowfox.service import hook_checks
from snowfox.service.cycle import cycles
from snowfox.service.filling import TooLong, Use, fill, uses
from snowfox.service.launch import own_names, port_name
from snowfox.service.layer import Chain
from snowfox.service.spec import Alive, Configuration, Ready, Service

_MOST_CIRCLES: Final = 20


class Variables:
    """The check of a configuration's names.

    Args:
        configuration: what has errors of its own is left out.
        chains: by service, what says something about it.
    """

    def __init__(self, configuration: Configuration, chains: Mapping[str, Chain]) -> None:
        self._sockets = configuration.sockets
        self._chains = chains
        self._ports = frozenset(port_name(name) for name in self._sockets)

    def check(self, service: Service) -> None:
        """Every text of a service that may hold `${NAME}`."""
        chain = self._chains[service.name]
        is_used = False
        for path, text in _texts(service, chain):
            for use in uses(text):
                is_used = True
                self._use(service, chain, path, use)
        if is_used:
            _circles(service, chain)
            self._of_programs(service, chain)

    def _use(self, service: Service, chain: Chain, path: Path, use: Use) -> None:
        own = own_names(service)
        known = own | service.environment.keys() | self._ports
        fault, hint = use.fault, use.hint
        is_itself = path == ("environment", use.name) and use.name not in own
        if not fault and use.default is None:
            if use.name not in known or is_itself:
                fault = f"{quoted(use.name)} is not set"
                hint = did_you_mean(use.name, known) or "write it in environment"
                if any(secret.name == use.name for secret in service.secrets):
                    fault = f"{use.name} is a secret, which nobody but the service sees"
                    hint = "a shell that the service runs can fill it in"
            else:
                fault = self._of_port(use.name)
        if fault:
            chain.wrong(f"service {service.name}", path, fault, hint=hint, within=use.written)

    def _of_programs(self, service: Service, chain: Chain) -> None:
        """A program must have a name, whatever is filled in."""
        known = own_names(service) | self._ports
        letters: dict[str, str] = {}

        def letter(name: str) -> str:
            """Something for what is not empty."""
            if name not in letters:
                letters[name] = "x"  # of the host, or of itself
                if name in service.environment:
                    letters[name] = fill(service.environment[name], letter)[:1]
                elif name not in known:
                    raise KeyError(name)
            return letters[name]

        commands: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
            (("command",), service.command),
            (("ready", "command"), service.ready.command),
            (("alive", "command"), service.alive.command),
        )
        for key, words in commands:
            with suppress(KeyError, RecursionError, TooLong):  # told already; a launch tells it
                if words and not fill(words[0], letter):
                    path = _word(key, 0, chain.written(*key))
                    chain.wrong(f"service {service.name}", path, "the command begins with an empty word")

    def _of_port(self, name: str) -> str:
        """Why there is no such port, or ""."""
        for socket in self._sockets.values():
            if port_name(socket.name) == name and all(parse_address(text).is_unix for text in socket.listen):
                return f"socket {socket.name} has no port"
        return ""


def _circles(service: Service, chain: Chain) -> None:
    """Variables that are made from one another."""
    environment = service.environment
    waits = {
        name: [use.name for use in uses(text) if use.name in environment and use.name != name]
        for name, text in environment.items()
    }
    for circle in cycles(waits, most=_MOST_CIRCLES):
        why = f"{circle[0]} is made from itself: {' from '.join([*circle, circle[0]])}"
        chain.wrong(f"service {service.name}", ("environment", circle[0]), why)


def _texts(service: Service, chain: Chain) -> Iterator[tuple[Path, str]]:
    """Every text of a service that may hold `${NAME}`, with its path."""
    for index, word in enumerate(service.command):
        if "${" in word:
            yield _word(("command",), index, chain.written("command")), word
    for name, value in service.environment.items():
        yield ("environment", name), value
    for secret in service.secrets:
        yield ("secrets", secret.name, "file"), secret.file
    for index, place in enumerate(service.sandbox.read_only):
        yield ("sandbox", "read-only", index), place
    for index, place in enumerate(service.sandbox.writable):
        yield ("sandbox", "writable", index), place
    yield ("directory",), service.directory
    yield from hook_checks.texts(service, chain)
    yield from _of_probe("ready", service.ready, chain)
    yield from _of_probe("alive", service.alive, chain)


def _of_probe(key: str, probe: Ready | Alive, chain: Chain) -> Iterator[tuple[Path, str]]:
    if not probe.is_probed:
        return
    for index, word in enumerate(probe.command):
        if "${" in word:
            yield _word((key, "command"), index, chain.written(key, "command")), word
    yield (key, "tcp"), probe.tcp or ""
    yield (key, "http"), probe.http or ""
    yield (key, "unix"), probe.unix or ""


def _word(path: Path, index: int, written: Any) -> Path:
    return path if isinstance(written, str) else (*path, index)
