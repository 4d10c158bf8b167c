"""The book of launches: one Launched or LaunchRefused, then one Ended, whatever happens to sessions."""

import asyncio
import os

from snowfox.contract.spawner import Launch, Launched, Running
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.rpc.interface import Descriptor
from snowfox.errors import LaunchFailed, NotPermitted, ProtocolError
from snowfox.manager.connector.launches import Launches
from snowfox.manager.probe.notice import Notice
from snowfox.service import event
from snowfox.values import UNKNOWN_EXIT, Exit

TOKEN = "web@1~01ARZ3NDEKTSV4RRFFQ69G5FAV"


class Heard:
    """Everything that a book told."""

    def __init__(self) -> None:
        self.events: list[event.Event] = []
        self.captured: list[tuple[str, int]] = []
        self.killed: list[str] = []
        self.forgotten: list[str] = []
        self.said: list[tuple[str, Notice]] = []
        self.book = Launches(
            tell=self.events.append,
            captured=lambda _, log, descriptor: self.captured.append((log, descriptor)),
            kill=self.killed.append,
            forget=self.forgotten.append,
            heard=lambda token, notice: self.said.append((token, notice)),
        )


def launch(token: str = TOKEN) -> Launch:
    """A launch with this token."""
    return Launch(token, "/bin/true", ["true"], {}, "/", "")


def launched(token: str = TOKEN, pid: int = 7) -> Launched:
    """The answer to that launch."""
    return Launched(token, pid, 5, None)


def test_launched_then_ended() -> None:
    """The plain case: two events in order, and the end is told once."""
    heard = Heard()
    heard.book.begin(launch())
    heard.book.launched(launched())
    assert heard.book.ended(TOKEN, Exit(0))
    assert not heard.book.ended(TOKEN, Exit(0))
    assert heard.events == [event.Launched("web@1", TOKEN, 7, 5), event.Ended(TOKEN, Exit(0))]


def test_an_exit_before_the_answer_comes_after_it() -> None:
    """The engine never hears of an end before it heard of the launch."""
    heard = Heard()
    heard.book.begin(launch())
    assert heard.book.ended(TOKEN, Exit(1))
    assert heard.events == []
    heard.book.launched(launched())
    assert heard.events == [event.Launched("web@1", TOKEN, 7, 5), event.Ended(TOKEN, Exit(1))]


def test_a_second_answer_is_not_told() -> None:
    """A launch repeated after a lost answer is told once."""
    heard = Heard()
    heard.book.begin(launch())
    heard.book.launched(launched())
    heard.book.launched(launched())
    assert len(heard.events) == 1


def test_ready_before_the_answer_counts_after_it() -> None:
    """READY=1 of a service that is quicker than the spawner's answer is not lost."""
    heard = Heard()
    heard.book.begin(launch())
    notice = Notice(is_ready=True)
    assert heard.book.whose(iter([8, 7, 6]), notice) == ""
    assert heard.book.whose(iter([5]), notice) == ""
    heard.book.launched(launched(pid=7))
    assert heard.events == [event.Launched("web@1", TOKEN, 7, 5)]
    assert heard.said == [(TOKEN, notice)]


def test_what_is_said_before_the_answer_is_bounded() -> None:
    """A flood of a service whose launch is under way is not kept."""
    heard = Heard()
    heard.book.begin(launch())
    kept = [heard.book.whose(iter([8, 7]), Notice(status=str(number))) for number in range(100)]
    assert kept == [""] * 8 + [None] * 92
    assert [heard.book.whose(iter([pid]), Notice()) for pid in range(1000, 2000)].count("") <= 256


def test_a_stranger_is_not_ready() -> None:
    """A process of no launch's session counts for nobody, nor does one whose launch has ended."""
    heard = Heard()
    heard.book.begin(launch())
    heard.book.launched(launched(pid=7))
    assert heard.book.whose(iter([9, 8, 7]), Notice()) == TOKEN
    assert heard.book.whose(iter([99, 98]), Notice()) is None
    assert heard.book.whose(iter([]), Notice()) is None
    heard.book.ended(TOKEN, Exit(0))
    assert heard.book.whose(iter([7, 7]), Notice()) is None


def test_what_a_new_spawner_does_not_know_ended_unknown() -> None:
    """Reconciling: unknown to it is an unknown exit, an exit that it knows is told, a stranger is named."""
    heard = Heard()
    for name, pid in (("a", 1), ("b", 2), ("c", 3)):
        heard.book.begin(launch(f"{name}~1"))
        heard.book.launched(launched(f"{name}~1", pid))
    heard.events.clear()
    inventory = {
        "b~1": Running("b~1", 2, 5, Exit(signal=9), None),
        "c~1": Running("c~1", 3, 5, None, None),
        "d~1": Running("d~1", 4, 5, None, None),
    }
    assert heard.book.reconcile(inventory) == ["b~1", "d~1"]
    assert heard.events == [event.Ended("a~1", UNKNOWN_EXIT), event.Ended("b~1", Exit(signal=9))]


def test_a_refusal_says_whether_it_may_pass() -> None:
    """Out of processes is the host's fault and passes; policy and a missing program do not."""
    for error, temporary in (
        (LaunchFailed("web@1", "make a process", "", 11), True),
        (LaunchFailed("web@1", "execute", "/x", 2), False),
        (NotPermitted("cannot launch web@1: not allowed", "users = [...]"), False),
        (ProtocolError("malformed request: a secret"), False),
    ):
        heard = Heard()
        heard.book.begin(launch())
        heard.book.refused(TOKEN, error)
        assert heard.events == [event.LaunchRefused("web@1", TOKEN, str(error), error.hint, temporary)]


async def test_the_end_of_a_helper_goes_to_who_asked() -> None:
    """A helper's exit comes by its future; the engine hears nothing; its record is forgotten."""
    heard = Heard()
    future = heard.book.begin_helper(launch("web@1..helper~1"))
    heard.book.launched(launched("web@1..helper~1"))
    heard.book.ended("web@1..helper~1", Exit(3))
    assert await future == Exit(3)
    assert heard.events == []
    assert heard.forgotten == ["web@1..helper~1"]


async def test_a_helper_that_nobody_waits_for_is_killed_when_it_begins() -> None:
    """Cancelling before the answer kills what the answer brings."""
    heard = Heard()
    heard.book.begin_helper(launch("web@1..helper~1")).cancel()
    heard.book.launched(launched("web@1..helper~1"))
    assert heard.killed == ["web@1..helper~1"]


def is_open(descriptor: int) -> bool:
    """Whether it is ours."""
    return os.path.exists(f"/proc/self/fd/{descriptor}")


def test_the_output_of_a_helper_goes_to_who_asked() -> None:
    """Not to the log of an instance; of one that nobody waits for any more it is closed."""
    token, other = "node..git~1", "node..git~2"

    async def run() -> None:
        heard, taken = Heard(), list[int]()
        reader, writer = os.pipe()
        future = heard.book.begin_helper(launch(token), taken.append)
        assert heard.book.is_helper(token)
        heard.book.launched(launched(token)._replace(output=Descriptor(reader, LinuxPosix())))
        heard.book.ended(token, Exit(0))
        assert (taken, heard.captured, await future) == ([reader], [], Exit(0))
        assert not heard.book.is_helper(token)
        heard.book.begin_helper(launch(other), taken.append).cancel()
        output = Descriptor(writer, LinuxPosix())
        heard.book.launched(launched(other)._replace(output=output))
        assert taken == [reader]
        assert not is_open(writer)
        os.close(reader)

    asyncio.run(run())


def test_another_main_process() -> None:
    """It speaks for its launch from now on; the one before only where its number stays its own."""
    heard = Heard()
    heard.book.begin(launch())
    heard.book.launched(launched())
    heard.book.follow(TOKEN, 8, keeps=True)
    assert heard.book.main(TOKEN) == 8
    assert [heard.book.whose(iter([pid]), Notice(is_ready=True)) for pid in (7, 8)] == [TOKEN, TOKEN]
    heard.book.follow(TOKEN, 9, keeps=False)
    assert [heard.book.whose(iter([pid]), Notice(is_ready=True)) for pid in (7, 8, 9)] == [TOKEN, None, TOKEN]
    heard.book.ended(TOKEN, Exit(0))
    assert [heard.book.whose(iter([pid]), Notice(is_ready=True)) for pid in (7, 8, 9)] == [None] * 3
    heard.book.follow(TOKEN, 8, keeps=True)
    assert heard.book.main(TOKEN) == 0


def test_what_a_child_says_before_the_answer() -> None:
    """Be it in a session of its own: it counts once the answer names who it descends from, a stranger's never."""
    heard = Heard()
    heard.book.begin(launch())
    notice, other = Notice(is_ready=True, main=8), Notice(is_ready=True)
    assert heard.book.whose(iter([8, 8, 7]), notice) == ""
    assert heard.book.whose(iter([70, 70, 1]), other) == ""
    for pid in range(1000, 1300):
        heard.book.whose(iter([pid]), other)
    assert heard.book.whose(iter([1400]), other) is None
    heard.book.launched(launched())
    assert heard.said == [(TOKEN, notice)]
