"""The schema of a configuration, against an independent validator."""

import re
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from snowfox.cli.commands.init import TEXT
from snowfox.core.config.registry import Sections
from snowfox.core.config.section import Section
from snowfox.service.schema import of_file, of_node, of_service
from snowfox.testing.configuration import shown

ROOT = Path(__file__).parents[3]
BLOCKS = re.findall(
    r"^```toml\n(.*?)^```", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE | re.DOTALL
)
EXAMPLES = [
    *(path.read_text() for path in sorted(ROOT.glob("examples/**/snowfox.toml"))),
    TEXT,
    re.sub(r"(?m)^# (?=[\[a-z])", "", TEXT),
    *(block for block in BLOCKS if "[service." in block),
]


def mistakes(text, schema=None):
    """What the validator finds in a text, by the path."""
    validator = Draft202012Validator(schema or of_file(Sections()))
    return [".".join(map(str, error.absolute_path)) for error in validator.iter_errors(tomllib.loads(text))]


@pytest.mark.parametrize("make", [lambda: of_file(Sections()), lambda: of_node(Sections()), of_service])
def test_is_a_schema(make):
    """Each of the three is a schema of its dialect."""
    Draft202012Validator.check_schema(make())


def test_file_of_a_service():
    """The example of such a file is one."""
    (block,) = (block for block in BLOCKS if "[service." not in block)
    assert mistakes(block, of_service()) == []


def test_there_are_examples():
    """The page on configuration and the shop are among them."""
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples(text):
    """All examples are what the schema says, and what a check takes."""
    assert mistakes(text) == []
    assert shown(text, files={"production.env": ""}).count("cannot read") == 0


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('[service.a]\ncommand = "a"\nrestrt = 1\n', "service.a"),
        ("[servce.a]\n", ""),
        ('[service."a b"]\ncommand = "a"\n', "service"),
        ("[service.a]\n", "service.a"),
        ("[service.a]\ncommand = 1\n", "service.a.command"),
        ('[service.a]\ncommand = "a"\nstop.grace = "10 apples"\n', "service.a.stop.grace"),
        ('[service.a]\ncommand = "a"\nstop.grace = 10\n', "service.a.stop.grace"),
        ('[service.a]\ncommand = "a"\nlog.size = "1T"\n', "service.a.log.size"),
        ('[service.a]\ncommand = "a"\ninstances = 0\n', "service.a.instances"),
        ('[service.a]\ncommand = "a"\nrestart.when = "allways"\n', "service.a.restart.when"),
        ('[service.a]\ncommand = "a"\nsockets = "front"\n', "service.a.sockets"),
        ('[service.a]\ncommand = "a"\nenvironment.A = 1\n', "service.a.environment.A"),
        ('[service.a]\ncommand = "a"\nenvironment.LISTEN_FDS = "1"\n', "service.a.environment"),
        ('[service.a]\ncommand = "a"\nsecrets.A = {}\n', "service.a.secrets.A"),
        ('[service.a]\ncommand = "a"\nautostart = "yes"\n', "service.a.autostart"),
        ("[socket.a]\n", "socket.a"),
        ('[socket.a]\nlisten = "x"\n', "socket.a.listen"),
        ('[socket.a]\nlisten = "unix:x"\nmode = "999"\n', "socket.a.mode"),
        ('[template.a]\nwas = "x"\n', "template.a"),
        ('[defaults]\ncommand = "x"\n', "defaults"),
    ],
)
def test_mistakes(text, path):
    """What is refused by a check is no instance of the schema either."""
    assert path in mistakes(text)


def test_template_needs_nothing():
    """What a template or another file may say need not be said again."""
    assert mistakes('[template.t]\nuser = "x"\n[service.a]\nextends = "t"\n') == []
    assert mistakes('override = "merge"\n', of_service()) == []
    assert mistakes('[service.a]\ncommand = "a"\n', of_node(Sections())) == [""]


def test_sections_of_modules():
    """A module's table is there from its type alone."""

    class Http(Section):
        """An API.

        Args:
            listen: where it
                listens.
        """

        listen: str

    sections = Sections()
    sections._found = {"http": Http}
    schema = of_file(sections)
    assert schema["properties"]["http"] == {
        "type": "object",
        "description": "An API.",
        "properties": {"listen": {"type": "string", "description": "where it listens."}},
        "required": ["listen"],
        "additionalProperties": False,
    }


def test_everything_is_described():
    """Each key of a service, and of the tables in it, says what it is."""

    def undescribed(schema, path):
        for name, inner in schema.get("properties", {}).items():
            if "description" not in inner:
                yield f"{path}{name}"
            yield from undescribed(inner, f"{path}{name}.")

    assert list(undescribed(of_file(Sections())["properties"]["service"]["additionalProperties"], "")) == []
