"""Prints output of services: the instance before each line, times where they are wanted, structured lines readable."""

from __future__ import annotations

import re
import sys
import time
from typing import Final

from snowfox.cli import paper
from snowfox.contract.manager import LogLine

_MOVES: Final = re.compile(rb"\x1b(?!\[[0-9;]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]")


class Look:
    """How lines are printed.

    Args:
        as_json: a JSON object a line.
        is_raw: the bytes alone, nothing before them, structured lines as they are.
        times: with the time of each line.
        is_live: print each at once, for somebody who waits for it.
    """

    __slots__ = ("as_json", "is_live", "is_raw", "times")

    def __init__(
        self, *, as_json: bool = False, is_raw: bool = False, times: bool = False, is_live: bool = True
    ) -> None:
        self.as_json = as_json
        self.is_raw = is_raw
        self.times = times
        self.is_live = is_live


class Printer:
    """Prints lines with the instance's name before each, in a colour of its own.

    Args:
        look: how.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._sheet = paper.out()
        self._prefixes: dict[str, bytes] = {}
        self._names: dict[str, int] = {}
        self._parts: dict[tuple[str, str], list[bytes]] = {}
        self._unended: tuple[str, str] | None = None

    def show(self, line: LogLine) -> None:
        """Print one item, which may hold several lines, or a part of one."""
        if self._look.as_json:
            self._show_json(line)
            return
        key = (line.instance, line.stream)
        before, self._unended = self._unended, None
        goes_on = before == key
        out = [b"\n"] if before is not None and not goes_on else []
        texts = line.text.split(b"\n")
        if goes_on:
            out.append(self._plain(texts.pop(0)) + b"\n")
        prefix = b"" if self._look.is_raw else self._prefix(line)
        out += [prefix + self._readable(text) + b"\n" for text in texts]
        if line.is_part:
            out[-1] = out[-1][:-1]
            self._unended = key
        stream = sys.stdout.buffer
        stream.write(b"".join(out))
        if self._look.is_live:
            stream.flush()

    def _show_json(self, line: LogLine) -> None:
        from snowfox.service.entry import row  # noqa: PLC0415 - only when asked for

        key = (line.instance, line.stream)
        text = b"".join((*self._parts.pop(key, ()), line.text))
        if line.is_part:
            self._parts[key] = [text]
            return
        for one in text.split(b"\n"):
            paper.json_line(row(line.instance, line.at, one, line.stream))

    def _readable(self, text: bytes) -> bytes:
        if not self._look.is_raw and text.startswith(b"{"):
            from snowfox.service.entry import entry, shown  # noqa: PLC0415 - only for such lines

            found = entry(text)
            if found is not None:
                text = self._coloured(shown(found), found.severity).encode(errors="replace")
                return _MOVES.sub(_escaped, text) if self._sheet.is_terminal else text
        return self._plain(text)

    def _coloured(self, text: str, severity: int) -> str:
        if severity <= 3:
            return self._sheet.colour("red", text)
        return self._sheet.colour("yellow", text) if severity == 4 else text

    def _plain(self, text: bytes) -> bytes:
        """What a service prints cannot move a terminal, but may colour it."""
        if self._look.is_raw or not self._sheet.is_terminal:
            return text
        return _MOVES.sub(_escaped, text.removesuffix(b"\r"))

    def _prefix(self, line: LogLine) -> bytes:
        name = f"{line.instance} {line.stream}" if line.stream else line.instance
        prefix = self._prefixes.get(name)
        if prefix is None:
            number = self._names.setdefault(line.instance, len(self._names))
            prefix = self._prefixes[name] = self._sheet.prefix(f"{name:<14} | ", number).encode()
        return prefix + _time(line.at) if self._look.times else prefix


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"\\x%02x" % found[0][0]


def _time(at: int) -> bytes:
    """In the clock of this host, to the millisecond; of an unknown time as many blanks."""
    if not at:
        return b" " * 24
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(at / 1000))}.{at % 1000:03d} ".encode()
