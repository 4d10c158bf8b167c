"""Finding modules: in the packages that a process names, and in installed distributions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from snowfox.core.module import Module, ModuleLevel, Setup
from snowfox.core.packages import EntryPoint, entry_points, parts_of
from snowfox.errors import ModuleFailed


class _Unknown(ModuleLevel):
    """The level of a module that could not even be imported: last, so that it takes nothing down."""

    UNKNOWN = 1 << 30


def discover(packages: Iterable[str], group: str | None = None) -> list[Module]:
    """All modules that are defined in these packages, sub-packages included, by importing them.

    Args:
        packages: dotted names. What cannot be imported raises ModuleFailed.
        group: of entry points, such as `packages.ENTRY_POINTS`: packages that installed distributions name are looked through
            as well. What cannot be imported of them becomes a module that fails in setup.
    """
    found: dict[tuple[str, str], Module] = {}
    for name in packages:
        for one in _modules_of(name):
            found[one.package, one.name] = one
    for point in entry_points(group) if group else []:
        try:
            modules = _modules_of(point.value)
        except ModuleFailed as failure:
            modules = [_broken(point, failure)]
        for one in modules:
            found[one.package, one.name] = one
    return list(found.values())


def _modules_of(package: str) -> list[Module]:
    return [
        thing
        for part in parts_of(package)
        for thing in vars(part).values()
        if isinstance(thing, Module) and thing.package == part.__name__
    ]


def _broken(point: EntryPoint, failure: ModuleFailed) -> Module:
    async def run(_: Setup) -> AsyncIterator[None]:
        raise failure
        yield  # what makes it a generator

    return Module(point.name, _Unknown.UNKNOWN, (), False, f"{point.value} ({point.distribution})", run)  # noqa: FBT003
