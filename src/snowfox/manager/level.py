"""When the manager's modules are set up."""

from __future__ import annotations

from snowfox.core.module import ModuleLevel


class Level(ModuleLevel):
    """From the first to the last.

    EARLY: before anything of ours. STORE: what was kept is there. RPC: sessions with other processes. CONFIG: reading
    configurations. ENGINE: deciding and performing. GATEWAY: who asks from outside is answered. LATE: all is there.
    """

    EARLY = 10
    STORE = 20
    RPC = 30
    CONFIG = 40
    ENGINE = 50
    GATEWAY = 60
    LATE = 70
