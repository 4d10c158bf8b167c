"""Who may use a node by its socket."""

from snowfox.core.posix.api import Credentials
from snowfox.core.rpc.interface import Right
from snowfox.core.rpc.serving import Caller
from snowfox.manager.serving import grants


def test_the_starter_and_root_may_use_it_and_nobody_else() -> None:
    """By uid, as the kernel tells it; group and pid do not count."""
    granted = grants(1000)
    assert granted(Caller(Credentials(7, 1000, 1000))) == {Right.READ, Right.OPERATE}
    assert granted(Caller(Credentials(7, 0, 0))) == {Right.READ, Right.OPERATE}
    assert granted(Caller(Credentials(7, 1001, 1000))) == frozenset()
    assert granted(Caller(Credentials(1, 65534, 0))) == frozenset()
