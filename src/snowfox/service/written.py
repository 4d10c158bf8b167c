"""What users write in the tables of services: commands, durations, signals, addresses. Each is a `Kind`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from snowfox.core.config.kind import Findings, Items, Kind, Parsed, Text, Whole, is_list, is_table
from snowfox.core.config.problem import quoted
from snowfox.core.config.scanner import Path
from snowfox.core.posix.address import Address
from snowfox.core.posix.address import parse as parse_address
from snowfox.service.filling import uses
from snowfox.values import LISTENING, duration, is_name, is_secret_name, signal_number, size

LONGEST_WAIT: Final = 366 * 86400.0
"""Seconds; what is longer was meant otherwise, and timers of the kernel end somewhere."""

LEAST_WATCHDOG: Final = 0.01
"""Seconds; whoever has to say something more often does nothing else."""

LARGEST_SIZE: Final = 1 << 50
LONGEST_INSTANCE: Final = 20
"""Characters of an instance's own name, so that a launch's token fits into a file name."""
LONGEST_ADDRESS: Final = 4096

NAME_PATTERN: Final = r"^(?=.{1,100}$)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"
"""Of names, as in `values`, for schemas."""

_ACCOUNT: Final = "^[^:/]{1,255}$"
_LISTEN: Final = "^(unix:.+|(udp:)?[^ ]*:[0-9]{1,5})$"
_CONNECT: Final = r"^(unix:.+|[^ ]*:[0-9]{1,5}|.*\$\{.*)$"

_QUIET: Final = re.compile(r"[ -~]*\Z")
_V4: Final = re.compile(
    r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}\Z", re.ASCII
)
_SHARE: Final = re.compile(r"^(100|[0-9]{1,2})%$", re.ASCII)
_QUOTED: Final = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.", re.DOTALL)
_SHELL: Final = re.compile(r"\|\|?|&&|>>?|\*|\$\(")


class Share(Whole):
    """A number of things, or a share of all of them: `"25%"` stays text, `"0%"` is 0."""

    def __init__(self, most: int) -> None:
        super().__init__(0, most)
        self.words = 'a whole number or a share such as "25%"'

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """The number, or the share as it is written."""
        if not isinstance(value, str):
            return super().read(value, path, findings)
        if not _SHARE.match(value):
            why = f"{findings.label(path)} must be {self.words}, not {quoted(value)}"
            findings.wrong(path, why, hint="a share is from 0% to 100%")
        return value if value.strip("0%") else 0

    def schema(self) -> dict[str, Any]:
        """An integer within its bounds, or a share."""
        return {"anyOf": [super().schema(), {"type": "string", "pattern": _SHARE.pattern}]}


SHARE: Final = Share(1000)


def part(share: int | str, count: int, *, up: bool) -> int:
    """How many of `count` a `Share` means, rounded up or down."""
    if isinstance(share, int):
        return share
    hundredths = int(share.rstrip("%")) * count
    return -(-hundredths // 100) if up else hundredths // 100


def split(command: str) -> tuple[str, ...]:
    """The words of a command, as a shell splits and unquotes them; nothing is expanded.

    Raises ValueError with a sentence for a person when a quote is not closed or nothing is there.
    """
    if _QUIET.match(command) and not any(letter in command for letter in "'\"\\"):
        words = tuple(command.split())
    else:
        import shlex  # noqa: PLC0415 - reads letter by letter, 60 µs a command: only where there are quotes

        try:
            words = tuple(shlex.split(command))
        except ValueError:
            msg = "the command has a quote or backslash that is not closed"
            raise ValueError(msg) from None
    if not words:
        msg = "the command is empty"
        raise ValueError(msg)
    return words


def shell_character(command: str) -> str:
    """The first thing in a command that only a shell would understand (`|`, `&&`, `>`, `*`, `$(`), or ""."""
    found = _SHELL.search(command)
    if found is not None:
        found = _SHELL.search(_QUOTED.sub("", command))
    return found[0] if found else ""


class Command(Kind):
    """Words: a list, or text that is split as a shell would."""

    words = "text or a list"
    example = '"python3 app.py"'

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """A tuple of at least one word, the first not empty."""
        words: tuple[str, ...] = ()
        if is_list(value):
            words = _WORDS.read(value, path, findings)
            if not words:
                findings.wrong(path, "the command is empty", hint=f"for example {self.example}")
        elif isinstance(value, str):
            if "\0" in value:
                findings.wrong(path, f"{findings.label(path)} contains a NUL character")
                return ()
            try:
                words = split(value)
            except ValueError as error:
                findings.wrong(path, str(error), hint=f"for example {self.example}")
        else:
            self.refuse(value, path, findings)
        if words and words[0] == "":
            findings.wrong(path, "the command begins with an empty word")
        return words

    def schema(self) -> dict[str, Any]:
        """A string, or an array of them."""
        words = {"type": "array", "items": {"type": "string"}, "minItems": 1}
        return {"anyOf": [{"type": "string", "minLength": 1}, words]}


_WORDS: Final = Items(Text())


class Variables(Kind):
    """A table by names of variables; two of them add up.

    Args:
        item: what each may be.
    """

    words = "a table"
    example = '{ DEBUG = "1" }'
    pattern = "^[^=]+$"
    hint = ""

    def __init__(self, item: Kind) -> None:
        self.item = item

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """A dict."""
        if not is_table(value):
            self.refuse(value, path, findings)
            return {}
        found: dict[str, Any] = {}
        for name, item in value.items():
            found[name] = self.item.read(item, (*path, name), findings)
            if name in OURS:
                findings.wrong((*path, name), f"{name} is set by Snow Fox", part="key")
            elif not self.is_name(name):
                why = f"{quoted(name)} cannot name a variable"
                findings.wrong((*path, name), why, hint=self.hint, part="key")
        return found

    def is_name(self, name: str) -> bool:
        """Whether it can name one."""
        return bool(name) and "=" not in name and "\0" not in name

    def schema(self) -> dict[str, Any]:
        """An object without the names that are ours."""
        names = {"not": {"enum": sorted(OURS)}, "pattern": self.pattern}
        return {"type": "object", "propertyNames": names, "additionalProperties": self.item.schema()}

    def over(self, upper: Any, lower: Any) -> Any:
        """Variable by variable."""
        return {**lower, **upper}


OURS: Final = LISTENING | {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}
"""Variables that nobody else sets."""


class FilePath(Text):
    """A path, not empty."""

    words = "the path of a file"
    example = '"production.env"'
    here = "write its path"

    def read(self, value: Any, path: Path, findings: Findings) -> Any:
        """The path as it is written."""
        super().read(value, path, findings)
        if value == "":
            findings.wrong(path, f"{findings.label(path)} is empty", hint=self.here)
        return value

    def schema(self) -> dict[str, Any]:
        """A string that is not empty."""
        return {"type": "string", "minLength": 1}


def _duration(text: str) -> float:
    seconds = duration(text)
    if seconds > LONGEST_WAIT:
        msg = f"{quoted(text)} is more than 366d"
        raise ValueError(msg)
    return seconds


def _a_while(text: str) -> float:
    """A duration after which something is given up."""
    seconds = _duration(text)
    if seconds < LEAST_WATCHDOG:
        msg = f"{quoted(text)} is less than 10ms"
        raise ValueError(msg)
    return seconds


def _size(text: str) -> int:
    count = size(text) if len(text) < 20 else LARGEST_SIZE + 1
    if not 1 <= count <= LARGEST_SIZE:
        msg = f"{quoted(text)} is not a size that can be given here"
        raise ValueError(msg)
    return count


def _signal(text: str) -> int:
    if len(text) > 20:
        msg = f"{quoted(text)} is not a signal"
        raise ValueError(msg)
    return signal_number(text)


def _name(text: str) -> str:
    if not is_name(text):
        msg = f"{quoted(text)} is not a name"
        raise ValueError(msg)
    return text


def _instance(text: str) -> str:
    if not is_name(text) or "." in text or len(text) > LONGEST_INSTANCE:
        msg = f"{quoted(text)} is not the name of an instance"
        raise ValueError(msg)
    if text.isdecimal():
        msg = f"{quoted(text)} would be a number of an instance"
        raise ValueError(msg)
    return text


def _variable(text: str) -> str:
    if text in OURS:
        msg = f"{text} is set by Snow Fox"
        raise ValueError(msg)
    if not is_secret_name(text):
        msg = f"{quoted(text)} is not the name of a variable"
        raise ValueError(msg)
    return text


def _account(noun: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not text or len(text) > 255 or not text.isprintable() or ":" in text or "/" in text:
            msg = f"{quoted(text)} is not the name of a {noun}"
            raise ValueError(msg)
        return text

    return read


def _mode(text: str) -> int:
    if re.fullmatch("0?[0-7]{3}", text) is None:
        msg = f"{quoted(text)} is not the mode of a file"
        raise ValueError(msg)
    return int(text, 8)


def _url_path(text: str) -> str:
    if not text.startswith("/") or not text.isascii() or not text.isprintable() or " " in text:
        msg = f"{quoted(text)} is not the path of a web address"
        raise ValueError(msg)
    return text


def address(text: str) -> Address:
    """An address to listen on or to connect to, its host checked. Raises ValueError with a sentence for a person."""
    if len(text) > LONGEST_ADDRESS or not text.isprintable() or text.startswith("unix-datagram:"):
        msg = f"{quoted(text)} is not an address"
        raise ValueError(msg)
    found = parse_address(text)
    if not found.is_unix and not _is_host(found.host):
        msg = f"{quoted(found.host)} is not a numeric address, and names are not looked up"
        raise ValueError(msg)
    return found


def _is_host(host: str) -> bool:
    if ":" not in host:
        return _V4.match(host) is not None
    from ipaddress import IPv6Address  # noqa: PLC0415 - 400 kB, for few configurations

    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True


def _filled_in(check: Callable[[str], Address]) -> Callable[[str], str]:
    """For addresses that may hold `${NAME}`: checked as if its default or a 1 stood there, kept as they are written."""

    def read(text: str) -> str:
        found = uses(text)
        sample = text
        for use in found:
            sample = sample.replace(use.written, use.default or "1")
        checked = check(sample)
        return text if found else str(checked)

    return read


def _filled_in_path(text: str) -> str:
    """A path, with `unix:` before it, which may be left out."""
    return _filled_in(_unix)(text if text.startswith("unix:") or not text else f"unix:{text}")


def _tcp(text: str) -> Address:
    found = address(text)
    if found.kind != "tcp" or found.port == 0:
        msg = f"{quoted(text)} is not an address that can be tried"
        raise ValueError(msg)
    return found


def _endpoint(text: str) -> Address:
    if text.startswith(("http://", "https://")):
        msg = f"{quoted(text)} is more than an address"
        raise ValueError(msg)
    return address(text) if text.startswith("unix:") else _tcp(text)


def _regex(text: str) -> str:
    try:
        matches_nothing = re.compile(text).search("") is not None
    except (re.error, OverflowError, RecursionError) as error:
        msg = f"{quoted(text)} is not a regular expression: {error}"
        raise ValueError(msg) from None
    if matches_nothing:
        msg = f"{quoted(text)} matches an empty line, so any"
        raise ValueError(msg)
    return text


def _unix(text: str) -> Address:
    if not text.removeprefix("unix:"):
        msg = "a path is missing"
        raise ValueError(msg)
    return address(text if text.startswith("unix:") else f"unix:{text}")


def _syslog(text: str) -> str:
    found = address(text)
    is_relative = found.is_unix and not found.path.startswith(("/", "@"))
    if is_relative or (not found.is_unix and found.port == 0):
        msg = f"{quoted(text)} is not an address that can be sent to"
        raise ValueError(msg)
    return str(found)


COMMAND: Final = Command()
DURATION: Final = Parsed("a duration", '"10s", "500ms", "2m"', _duration, r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$")
AT_LEAST: Final = Parsed("a duration", '"10s", "2m"', _a_while, r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$")
SIZE: Final = Parsed("a size", '"64K", "20M", "2G"', _size, "^[0-9]+[KMG]?$")
SIGNAL: Final = Parsed("the name of a signal", '"TERM", "QUIT", "HUP"', _signal, "^[A-Za-z0-9+-]{1,20}$")
NAME: Final = Parsed("a name", '"cache", "shop.web"', _name, NAME_PATTERN)
INSTANCE: Final = Parsed("a name", '"blue"', _instance, r"^[A-Za-z0-9_-]*[A-Za-z_-][A-Za-z0-9_-]*$")
TEMPLATE: Final = Parsed("the name of a template", '"python"', _name, NAME_PATTERN)
VARIABLE: Final = Parsed("a name", '"SSH_AUTH_SOCK"', _variable, "^[A-Za-z_][A-Za-z0-9_]{0,200}$")
USER: Final = Parsed("the name of a user", '"www-data"', _account("user"), _ACCOUNT)
GROUP: Final = Parsed("the name of a group", '"www-data"', _account("group"), _ACCOUNT)
MODE: Final = Parsed("the mode of a file", '"0660"', _mode, "^0?[0-7]{3}$")
FILE: Final = FilePath()
ENVIRONMENT: Final = Variables(Text())
LISTEN: Final = Items(
    Parsed(
        "an address",
        '"127.0.0.1:8080", "[::]:80", "unix:run/web.sock", "udp:127.0.0.1:53"',
        lambda text: str(address(text)),
        _LISTEN,
    ),
    or_one=True,
)
TCP: Final = Parsed("an address", '"127.0.0.1:6379"', _filled_in(_tcp), _CONNECT)
ENDPOINT: Final = Parsed(
    "an address", 'http = "127.0.0.1:8080", path = "/health"', _filled_in(_endpoint), _CONNECT
)
REGEX: Final = Parsed("a regular expression", '"listening on port [0-9]+"', _regex, r"^.+$")
UNIX: Final = Parsed("the path of a socket", '"run/web.sock"', _filled_in_path, r"^.+$")
SYSLOG: Final = Parsed(
    "an address", '"udp:127.0.0.1:514", "127.0.0.1:601", "unix:/dev/log"', _syslog, _LISTEN
)
URL_PATH: Final = Parsed("the path of a web address", '"/health"', _url_path, r"^/\S*$")
NAMES: Final = Items(NAME)
