"""What is said while an experiment's block goes on: some take minutes, and none is silent."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from edgebench.report.progress import duration
from edgebench.report.suite_progress import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from edgebench.report.suite_progress import Pace

# Longest without a line, as long as workers give signs of life.
SILENCE_S = 20.0


class BlockLines:
    """Lines of one experiment.

    It hears every sign of life and says one now and then: a timer would take CPU time from the very
    cores that are being measured.
    """

    def __init__(
        self, stream: TextIO, pace: Pace, kind: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream, self._pace, self._kind, self._clock = stream, pace, kind, clock
        self._done, self._blocks, self._block_s = 0, 0, 0.0
        self._begun_s = self._said_s = clock()

    def begin(self, blocks: int, block_s: float) -> None:
        """So many are about to be measured, each of about so many seconds. What is heard before
        is preparing.
        """
        self._blocks, self._block_s = blocks, block_s
        self._begun_s = self._clock()

    def say(self, text: str) -> None:
        self._said_s = self._clock()
        say(self._stream, f"  {text}")

    def heard(self, _event: object = None) -> None:
        """A sign of life."""
        if self._clock() - self._said_s >= SILENCE_S:
            self.say(self._so_far())

    @contextmanager
    def hearing(self, turn: AbstractContextManager[object]) -> Iterator[None]:
        """A turn at measuring is a sign of life when it begins, and when it ends."""
        with turn:
            self.heard()
            yield
        self.heard()

    def block_done(self, done: int, blocks: int) -> None:
        now = self._clock()
        self._pace.done(self._block_s, now - self._begun_s)
        self._done, self._begun_s = done, now
        left = duration(self._pace.left_s())
        self.say(f"[{done}/{blocks}] {self._kind}: block done; about {left} left in all")

    def _so_far(self) -> str:
        spent_s = self._clock() - self._begun_s
        if not self._blocks:
            return f"{self._kind}: preparing for {duration(spent_s)}"
        left = duration(max(0.0, self._pace.left_s() - spent_s))
        of = duration(self._pace.scaled(self._block_s))
        return (
            f"[{self._done}/{self._blocks}] {self._kind}: {duration(spent_s)} of about {of} into "
            f"the next block; about {left} left in all"
        )
