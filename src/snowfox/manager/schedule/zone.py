"""The host's time zone."""

from __future__ import annotations

import io
from datetime import UTC, tzinfo
from typing import Final

from snowfox.core.log import get
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError

LOCALTIME: Final = "/etc/localtime"
"""See localtime(5)."""

_MOST: Final = 1 << 20

_log: Final = get("manager.schedule")


def host_zone(posix: Posix) -> tzinfo:
    """As localtime(5) has it; UTC where it has none or one that cannot be read."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - 5 ms, for those who have schedules

    try:
        descriptor = posix.files.open(LOCALTIME, 0)
    except PosixError as error:
        _log.info("the host names no time zone: schedules go by UTC", error=str(error))
        return UTC
    try:
        content = posix.files.read(descriptor, _MOST) or b""
        return ZoneInfo.from_file(io.BytesIO(content), key="local")
    except (PosixError, ValueError) as error:
        _log.warning("cannot read the host's time zone: schedules go by UTC", error=str(error))
        return UTC
    finally:
        posix.files.close(descriptor)
