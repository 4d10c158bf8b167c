"""What speaks against a confinement, and the order that is made of it, on the fake kernel."""

from __future__ import annotations

import pytest

from snowfox.contract.spawner import Confinement, Launch
from snowfox.core.posix.api import Ids
from snowfox.spawner.confining import Confining
from snowfox.spawner.in_force import InForce
from snowfox.spawner.launch import FREE, Limit
from snowfox.spawner.policy import Account
from snowfox.testing.kernel import FakePosix
from snowfox.testing.launches import LAUNCH, SHOP, Bench

ROOT = Account("root", Ids(0, 0, (0,)), stays=True)
ANNA = Account("anna", Ids(2000, 2000, (2000,)), stays=True)
ALL = "000001ffffffffff"


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """On a host with /tmp, /etc, and a spawner that has every capability."""
    bench.kernel.folder("/tmp", mode=0o1777)
    bench.kernel.folder("/etc/shop")
    bench.kernel.write("/proc/self/status", f"Name:\tx\nCapEff:\t{ALL}\n".encode())
    bench.kernel.write("/proc/self/oom_score_adj", b"-500\n")
    return bench


def ordinary(bench: Bench) -> Confining:
    """That of an ordinary user's node."""
    bench.kernel.add_user("anna", 2000)
    posix = FakePosix(bench.kernel, uid=2000)
    rules = InForce(posix, bench.policy.replace(own=2000, manager=2000))
    return Confining(posix, rules, bench.groups, confines=True)


def asking(**asked: object) -> Launch:
    """A launch that is confined so."""
    return LAUNCH._replace(confinement=Confinement()._replace(**asked))


def told(confining: Confining, launch: Launch, account: Account = SHOP) -> str:
    """All that speaks against it."""
    return "\n".join(f"{error}\n{error.hint}" for error in confining.refusals(launch, account))


def test_nothing_is_asked(bench: Bench) -> None:
    """A launch without a confinement looks at nothing, and gains no rights."""
    assert bench.confining.refusals(LAUNCH, SHOP) == []
    assert bench.confining.order(LAUNCH, SHOP) is FREE
    assert not FREE.new_privileges


def test_order(bench: Bench) -> None:
    """Names become numbers, /tmp those folders that there are."""
    launch = asking(
        nice=3,
        score=9,
        capabilities=["KILL", "CHOWN"],
        private_tmp=True,
        read_only=["/etc"],
        writable=["/etc/shop"],
    )
    order = bench.confining.order(launch, SHOP)
    assert (order.nice, order.score, order.capabilities) == (3, 9, 1 << 5 | 1)
    assert (order.private, order.read_only, order.writable) == (("/tmp",), ("/etc",), ("/etc/shop",))
    assert order.mapped is None
    mapped = ordinary(bench).order(launch, ANNA)
    assert mapped.mapped == ANNA.ids
    assert mapped.capabilities is None


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"capabilities": ["KILL"]}, 'capabilities = ["KILL"]'),
        ({"nice": -1}, "nice = -1"),
        ({"score": -1}, "oom-score = -1"),
        ({"new_privileges": True}, "new-privileges = true"),
    ],
)
def test_policy_widens(bench: Bench, asked: dict[str, object], words: str) -> None:
    """What is more than the user has is refused with the line that allows it, and then is not."""
    assert words in told(bench.confining, asking(**asked))
    bench.rules.policy = bench.policy.replace(capabilities=("KILL",), nice=-1, score=-1, new_privileges=True)
    assert told(bench.confining, asking(**asked)) == ""


def test_root_keeps_less(bench: Bench) -> None:
    """A service that policy lets be root may have capabilities by that already."""
    assert told(bench.confining, asking(capabilities=["KILL"]), ROOT) == ""


def test_what_the_node_itself_has_not(bench: Bench) -> None:
    """Capabilities that the spawner lacks, mounts without SYS_ADMIN, a score below its own."""
    bench.kernel.write("/proc/self/status", b"CapEff:\t0000000000000001\n")
    bench.rules.policy = bench.policy.replace(score=-1000)
    launch = asking(capabilities=["CHOWN", "KILL"], score=-501, private_tmp=True)
    text = told(bench.confining, launch, ROOT)
    assert "the node itself has no capability KILL" in text
    assert "oom-score -501 is below the node's own, -500" in text
    assert "mount namespace: the node has no capability SYS_ADMIN" in text


def test_paths(bench: Bench) -> None:
    """A path that is not there, and what a private /tmp hides."""
    text = told(bench.confining, asking(read_only=["/nowhere"], private_tmp=True)._replace(folder="/tmp/x"))
    assert "cannot reach /nowhere of its sandbox: no such file or directory" in text
    assert "private-tmp hides /tmp/x" in text


@pytest.mark.parametrize("paths", [{"read_only": ["/etc"]}, {"writable": ["/etc"]}])
def test_paths_of_who_may_gain_rights(bench: Bench, paths: dict[str, list[str]]) -> None:
    """Another user could have its own files found at /etc by a program that gains rights; root has them already."""
    bench.rules.policy = bench.policy.replace(users=("shop", "root"), new_privileges=True)
    words = "no-new-privileges = false does not go with read-only and writable paths"
    assert words in told(bench.confining, asking(new_privileges=True, **paths))
    assert told(bench.confining, asking(new_privileges=True, **paths), ROOT) == ""
    assert told(bench.confining, asking(**paths)) == ""


def test_an_ordinary_user(bench: Bench) -> None:
    """No capabilities to give, limits by user would count what it does elsewhere, user namespaces may be off."""
    confining = ordinary(bench)
    bench.kernel.write("/proc/sys/user/max_user_namespaces", b"0\n")
    text = told(confining, asking(capabilities=["KILL"], processes=9, cpu=5, private_tmp=True, nice=-3), ANNA)
    assert "an ordinary user's node has no capabilities to give" in text
    assert "limit processes needs control groups" in text
    assert "limit cpu needs control groups" in text
    assert "this host keeps user namespaces from ordinary users" in text
    assert "nice -3 is below what this user may have" in text
    assert told(confining, asking(new_privileges=True, capabilities=[], nice=3), ANNA) == ""


def test_without_a_launcher(bench: Bench) -> None:
    """The fork does not change mounts and capabilities: refused, not passed over."""
    confining = Confining(bench.posix, bench.rules, bench.groups, confines=False)
    text = told(confining, asking(capabilities=[], read_only=["/etc"]))
    assert text.count("the launcher, which was not built here") == 2


def test_limits_without_groups(bench: Bench) -> None:
    """Memory and processes are limits of the process and of its user then."""
    launch = asking(memory=1 << 20, processes=9)
    assert bench.confining.limits(launch) == (Limit("DATA", 1 << 20, 1 << 20), Limit("NPROC", 9, 9))
    assert told(bench.confining, launch) == ""
    assert "limit processes needs control groups" in told(bench.confining, launch, ROOT)
