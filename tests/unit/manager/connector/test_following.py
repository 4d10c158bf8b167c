"""What services say of their main processes, asked of a spawner that answers at once."""

from collections.abc import Callable
from typing import Any

from snowfox.contract.spawner import Launch, Launched
from snowfox.core.deadline import NO_END
from snowfox.core.promise import Promise
from snowfox.errors import HostError
from snowfox.manager.connector.following import Following
from snowfox.manager.connector.launches import Launches
from snowfox.service.event import Event, Followed

TOKEN = "web@1~01ARZ3NDEKTSV4RRFFQ69G5FAV"


class Errands:
    """Asks itself; follows any process but 1."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, bool]] = []

    def give(
        self,
        ask: Callable[[Any], Promise[bool]],
        hear: Callable[[Promise[bool]], None] | None = None,
        *,
        urgent: bool = False,
    ) -> None:
        """Answered at once."""
        promise = ask(self)
        self.asked[-1] = (self.asked[-1][0], urgent)
        if hear is not None:
            hear(promise)

    def follow(self, token: str, pid: int) -> Promise[bool]:
        """Noted."""
        assert token == TOKEN
        self.asked.append((pid, False))
        if pid == 1:
            return Promise[bool].failed(HostError("cannot follow process 1"))
        promise, resolver = Promise[bool].make("follow", deadline=NO_END)
        resolver.resolve(True)
        return promise


async def test_main_processes_are_followed() -> None:
    """The engine hears of it before what else was said with it, refused or not; the one that it is needs nobody."""
    nothing: Any = lambda *_: None  # noqa: E731
    events: list[Event] = []
    book = Launches(tell=nothing, captured=nothing, kill=nothing, forget=nothing, heard=nothing)
    book.begin(Launch(TOKEN, "/bin/true", ["true"], {}, "/", ""))
    book.launched(Launched(TOKEN, 100, 5, None))
    errands = Errands()
    following = Following(errands, book, events.append)  # type: ignore[arg-type]
    said: list[list[Event]] = []
    for pid in (100, 8, 1, 8):
        following.follow(TOKEN, pid, lambda: said.append(events[:]))
    following.heard_all(TOKEN)
    assert errands.asked == [(8, True), (1, True), (0, True)]
    followed = [Followed(TOKEN, 8), Followed(TOKEN, 1, "cannot follow process 1")]
    assert events == followed
    assert said == [[], followed[:1], followed, followed]
    assert book.main(TOKEN) == 8
