"""What the spawner would refuse of many launches, asked in few words."""

from __future__ import annotations

from collections.abc import Hashable

from snowfox.contract.spawner import Launch, Refusal
from snowfox.manager.connector.connector import Connector


async def refusals(connector: Connector, launches: list[Launch]) -> list[Refusal]:
    """What the spawner would refuse of these. Raises DeadlineExceeded.

    Most of a large configuration differs in users and in words that only the program looks at: the spawner is asked
    about one of each kind and all its users, and about all of a kind where it refuses that, since a refusal names its
    instance.
    """
    kinds: dict[Hashable, Launch] = {}
    users: dict[str, dict[str, None]] = {}
    for one in launches:
        first = kinds.setdefault(_kind(one), one)
        if one.user != first.user:
            users.setdefault(first.token, {})[one.user] = None
    tried = await connector.verify(
        list(kinds.values()), {token: list(names) for token, names in users.items()}
    )
    if not tried:
        return []
    tokens = {refusal.token for refusal in tried}
    return await connector.verify([one for one in launches if kinds[_kind(one)].token in tokens])


def _kind(launch: Launch) -> Hashable:
    """All that the spawner judges a launch by, but its user."""
    return (
        launch.program,
        launch.folder,
        launch.environment.get("PATH"),
        tuple(launch.sockets),
        tuple(launch.limits.items()),
        tuple(launch.secrets),
        repr(launch.confinement),
    )
