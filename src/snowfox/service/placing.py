"""Relative paths of a table, made absolute: they are relative to the file that says them."""

from __future__ import annotations

from snowfox.core.config.section import Partial
from snowfox.service.hook import HOOKS


def make_absolute(fields: Partial, folder: str) -> None:
    """Change the paths in what a table says about a service.

    Args:
        fields: of a `ServiceTable`, which are changed.
        folder: of the file, absolute.
    """
    if "directory" in fields:
        fields["directory"] = in_folder(folder, fields["directory"])
    if "command" in fields:
        fields["command"] = _program(fields["command"], folder)
    for secret in fields.get("secrets", {}).values():
        secret["file"] = _join(folder, secret["file"])
    sandbox = fields.get("sandbox", {})
    for key in ("read_only", "writable"):
        if key in sandbox:
            sandbox[key] = tuple(in_folder(folder, path) for path in sandbox[key])
    for probe in (fields.get("ready", {}), fields.get("alive", {})):
        for form in ("http", "unix"):
            if form in probe and not probe[form].startswith("unix:${"):
                probe[form] = absolute_address(folder, probe[form])
        if "command" in probe:
            probe["command"] = _program(probe["command"], folder)
    _place_hooks(fields, folder)


def _place_hooks(fields: Partial, folder: str) -> None:
    """Programs of hooks, of reload and of stop's steps."""
    named = [fields[name] for name in HOOKS if name in fields]
    reload = [fields["reload"]] if "reload" in fields else []
    for one in (*named, *reload, *fields.get("stop", {}).get("steps", ())):
        if "command" in one:
            one["command"] = _program(one["command"], folder)


def absolute_address(folder: str, address: str) -> str:
    """An address as it stands; the path of a unix socket is relative to the folder."""
    if not address.startswith("unix:") or address.startswith("unix:@"):
        return address
    return "unix:" + _join(folder, address.removeprefix("unix:"))


def in_folder(folder: str, path: str) -> str:
    """A path made absolute; one that begins with `/` or `${` is left as it is."""
    return path if path.startswith("${") else _join(folder, path)


def _join(folder: str, path: str) -> str:
    if path.startswith("/"):
        return path
    path = path.removeprefix("./")
    return folder if path in ("", ".") else f"{folder.rstrip('/')}/{path}"


def _program(words: tuple[str, ...], folder: str) -> tuple[str, ...]:
    """A command; what is executed is looked for in PATH when it is no path."""
    return (in_folder(folder, words[0]), *words[1:]) if "/" in words[0] else words
