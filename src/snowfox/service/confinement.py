"""What a service may use at most, and what it is kept from: `limits` and `sandbox`, as users write them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final

from snowfox.core.config.kind import Findings, Items, Parsed, Whole
from snowfox.core.config.nearest import did_you_mean
from snowfox.core.config.problem import quoted
from snowfox.core.config.scanner import Path
from snowfox.core.config.section import Section
from snowfox.service.written import MODE, SIZE, FilePath
from snowfox.values import CAPABILITIES, size

MOST_PATHS: Final = 64
"""Paths of `sandbox.read-only`, and as many of `sandbox.writable`."""

_CAP: Final = "CAP_"


class Processors(Whole):
    """How many processors, or parts of one."""

    words = "a number"
    example = "1.5"

    def __init__(self) -> None:
        super().__init__(0, 8192)
        self.words = "a number of processors"
        self.example = "1.5"

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """The number, not less than a hundredth."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.refuse(value, path, findings)
        elif not 0.01 <= value <= self.most:
            findings.wrong(path, f"{findings.label(path)} must be 0.01 to {self.most}, not {value}")
        else:
            return float(value)
        return 0.0

    def schema(self) -> dict[str, Any]:
        """A number within its bounds."""
        return {"type": "number", "minimum": 0.01, "maximum": self.most}


class _Place(FilePath):
    words = "a path"
    example = '"/etc"'

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        super().read(value, path, findings)
        if isinstance(value, str) and not value.isprintable():
            findings.wrong(path, f"{findings.label(path)} holds characters that cannot be shown")
        return value


def _core(text: str) -> int:
    count = size(text)
    if count >= 1 << 50:
        msg = f"{quoted(text)} is not a size that can be given here"
        raise ValueError(msg)
    return count


def _capability(text: str) -> str:
    name = text.upper().removeprefix(_CAP)
    if name not in CAPABILITIES:
        near = did_you_mean(name, CAPABILITIES)
        msg = f"{quoted(text)} is no capability of this kernel's" + (f"; {near}" if near else "")
        raise ValueError(msg)
    return name


CORE: Final = Parsed("a size", '"0", "64M"', _core, "^[0-9]+[KMG]?$")
CAPABILITY: Final = Parsed(
    "the name of a capability", '"NET_BIND_SERVICE"', _capability, "^([Cc][Aa][Pp]_)?[A-Za-z_]+$"
)
PLACES: Final = Items(_Place(), most=MOST_PATHS)
UMASK: Final = MODE


class Limits(Section):
    """What each instance may use at most; what is not here has no limit of ours.

    Args:
        memory: of all its processes together; the kernel ends one of them where it needs more.
        cpu: processors that it may keep busy, 1.5 for instance.
        processes: and threads, at one time.
        files: descriptors that each of its processes may have open.
        io: bytes a second that it may read from each disk, and as many that it may write.
        core: the largest core file, "0" for none.
    """

    EXAMPLE: ClassVar[str] = '{ memory = "512M", processes = 64 }'

    memory: Annotated[int, SIZE] | None = None
    cpu: Annotated[float, Processors()] | None = None
    processes: Annotated[int, Whole(1, 4_194_304)] | None = None
    files: Annotated[int, Whole(8, 1 << 30)] | None = None
    io: Annotated[int, SIZE] | None = None
    core: Annotated[int, CORE] | None = None


class Sandbox(Section):
    """What it is kept from.

    Args:
        no_new_privileges: nothing that it executes gains rights, by set-user-ID for one; default: true.
        capabilities: those that it may have; a service that is not root's gets exactly these. Default: not looked at.
        private_tmp: it has a /tmp and a /var/tmp of its own, in memory, which end with it.
        read_only: paths that it cannot change, whatever their modes say.
        writable: paths below those that it can.
    """

    EXAMPLE: ClassVar[str] = "{ private-tmp = true }"

    no_new_privileges: bool = True
    capabilities: Annotated[tuple[str, ...], Items(CAPABILITY)] | None = None
    private_tmp: bool = False
    read_only: Annotated[tuple[str, ...], PLACES] = ()
    writable: Annotated[tuple[str, ...], PLACES] = ()
