"""How a node begins: its configuration is read, checked and verified; then what is wanted is started.

Nothing is started, and no socket stays open, unless all of it is fine. A manager that was restarted finds the version
in force in the store and does not look at the files.
"""

from __future__ import annotations

import asyncio
from typing import Final

from snowfox.contract.manager import Progress
from snowfox.contract.spawner import Running
from snowfox.contract.start import GIT
from snowfox.core.config.source import Sources
from snowfox.core.log import get
from snowfox.core.store.api import Version
from snowfox.errors import ConfigurationRefused, SnowFoxError, StoreError
from snowfox.manager.blueprint import Blueprints, listen_specs
from snowfox.manager.driver import Parts
from snowfox.manager.engine.engine import Engine
from snowfox.manager.essential import Essentials
from snowfox.manager.facts import facts
from snowfox.manager.hooks import Hooks
from snowfox.manager.node import Node
from snowfox.manager.operation.operation import Operation, Verdict
from snowfox.manager.output.shelf import ERRORS
from snowfox.manager.probe.listening import listener
from snowfox.manager.recycler import Recycler
from snowfox.manager.source import pack, unpack
from snowfox.service import event
from snowfox.service.scale import is_scale, scales_of
from snowfox.service.spec import Configuration
from snowfox.values import Seconds

REFUSED: Final = 3
"""Exit code of a node whose configuration was refused."""
_MOST_DETAILS: Final = 100
_TELL_WITHIN: Final[Seconds] = 5.0
_SECOND: Final = 1_000_000_000

_log: Final = get("manager.begin")


async def begin(node: Node) -> None:
    """Bring the node up, or refuse and have the daemon stop. Never raises SnowFoxError."""
    operation = node.open("up", "the node", ())
    try:
        configuration, found = await _prepare(node, operation)
    except SnowFoxError as error:
        await _refuse(node, operation, error)
        return
    _start(node, operation, configuration, found)


async def _prepare(node: Node, operation: Operation) -> tuple[Configuration, list[Running]]:
    """The version in force, everything that it needs held or found, and what runs. Raises SnowFoxError."""
    node.scales = scales_of(node.remembered.wanted)
    sources = await _in_force(node)
    note = ""
    if sources is not None:
        configuration = node.check(sources).require()
        node.blueprints = await _blueprints(node, configuration, node.standing_notes)
        found = await node.connector.begin()
    else:
        sources, configuration, note = await _first(node, operation)
        # Stored before the first launch: a manager that takes our place goes on with what was launched, not with
        # what the files say then.
        found, _ = await asyncio.gather(
            node.connector.begin(), _keep(node, operation, sources, configuration)
        )
    await _close_others(node, configuration)
    await node.changes.begin(sources, configuration, node.blueprints.addresses, note=note)
    return configuration, found


async def _first(node: Node, operation: Operation) -> tuple[Sources, Configuration, str]:
    """What there is to read; where that is refused, the last good version, and a note that says so.

    Raises SnowFoxError.
    """
    try:
        sources = await node.reader.read(node.welcome.configuration)
        checked = node.check(sources)
        configuration = checked.require()
        node.blueprints = await node.changes.first(sources, configuration)
    except ConfigurationRefused as error:
        last, configuration = await _last_good(node, error)
        name, version = node.welcome.configuration, configuration.version
        title = name if name.startswith(GIT) else f"{node.welcome.shown}{name}"
        runs = f"{title} is refused: the last good version {version[:7]} runs instead"
        note = f"{runs}; snowfox check, then snowfox apply"
        operation.verdict = Verdict("refused", note, REFUSED, tuple(error.problems or [str(error)]))
        _log.warning("the last good version runs instead", version=version, error=str(error))
        return last, configuration, note
    for problem in checked.warnings:
        operation.add(Progress("", "warning", problem.show(), 0))
    return sources, configuration, ""


async def _last_good(node: Node, refused: ConfigurationRefused) -> tuple[Sources, Configuration]:
    """The version that was in force last, verified as any other. Raises `refused` where there is none that can be."""
    kept = await node.storage.versions()
    if not kept:
        raise refused
    try:
        sources = unpack(await node.storage.configuration(kept[-1].id) or b"")
        configuration = node.check(sources).require()
        node.blueprints = await node.changes.first(sources, configuration)
    except (ConfigurationRefused, StoreError) as error:
        _log.info("the last good version is refused too", version=kept[-1].id, error=str(error))
        whys = [] if isinstance(error, StoreError) else error.problems
        if whys == refused.problems:
            raise refused from error
        why = f"the last good version {kept[-1].id[:7]} is refused too: {(whys or [str(error)])[0]}"
        problems = [*(refused.problems or [str(refused)]), why]
        raise ConfigurationRefused(str(refused), refused.hint, problems) from error
    return sources, configuration


async def _close_others(node: Node, configuration: Configuration) -> None:
    """Close sockets that this version has no place for: those of a change that was under way when all stood still."""
    ours = {spec.key for spec in listen_specs(configuration)}
    try:
        for listening in await node.connector.sockets():
            if listening.key not in ours:
                await node.connector.close_socket(listening.key)
    except SnowFoxError as error:
        node.standing_notes += _lines(error)


async def _in_force(node: Node) -> Sources | None:
    """What a manager of this daemon read before us; None for the first."""
    if node.remembered.daemon != node.welcome.version:
        return None
    stored = await node.storage.configuration(node.remembered.version)
    return unpack(stored) if stored is not None else None


async def _keep(node: Node, operation: Operation, sources: Sources, configuration: Configuration) -> None:
    """This version is in force from now on. Raises StoreError."""
    version = Version(
        configuration.version,
        node.clock.wall(),
        sources.called,
        pack(sources),
        sources.commit,
        _who(node),
        operation.number,
    )
    await node.storage.use_configuration(version, daemon=node.welcome.version)


def _who(node: Node) -> str:
    """The name of who started the node."""
    starter = node.welcome.starter
    entry = node.posix.users.by_uid(starter)
    return entry.name if entry else str(starter)


async def _blueprints(node: Node, configuration: Configuration, problems: list[str]) -> Blueprints:
    """Find the sockets, whose addresses launches need, as they are open; what cannot be had goes to `problems`."""
    addresses: dict[str, str] = {}
    for spec in listen_specs(configuration):
        try:
            addresses[spec.key] = (await node.connector.open_socket(spec)).address
        except SnowFoxError as error:
            whose = f" for socket {spec.key.partition('=')[0]}"
            problems += _lines(error, "" if whose in str(error) else whose)
    return Blueprints(configuration, await facts(node, configuration, addresses), node.posix.users)


def _start(node: Node, operation: Operation, configuration: Configuration, found: list[Running]) -> None:
    """Tell the engine. Without an await: an exit that is reported meanwhile comes after."""
    now = node.clock.boot()
    for running in found:
        instance = running.token.rpartition("~")[0]
        status = node.remembered.statuses.get(instance)
        is_starting = status is not None and status.token == running.token and status.state == "starting"
        for name, stream in ((instance, running.output), (instance + ERRORS, running.errors)):
            if stream is not None:
                listens = listener(node, running.token, instance) if is_starting else None
                node.output.attach(name, stream.take(), node.blueprints.log(instance), listens)
    for ids in node.services.values():
        node.operations.assign(operation, ids)
    engine = Engine(configuration, node.ids)
    node.board.live = engine.status
    node.connector.open()  # the spawner begins with the first launches while we write down the others
    node.driver.begin(
        engine,
        Parts(
            connector=node.connector,
            watching=node.watching,
            attendant=node.attendant,
            blueprints=node.blueprints,
            bus=node.bus,
            keeper=node.keeper,
            output=node.output,
            essentials=Essentials(node),
            recycler=Recycler(
                node.census.memory,
                node.clock,
                alarms=node.alarms,
                board=node.board,
                tell=node.driver.tell,
            ),
            hooks=Hooks(
                node.connector.helper,
                ids=node.ids,
                tell=node.driver.tell,
                attach=node.output.attach,
            ),
            scheduler=node.scheduler,
        ),
        event.Begin(
            operation.id,
            {name: word for name, word in node.remembered.wanted.items() if not is_scale(name)},
            tuple(
                event.Found(
                    running.token,
                    running.pid,
                    running.started,
                    max(0.0, (now - running.started) / _SECOND),
                    running.exit,
                    running.note,
                )
                for running in found
            ),
            node.remembered.statuses,
        ),
    )
    node.is_known.set()


async def _refuse(node: Node, operation: Operation, error: SnowFoxError) -> None:
    """Tell whoever asked, then have the node go."""
    if isinstance(error, ConfigurationRefused):
        details, code = error.problems or [], REFUSED
        _log.info("refused", error=str(error))
    else:
        details, code = [], 1
        _log.error("the node does not start", error=str(error))
    message = "\n".join(_lines(error))
    node.is_known.set()
    operation.verdict = Verdict("refused", message, code, tuple(details), is_well=False)
    node.operations.end(operation.id, "refused", "", 0)
    try:
        async with asyncio.timeout(_TELL_WITHIN):
            await node.start_was_told.wait()
    except TimeoutError:
        _log.info("nobody asked why")
    await node.daemon.stop(code, str(error))


def _lines(error: SnowFoxError, addition: str = "") -> list[str]:
    return [f"{error}{addition}", *("   " + line for line in error.hint.splitlines())]
