"""Layers of a service: which one counts."""

from snowfox.core.config.document import Document, parse
from snowfox.core.config.report import Report
from snowfox.service.layer import Chain, Layer, Origin

TEXT = """\
[own]
ready = { notify = true }
restart.limit = 3
requires = ["a"]
[below]
ready = { tcp = "x", timeout = "5s" }
restart = { limit = 4, delay = "1s" }
requires = ["b", "c"]
stop.grace = "1s"
"""


def chain():
    """Two layers of one document, `stop` of the lower one hidden."""
    document = parse("f", TEXT)
    assert isinstance(document, Document)
    report = Report(document)
    own = Layer(report, ("own",), "own", {}, "/", 0)
    below = Layer(report, ("below",), "below", {}, "/", 0, hidden=frozenset({("stop",)}))
    return Chain((own, below)), report


def test_where():
    """The nearest that wrote a key, of tables key by key; a list and `ready` count as a whole."""
    layers, _ = chain()
    subjects = {
        path: layer.subject if (layer := layers.where(path)) else None
        for path in [
            ("restart", "limit"),
            ("restart", "delay"),
            ("ready", "timeout"),
            ("requires", 1),
            ("stop",),
        ]
    }
    assert subjects == {
        ("restart", "limit"): "own",
        ("restart", "delay"): "below",
        ("ready", "timeout"): "own",
        ("requires", 1): "own",
        ("stop",): None,
    }


def test_written():
    """The value that counts, as it is written."""
    layers, _ = chain()
    assert layers.written("restart", "delay") == "1s"
    assert layers.written("requires") == ["a"]
    assert layers.written("stop", "grace") is None
    assert layers.written("ready", "timeout") is None


def test_origins():
    """Who wrote each key that counts, and where."""
    layers, _ = chain()
    assert layers.origins() == {
        "ready.notify": Origin("own", "f", 2),
        "restart.limit": Origin("own", "f", 3),
        "requires": Origin("own", "f", 4),
        "restart.delay": Origin("below", "f", 7),
    }


def test_problems():
    """What is wrong is told once, where it counts; what nobody wrote at the nearest layer."""
    layers, report = chain()
    layers.wrong("one", ("restart", "delay"), "why")
    layers.wrong("two", ("restart", "delay"), "why")
    layers.wrong("one", ("user",), "why")
    layers.warn(("requires",), "careful")
    assert [(problem.line, problem.text) for problem in report.listed()] == [
        (1, "cannot read one: why"),
        (4, "careful"),
        (7, "cannot read one: why"),
    ]
