"""`Procfile` and `.env`, as their other runners read them (foreman, honcho, Heroku).

A line is `name: command`, run by `sh -c` in the folder of the file. `PORT` is 5000 (or what `.env` says), 100 more
for each line, and one more for each instance. `release` runs to its end before the others start. Nothing is filled in here: `${NAME}` in a line is the
shell's.
"""

from __future__ import annotations

import re
from typing import Final

from snowfox.core.config.lines import Lines
from snowfox.core.config.problem import Problem, quoted
from snowfox.core.config.report import in_order
from snowfox.core.config.source import File, Sources
from snowfox.service.checked import Checked
from snowfox.service.dotenv import Dotenv
from snowfox.service.filling import plain
from snowfox.service.scale import NONE, Scales, scaled
from snowfox.service.spec import Configuration, Restart, Service
from snowfox.values import is_name

FIRST_PORT: Final = 5000
PORTS_PER_LINE: Final = 100
LAST_PORT: Final = 65535
MOST_PROBLEMS: Final = 100

_PROCESS: Final = re.compile(r"[ \t]*([^\s:]+)[ \t]*:[ \t]*(.*?)[ \t]*\Z")


def read(sources: Sources, *, host: str, scales: Scales = NONE) -> Checked:
    """All that the files say, or all that is wrong with them; `scales`: how many instances people asked for."""
    environment, problems = _environment(sources.file(".env"))
    main = _Reader(sources.main)
    commands = main.commands()
    problems = [*main.problems, *problems]
    if len(problems) > MOST_PROBLEMS:
        rest = Problem(f"only the first {MOST_PROBLEMS} problems are listed", file=main.title)
        problems = [*problems[:MOST_PROBLEMS], rest]
    if problems:
        return Checked(main.title, None, tuple(problems))
    first = int(environment.get("PORT", FIRST_PORT))
    last = first + PORTS_PER_LINE * max(0, len(commands) - 1)
    if last > LAST_PORT:
        why = f"cannot read {main.title}: the port of {list(commands)[-1]} would be {last}"
        return Checked(main.title, None, (Problem(why, "begin lower: PORT=5000 in .env", main.title),))
    services = {
        name: scaled(_service(name, command, sources, environment, first + index * PORTS_PER_LINE), scales)
        for index, (name, command) in enumerate(commands.items())
    }
    if "release" in services:
        others = ((name, service) for name, service in services.items() if name != "release")
        services |= {name: service.replace(requires=("release",)) for name, service in others}
    configuration = Configuration(host, services, {}, sources.version(host), sources.folder)
    nothing = (
        ()
        if services
        else (
            Problem(
                "there is no process in it", "for example web: python3 app.py", main.title, is_warning=True
            ),
        )
    )
    return Checked(main.title, configuration, nothing)


def _service(name: str, command: str, sources: Sources, environment: dict[str, str], port: int) -> Service:
    is_task = name == "release"
    return Service(
        name=name,
        command=("sh", "-c", plain(command)),
        directory=sources.folder,
        port=port,
        environment={key: plain(value) for key, value in environment.items()} | {"PORT": "${INSTANCE_PORT}"},
        is_task=is_task,
        restart=Restart(when="never") if is_task else Restart(),
        owner=sources.main.owner,
    )


class _Reader:
    """The lines of a file, and what is wrong with them."""

    def __init__(self, file: File) -> None:
        self.title = file.title
        self.problems: list[Problem] = []
        self._lines = Lines(file.title, file.text.replace("\r\n", "\n"))

    def commands(self) -> dict[str, str]:
        """`name: command` lines."""
        commands: dict[str, str] = {}
        for start, line in self._lines.said():
            found = _PROCESS.match(line)
            if found is None:
                self.wrong(start, line, 'expected "name: command"')
            elif not is_name(found[1]):
                self.wrong(
                    start, found[1], f"{quoted(found[1])} is not a name", 'letters, digits, "_" and "-"'
                )
            elif not found[2]:
                self.wrong(start, line, f"there is no command for {found[1]}")
            elif "\0" in found[2]:
                self.wrong(start, line, "the command contains a NUL character")
            elif found[1] in commands:
                self.wrong(start, found[1], f"{found[1]} is written twice")
            else:
                commands[found[1]] = found[2]
        return commands

    def wrong(self, start: int, text: str, why: str, hint: str = "") -> None:
        """A problem with a text that begins at `start` of the file."""
        problem = Problem(f"cannot read {self.title}: {why}", hint)
        self.problems.append(self._lines.place((start, start + len(text)), problem))


def _environment(file: File | None) -> tuple[dict[str, str], list[Problem]]:
    if file is None:
        return {}, []
    found = Dotenv(file)
    port = found.variables.get("PORT")
    if port is not None and not _is_port(port.value):
        found.wrong(
            port.start, port.end, f"{quoted(port.value)} is not a port", "1 to 65535, for example 5000"
        )
    return {name: variable.value for name, variable in found.variables.items()}, [*in_order(found.problems)]


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= LAST_PORT
