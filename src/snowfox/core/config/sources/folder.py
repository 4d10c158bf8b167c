"""A configuration by path: one file, a file with those beside it, or a tree, read with the rights of whoever asks."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from snowfox.core.config.source import Gathering, Names, Sources
from snowfox.core.posix.api import Posix
from snowfox.core.tree import (
    Layout,
    Stamp,
    below,
    is_environment_file,
    open_below,
    open_file,
    refusal,
    stamp,
    walk,
)
from snowfox.errors import PosixError, errno_text

Further = Callable[[Sources], Sequence[str]]
"""Names of further files that a configuration asks for, relative to its folder; one that is not there is passed over, and
so is one that is refused, which is in `Sources.unread`."""


def read(
    path: str, *, names: Names, posix: Posix, shown: str | None = None, further: Further | None = None
) -> Sources:
    """What is at a path: a folder that holds one of the main files, or such a file.

    Args:
        path: absolute.
        names: what a folder may hold.
        posix: the way to the kernel.
        shown: the path as the person wrote it, for messages; "" names files without a folder.
        further: asked for more files once the others are read.

    Raises ConfigurationRefused with one line when something is not there or not readable.
    """
    called = path if shown is None else shown
    try:
        entry = posix.files.stat(path, follow=True)
    except PosixError as error:
        raise refusal(called or path, errno_text(error.errno)) from error
    if stat.S_ISDIR(entry.mode):
        folder, main = path, ""
    else:
        folder, _, main = path.rpartition("/")
        folder = folder or "/"
        called = called.removesuffix(main).removesuffix("/")
    try:
        opened = posix.files.open(folder, os.O_PATH | os.O_DIRECTORY)
    except PosixError as error:
        raise refusal(called or folder, errno_text(error.errno)) from error
    try:
        return _Reading(posix, opened, names, called).sources(folder, main, further)
    finally:
        posix.files.close(opened)


def main_of(names: Names, there: Callable[[str], bool], title: str) -> str:
    """The main file of a folder.

    Args:
        names: what it may hold.
        there: whether it holds a name.
        title: of the folder, for messages.

    Raises ConfigurationRefused when there is none, or when there are two forms at once.
    """
    first, *others = names.main
    tree = names.tree.main if names.tree else ""
    candidates = [first, tree, *others] if tree else [first, *others]
    found = next((name for name in candidates if there(name)), "")
    if found == first and tree and there(tree):
        raise refusal(title, f"there are {first} and {tree} in it", f"name one: {below(title, first)}")
    if not found:
        why = f"there is no {' and no '.join(candidates)} in it"
        raise refusal(title, why, "snowfox init  writes a first one")
    return found


def further_name(name: str) -> str:
    """A name that a configuration asks for, in its shortest form. Raises ConfigurationRefused when it may not."""
    short = os.path.normpath(name)
    if short.startswith(("/", "../")) or short == "..":
        raise refusal(name, "it is outside of the configuration's folder")
    if not is_environment_file(short) or not name.isprintable():
        raise refusal(name, "it is not called as an environment file is", "NAME.env, .env or .env.NAME")
    return short


class _Reading:
    """Reads below one open folder."""

    def __init__(self, posix: Posix, folder: int, names: Names, shown: str) -> None:
        self._posix = posix
        self._folder = folder
        self._names = names
        self._shown = shown
        self._files = Gathering(below(shown, ""))

    def sources(self, folder: str, main: str, further: Further | None) -> Sources:
        """All of it. `main` is "" where it is to be found."""
        main = main or main_of(self._names, self._is_there, self._shown or folder)
        tree = self._names.tree
        if tree is not None and main == tree.main:
            self._read_tree(tree)
        else:
            tree = None
            self._read(main)
        if not self._files.files or self._files.files[0].name != main:
            raise refusal(below(self._shown, main), "it is gone")
        read = [main, *self._names.beside.get(main, ())]
        for name in read[1:]:
            self._read(name)
        if further is not None:
            asked = [further_name(name) for name in further(Sources(folder, tuple(self._files.files)))]
            for name in dict.fromkeys(asked):
                with self._files.perhaps(name):
                    self._read(name)
            read += [name for name in asked if name not in self._files.unread]
        if len(self._files.files) > 1:
            self._files.look_again(self._seen(tree, read))
        return Sources(folder, tuple(self._files.files), unread=self._files.unread)

    def _is_there(self, name: str) -> bool:
        try:
            self._posix.files.stat(name, folder=self._folder)
        except PosixError as error:
            if error.errno in {errno.ENOENT, errno.ENOTDIR}:
                return False
            raise refusal(below(self._shown, name), errno_text(error.errno)) from error
        return True

    def _read(self, name: str) -> None:
        """Read a file that may not be there: what that means is for the check to say."""
        title = below(self._shown, name)
        try:
            opened = open_below(self._posix, name, folder=self._folder, title=title)
        except PosixError as error:
            if error.errno == errno.ENOENT:
                return
            raise refusal(title, errno_text(error.errno)) from error
        try:
            self._files.read(opened, name, posix=self._posix)
        finally:
            self._posix.files.close(opened)

    def _read_tree(self, tree: Layout) -> None:
        with closing(walk(self._posix, self._folder, tree, shown=self._shown)) as entries:
            for entry in entries:
                title = below(self._shown, entry.name)
                try:
                    opened = open_file(self._posix, entry.last, folder=entry.folder, title=title)
                except PosixError as error:
                    raise refusal(title, errno_text(error.errno)) from error
                try:
                    self._files.read(opened, entry.name, posix=self._posix)
                finally:
                    self._posix.files.close(opened)

    def _seen(self, tree: Layout | None, read: list[str]) -> Iterator[tuple[str, Stamp]]:
        """The stamps of what is there now."""
        if tree is not None:
            with closing(walk(self._posix, self._folder, tree, shown=self._shown)) as entries:
                yield from ((entry.name, stamp(entry.stat)) for entry in entries)
        for name in read:
            try:
                yield name, stamp(self._posix.files.stat(name, folder=self._folder))
            except PosixError:
                continue
