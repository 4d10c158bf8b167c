"""The way to the kernel. `activate(posix)` at the start of a process, `active()` everywhere else.

`api` is the interface; `linux`, `restricted` and `observed` are loaded by whoever builds one.
"""

from __future__ import annotations

from snowfox.core.posix.active import activate, active, within

__all__ = ["activate", "active", "within"]
