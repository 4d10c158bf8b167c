"""From the files of a configuration to what they say: the one way in, for the command line and for the manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from snowfox.core.config.registry import Sections
from snowfox.core.config.source import Names, Sources
from snowfox.core.tree import Layout

if TYPE_CHECKING:
    # The command line only looks for the files.
    from snowfox.service.checked import Checked
    from snowfox.service.rereading import Former
    from snowfox.service.scale import Scales

NAMES: Final = Names(
    main=("snowfox.toml", "Procfile"),
    beside={"Procfile": (".env",)},
    tree=Layout("node.toml", "services", ".toml"),
)
"""What is looked for in a folder."""


def read(
    sources: Sources,
    *,
    host: str,
    sections: Sections | None = None,
    scales: Scales | None = None,
    former: Former | None = None,
) -> Checked:
    """Check everything and collect all that is wrong; nothing in it is executed.

    Args:
        sources: from `core.config.sources`; a main file named `Procfile` is one, any other is TOML.
        host: the host's name, the node's unless it has one.
        sections: that modules bring; as a rule those of installed distributions.
        scales: how many instances people asked for.
        former: what was read before, with these sections; what did not change since is not read again.
    """
    if sources.main.name.startswith("Procfile"):
        from snowfox.service.procfile import read as read_procfile  # noqa: PLC0415 - one of the two is needed

        return read_procfile(sources, host=host, scales=scales or {})
    from snowfox.service.toml import read as read_toml  # noqa: PLC0415 - one of the two is needed

    known = sections or Sections(with_installed=True)
    return read_toml(sources, host=host, sections=known, scales=scales or {}, former=former)
