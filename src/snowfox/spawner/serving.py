"""Requests whose turn it is: what can be answered at once is answered, the rest becomes an event for the core."""

from __future__ import annotations

from collections import deque
from typing import Any

from snowfox.contract.control import Daemon, Kept, SpawnerControl
from snowfox.contract.record import is_token
from snowfox.core.posix.api import Posix
from snowfox.core.rpc.interface import Descriptor
from snowfox.errors import ProtocolError, SnowFoxError
from snowfox.spawner import requests
from snowfox.spawner.events import Caller, Event, LeaveAsked, ManagerCame, OrphanTold, SocketsHeld, StopAsked
from snowfox.spawner.sessions import DAEMON, MANAGER, Request, Sessions
from snowfox.values import Exit


class Serving:
    """Serves both, each by its own table.

    Args:
        posix: the kernel.
        desk: what the manager's requests are checked and answered with.
        sessions: where answers go.
        events: where events for the core go.
    """

    def __init__(self, posix: Posix, desk: requests.Desk, sessions: Sessions, events: deque[Event]) -> None:
        self._posix = posix
        self._desk = desk
        self._sessions = sessions
        self._events = events

    def serve(self, request: Request) -> None:
        """Answer it, or put the event that will; what breaks the protocol ends its session."""
        sessions, called = self._sessions, request.called
        try:
            if request.role == MANAGER:
                self._serve_manager(request.caller, called.method, called.arguments)
            else:
                self._serve_daemon(request.caller, called.method, called.arguments)
        except ProtocolError as error:
            sessions.expel(request.caller, error)
        except SnowFoxError as error:
            sessions.refuse(request.caller, error)

    def _serve_manager(self, caller: Caller, method: str, arguments: tuple[Any, ...]) -> None:
        outcome = requests.handle(self._desk, caller, method, arguments)
        if not isinstance(outcome, requests.Replied):
            self._events.append(outcome)
            return
        ports, sessions = self._desk.ports, self._sessions
        if outcome.opened is not None and (opened := ports.get(outcome.opened)) is not None:
            kept = Kept(outcome.opened, Descriptor(self._posix.files.duplicate(opened), self._posix))
            sessions.tell(DAEMON, Daemon.keep, kept)
        if outcome.closed is not None:
            sessions.tell(DAEMON, Daemon.release, outcome.closed)
        sessions.answer(caller, outcome.value)
        self._events.append(SocketsHeld(len(ports.all())))

    def _serve_daemon(self, caller: Caller, method: str, arguments: tuple[Any, ...]) -> None:
        match method:
            case SpawnerControl.attach.full_name:
                self._sessions.begin(MANAGER, arguments[0].take())
                self._desk.ports.release()  # what another manager was about to open
                self._desk.knocks.watch(())
                self._events.append(ManagerCame())
                self._sessions.answer(caller, None)
            case SpawnerControl.restore.full_name:
                for kept in arguments[0]:
                    self._desk.ports.restore(kept.key, kept.socket.take())
                self._events.append(SocketsHeld(len(self._desk.ports.all())))
                self._sessions.answer(caller, None)
            case SpawnerControl.held.full_name:
                self._sessions.answer(caller, self._held())
            case SpawnerControl.orphan.full_name:
                token, told = arguments
                if not is_token(token) or not isinstance(told, Exit):
                    raise ProtocolError("malformed request: a token")
                self._events.append(OrphanTold(caller, token, told))
            case SpawnerControl.stop.full_name:
                self._events.append(StopAsked(caller))
            case SpawnerControl.leave.full_name:
                self._events.append(LeaveAsked(caller))
            case _:
                raise ProtocolError(f"no request {method}")

    def _held(self) -> list[Kept]:
        held: list[Kept] = []
        try:
            for key, descriptor in self._desk.ports.all():
                held.append(Kept(key, Descriptor(self._posix.files.duplicate(descriptor), self._posix)))
        except SnowFoxError:
            for kept in held:
                kept.socket.close()
            raise
        return held
