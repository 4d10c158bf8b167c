"""How many instances of a service people asked for, in place of what is written.

It lasts until somebody writes another number: what people asked for goes before the configuration of then, and a newer
configuration goes before what people asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Self

from snowfox.core.named import NamedTuple
from snowfox.service.spec import Service

_MARK: Final = "@*"


class Scale(NamedTuple):
    """`number` instances, asked for while `written` stood in the configuration."""

    number: int
    written: int

    @property
    def text(self) -> str:
        """As it is kept among what people want."""
        return f"{self.number} for {self.written}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """What `text` wrote; None for anything else."""
        count, word, written = text.partition(" for ")
        is_one = bool(word) and count.isdecimal() and written.isdecimal()
        return cls(int(count), int(written)) if is_one else None


Scales = Mapping[str, Scale]
"""By service."""
NONE: Final[Scales] = MappingProxyType({})


def key_of(service: str) -> str:
    """Under which the scale of a service is kept: no instance has this id."""
    return f"{service}{_MARK}"


def is_scale(key: str) -> bool:
    """Whether a scale is kept under this."""
    return key.endswith(_MARK)


def scales_of(wanted: Mapping[str, str]) -> dict[str, Scale]:
    """The scales in what people want."""
    return {
        key.removesuffix(_MARK): scale
        for key, text in wanted.items()
        if is_scale(key) and (scale := Scale.read(text)) is not None
    }


def scaled(service: Service, scales: Scales) -> Service:
    """The service with as many instances as people asked for, where it says still what it said then."""
    scale = scales.get(service.name)
    if scale is None or service.instances != scale.written:
        return service
    return service.replace(instances=scale.number)
