"""A node that is played: what it is asked, and what it answers."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from snowfox.cli import node
from snowfox.cli.main import run
from snowfox.core.clock import using
from snowfox.errors import SnowFoxError
from snowfox.testing.clock import VirtualClock


class PlayedNode:
    """Answers by the method's name; an error among the answers, or in place of them, is raised."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.answers: dict[str, Any] = {}
        self.options: argparse.Namespace | None = None
        self.refuses: SnowFoxError | None = None
        self._capsys = capsys

    @contextmanager
    def session(self, options: argparse.Namespace, *, timeout: float = 10.0) -> Iterator[PlayedNode]:
        """In place of `node.session`."""
        self.options = options
        if self.refuses is not None:
            raise self.refuses
        yield self

    def call(self, method: Any, *values: Any) -> Any:
        """Answer, or raise the answer."""
        self.asked.append((method.name, *values))
        answer = self.answers[method.name]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def stream(self, method: Any, *values: Any) -> Iterator[Any]:
        """Give the items, raise those that are errors."""
        self.asked.append((method.name, *values))
        for item in self.answers[method.name]:
            if isinstance(item, BaseException):
                raise item
            yield item

    def run(self, *words: str) -> tuple[int, str, str]:
        """`snowfox WORDS`: exit code, standard output, standard error."""
        code = run(words)
        out, err = self._capsys.readouterr()
        return code, out, err


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> PlayedNode:
    """A node that answers what the test says."""
    played = PlayedNode(capsys)
    monkeypatch.setattr(node, "session", played.session)
    return played


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualClock]:
    """It is 2024-06-01 12:00:00 UTC, and the host is there."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    clock = VirtualClock(wall=1_717_243_200_000)
    with using(clock):
        yield clock
    monkeypatch.undo()
    time.tzset()
