"""A gate whose launches are played."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.cli import contest, gating
from edgebench.measure import interleave
from tests.gating.makers import THRESHOLD, record

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.schema.result import Result

RULES = gating.Rules(THRESHOLD, "wall")
SIDES = (interleave.side_of("base", None, "--threads 1", ()),
         interleave.side_of("head", None, "--file=/home/somebody/new.gguf", ()))  # fmt: skip


class Played:
    """Plays launches from given milliseconds per step; a second passes with each.

    Somebody presses Ctrl-C in place of launch `interrupted_at`.
    """

    def __init__(
        self, cache: Path, interrupted_at: int | None = None, **step_ms: tuple[float, ...]
    ) -> None:
        self.launched: list[str] = []
        self._interrupted_at = interrupted_at
        self._step_ms, self._cache = step_ms, cache

    def world(self) -> contest.World:
        return contest.World(
            launch=self._launch,
            cache=self._cache,
            say=lambda _: None,
            monotonic_s=lambda: float(len(self.launched)),
            utc=lambda: "2026-01-01T00:00:00Z",
        )

    def _launch(self, side: interleave.Side, _path: Path) -> Result:
        if len(self.launched) == self._interrupted_at:
            raise KeyboardInterrupt
        number = self.launched.count(side.name)
        self.launched.append(side.name)
        return record(self._step_ms[side.name][number % 8])


def limits(**fields: Any) -> contest.Limits:
    return contest.Limits(pairs=8, max_time_s=1000, seed=1)._replace(**fields)
