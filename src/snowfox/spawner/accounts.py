"""Who a launch runs as: names and dynamic uids made into uid, gid and groups.

Looked up anew for each launch but those that follow within `FRESH`, because a start of a thousand asks a thousand times;
so a user that is deleted after `verify` is missed at the launch.
"""

from __future__ import annotations

from typing import Final

from snowfox.core.clock import Clock
from snowfox.core.posix.api import Ids, Posix
from snowfox.errors import UserError
from snowfox.spawner.in_force import FRESH
from snowfox.spawner.policy import Account
from snowfox.values import SERVICE_UIDS, Seconds

_MOST: Final = 4096


class Accounts:
    """The users of this host, and those that need no entry."""

    def __init__(self, posix: Posix, clock: Clock) -> None:
        self._posix = posix
        self._clock = clock
        self._own = posix.own.ids()
        self._known: dict[str, tuple[Seconds, Account]] = {}

    def find(self, user: str) -> Account:
        """The account of a name, of digits within `SERVICE_UIDS`, or (for "") the spawner's own.

        Raises UserError when there is no such user.
        """
        now = self._clock.now()
        known = self._known.get(user)
        if known is not None and now - known[0] < FRESH:
            return known[1]
        account = self._look_up(user)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[user] = (now, account)
        return account

    def _look_up(self, user: str) -> Account:
        own = self._own
        if not user:
            entry = self._posix.users.by_uid(own.uid)
            return Account(entry.name if entry else str(own.uid), own, stays=True)
        if user.isdecimal():
            uid = int(user)
            if uid not in SERVICE_UIDS:
                raise UserError(
                    f"{user} is not a dynamic uid",
                    f"{SERVICE_UIDS[0]} to {SERVICE_UIDS[-1]} are; else use a name",
                )
            return Account(user, Ids(uid, uid, (uid,)), stays=uid == own.uid)
        entry = self._posix.users.by_name(user)
        if entry is None:
            raise UserError(f"no user {user}", "getent passwd lists them")
        if entry.uid == own.uid and own.uid != 0:
            return Account(user, own, stays=True)
        return Account(user, Ids(entry.uid, entry.gid, self._posix.users.groups(entry)), stays=False)
