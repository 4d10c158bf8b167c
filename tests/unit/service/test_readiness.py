"""What a start waits for."""

from __future__ import annotations

from snowfox.service.readiness import Wait, unready_text, wait_of
from snowfox.service.spec import Ready, Service


def web(ready=None, **more):
    """A service with this readiness."""
    return Service("web", ("x",), ready=ready or Ready(), **more)


def test_each_form_waits_for_one_thing():
    """Executed, notified, probed, delay, or the end of a task, each with its timer."""
    assert wait_of(web()) == Wait("executed")
    assert wait_of(web(is_task=True)) == Wait("end")
    assert wait_of(web(Ready(notify=True, timeout=3.0))) == Wait("notified", "unready", 3.0)
    for ready in (Ready(tcp="x:1"), Ready(http="x:1"), Ready(command=("true",))):
        assert wait_of(web(ready)) == Wait("probed", "unready", 30.0)
        assert wait_of(web(ready)).probes
    assert wait_of(web(Ready(log="x"))) == Wait("printed", "unready", 30.0)
    assert not wait_of(web(Ready(log="x"))).probes
    assert wait_of(web(Ready(descriptor=3))) == Wait("written", "unready", 30.0)
    assert wait_of(web(Ready(delay=2.0))) == Wait("delay", "ready", 2.0)
    assert not wait_of(web(Ready(delay=2.0))).probes


def test_words_for_a_start_that_took_too_long():
    """With what the probe said, or that nothing was said."""
    assert unready_text(web(Ready(tcp="x:1")), "refused", 30.0) == "not ready after 30 s: refused"
    assert unready_text(web(Ready(notify=True)), "", 30.0) == "not ready after 30 s: it did not notify"
    assert "it wrote no line to descriptor 3" in unready_text(web(Ready(descriptor=3)), "", 30.0)
    assert "no line that matches up$" in unready_text(web(Ready(log="up$")), "", 30.0)
    assert unready_text(web(Ready(tcp="x:1")), "", 30.0) == "not ready after 30 s"
