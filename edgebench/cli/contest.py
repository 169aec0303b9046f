"""Two sides that are launched in turns, round by round, and the records of what they did."""

from __future__ import annotations

import random
import secrets
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import typer

from edgebench import files
from edgebench.analysis.gate_merging import merge
from edgebench.measure import interleave
from edgebench.printable import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from edgebench.schema.result import Result


class Limits(NamedTuple):
    """`pairs` of launches in a set; no pair is started after `max_time_s`."""

    pairs: int
    max_time_s: float
    seed: int | None


class World(NamedTuple):
    """What both verbs need from outside; `launch` measures one launch of a side into a file."""

    launch: Callable[[interleave.Side, Path], Result]
    cache: Path
    say: Callable[[str], None]
    monotonic_s: Callable[[], float]
    utc: Callable[[], str]

    @classmethod
    def real(cls, timeout_s: float) -> World:
        return cls(
            launch=partial(interleave.launch, timeout_s=timeout_s),
            cache=files.cache_dir(),
            say=lambda text: typer.echo(clean(text), err=True),
            monotonic_s=time.monotonic,
            utc=lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        )


class Contest:
    """Two sides that are launched in turns; what each has done so far, round by round."""

    def __init__(
        self, sides: Sequence[interleave.Side], limits: Limits, folder: Path, world: World
    ) -> None:
        self._sides, self._folder, self._world = sides, folder, world
        self._rng = random.Random(limits.seed)  # noqa: S311 - an order, no secret
        self._deadline_s = world.monotonic_s() + limits.max_time_s
        self._run_id = secrets.token_hex(4)
        self.results: dict[str, list[Result]] = {side.name: [] for side in sides}

    @property
    def rounds(self) -> int:
        """Rounds that every side has finished."""
        return min(len(results) for results in self.results.values())

    def play(self, pairs: int) -> None:
        """Up to so many more rounds, as far as the time allows."""
        for number in range(self.rounds, self.rounds + pairs):
            if number and self._world.monotonic_s() >= self._deadline_s:
                return
            for turn in interleave.turns(
                self._sides, range(number, number + 1), self._rng, self._launch
            ):
                self.results[turn.side].append(turn.result)

    def merged(self) -> tuple[Result, ...]:
        """One record per side, in the order of sides; rounds only one side did are left out."""
        return tuple(
            merge(self.results[side.name][: self.rounds], self._run_id) for side in self._sides
        )

    def _launch(self, side: interleave.Side, number: int) -> Result:
        self._world.say(f"pair {number + 1}, {side.name}")
        return self._world.launch(side, self._folder / f"{side.name}-{number}.json")


def save(
    merged: Sequence[Result],
    sides: Sequence[interleave.Side],
    output: Path,
    say: Callable[[str], None],
) -> list[Path]:
    """A record per side in that folder; where they are."""
    paths = [
        output / f"{result.run_id}-{side.name}.json"
        for result, side in zip(merged, sides, strict=True)
    ]
    for result, path in zip(merged, paths, strict=True):
        files.write_atomic(path, files.to_json(result))
        say(f"record   {path}")
    return paths
