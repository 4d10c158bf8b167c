"""Tables at the top of a main document."""

from snowfox.core.config.document import Document, parse
from snowfox.core.config.registry import Sections
from snowfox.core.config.report import Report
from snowfox.service.spec import Socket
from snowfox.service.top import Top, name_hint


def top(text, *, has_services=True):
    """The tables of a text, and the report."""
    document = parse("f", text)
    assert isinstance(document, Document)
    report = Report(document)
    return Top(report, "/srv", has_services=has_services, known=Sections()), report


def test_tables():
    """Node and sockets, and the names of other tables."""
    found, report = top('[node]\nname = "n"\n[socket.s]\nlisten = "unix:x"\n[service.a]\n[service."b c"]\n')
    assert found.node() == "n"
    assert found.sockets() == {"s": Socket("s", ("unix:/srv/x",))}
    assert list(found.named("service")) == ["a"]
    assert [problem.text for problem in report.listed()] == [
        'cannot read f: "b c" is not a name of a service'
    ]


def test_without_services():
    """Where services have files of their own, one here is refused, and an unknown table told where it would be."""
    _, report = top("[service.a]\n[web]\n", has_services=False)
    assert [(problem.text, problem.hint) for problem in report.listed()] == [
        ("cannot read f: services have files of their own here", "for example services/web.toml"),
        ('cannot read f: unknown table "web"', "services are files: services/web.toml"),
    ]


def test_names():
    """What a name is, and how long."""
    assert name_hint("a b").startswith("letters")
    assert name_hint("a" * 101) == "at most 100 characters"
