"""A whole campaign in a played world, where a second passes only when a script says so."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from edgebench.measure import campaign
from edgebench.measure.record import Record
from edgebench.measure.runner import Outcome
from edgebench.measure.schedule import Budget
from edgebench.models.prepared import Prepared
from edgebench.schema.result import CellResult, Schedule
from tests.played_teacher import PlayedTeacher
from tests.results_maker import FILE, cell, counters, result

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edgebench.measure.job import Job
    from edgebench.measure.teacher import Teacher
    from edgebench.schema.cell import Cell
    from edgebench.schema.result import Result

DISTANCES = {
    "positions": 4, "finite_reference": True, "mean_kl": 0.0, "max_kl": 0.0, "top1_agreement": 1.0,
    "perplexity_engine": 9.0, "perplexity_reference": 9.0, "relative_logit_error": 0.0,
}  # fmt: skip
MEMORY = dict.fromkeys(
    ("peak_rss_bytes", "anonymous_bytes", "file_backed_bytes", "kv_cache_bytes"), 1
)


class Played:
    """Each job takes the next of its kind's seconds, the last of them for ever."""

    def __init__(self, verifying: float, launching: Mapping[int, list[float]]) -> None:
        self.now = 0.0
        self.jobs: list[Job] = []
        self._verifying = verifying
        self._launching = {threads: _and_on(times) for threads, times in launching.items()}

    def run(self, job: Job) -> Outcome:
        self.jobs.append(job)
        if job.kind == "verify":
            self.now += self._verifying
            return Outcome(({"event": "verified", "distances": DISTANCES},), None)
        if job.kind == "measure":
            took_s = next(self._launching[job.options.threads])
            self.now += took_s
            return Outcome(tuple(_trials(job, took_s)), None)
        return Outcome(({"event": "done", "memory": MEMORY},), None)

    def loop(self, job: Job, /, *, tell: object = None) -> Outcome:
        raise AssertionError(f"{job.kind} was looped, {tell}")

    def stage(self, text: str) -> None:
        """Nobody looks."""

    def launching(self, _cell: Cell, _number: int) -> None:
        """Nobody looks."""

    def launched(self, _result: CellResult, _elapsed_s: float) -> None:
        """Nobody looks."""


def _and_on(times: list[float]) -> Iterator[float]:
    return chain(times, iter(lambda: times[-1], None))


def _trials(job: Job, took_s: float) -> Iterator[dict[str, Any]]:
    for index, divisor in enumerate((job.warmup_divisor, 1)):
        steps = -(-job.output_tokens // divisor)
        yield {
            "event": "trial", "index": index, "warmup": index == 0, "started_ns": 0,
            "wall_ns": round(took_s * 1e9), "tokenize_ns": None, "prefill_ns": None,
            "sample_ns": None, "step_ns": [1000] * steps, "output_hash": "0",
            "counters": counters().model_dump(), "divided_by": divisor,
        }  # fmt: skip


def measured(
    played: Played, threads: tuple[int, ...], max_time_s: float, started_s: float | None = None
) -> Result:
    cells = [cell("tg16", threads=count) for count in threads]
    entries = [CellResult(cell=each, verification=None, launches=()) for each in cells]
    schedule = Schedule(
        seed=1, precision=0.0, min_launches=1, max_launches=9, max_time_s=max_time_s, trials=1,
        order=(), stopped_because=None,
    )  # fmt: skip
    kept = Record(result(*entries, schedule=schedule))
    world = campaign.World(
        run=played.run,
        loop=played.loop,
        target=lambda name: name,
        monotonic_s=lambda: played.now,
        utc=lambda: "2026-01-01T00:00:00Z",
        load_average=lambda: None,
        turn=nullcontext,
        save=lambda _: None,
        half_width=lambda _: None,
        path_of=lambda _: Path("tiny.gguf"),
        opened=lambda _: (),
        observer=played,
        clock_of=lambda _: "time:monotonic_ns",
    )
    campaign.Campaign(
        kept,
        {FILE.sha256: Prepared(Path("tiny.gguf"), "gguf", FILE, has_tokenizer=True)},
        teacher=cast("Teacher", PlayedTeacher()),
        budget=Budget(precision=0.0, min_launches=1, max_launches=9, max_time_s=max_time_s),
        world=world,
    ).run(started_s)
    return kept.result


def launches(made: Result) -> dict[int, int]:
    return {entry.cell.threads: len(entry.launches) for entry in made.cells}


def test_all_of_measuring_ends_in_time_and_a_quick_cell_does_not_wait_for_a_slow_one() -> None:
    played = Played(verifying=5, launching={1: [20], 2: [2]})

    made = measured(played, (1, 2), max_time_s=100)

    # Verified at 10; rounds of 22 end at 32, 54 and 76; the slow cell's next might take 25.
    assert launches(made) == {1: 3, 2: 4}
    assert played.now == 78
    assert made.schedule.stopped_because == "max_time"


def test_a_disturbed_launch_is_what_the_next_one_is_expected_to_take() -> None:
    """And so one launch at most, whose like was not seen before, ends after the time."""
    played = Played(verifying=1, launching={1: [3, 30, 3]})

    made = measured(played, (1,), max_time_s=60)

    assert launches(made) == {1: 2}, "34 s are over, and 37.5 s would be too long"
    assert played.now == 34


def test_what_was_measured_before_counts_as_well() -> None:
    played = Played(verifying=5, launching={1: [10]})
    played.now = 40.0

    made = measured(played, (1,), max_time_s=60, started_s=0.0)

    assert launches(made) == {1: 1}
    assert played.now == 55


def test_verifying_ends_with_the_time_and_what_it_did_not_reach_is_not_launched() -> None:
    played = Played(verifying=40, launching={1: [1], 2: [1], 3: [1]})

    made = measured(played, (1, 2, 3), max_time_s=60)

    assert [entry.verification is not None for entry in made.cells] == [True, True, False]
    assert launches(made) == {1: 0, 2: 0, 3: 0}
    assert made.schedule.stopped_because == "max_time"


def test_the_first_warm_up_of_a_slow_cell_is_whole_and_later_ones_are_not() -> None:
    played = Played(verifying=1, launching={1: [5], 2: [0.5]})

    made = measured(played, (1, 2), max_time_s=1000)

    slow, quick = (
        [launch.trials[0].divided_by for launch in entry.launches] for entry in made.cells
    )
    assert slow == [1] + [8] * 8
    assert quick == [1] * 9
    assert {len(launch.trials[1].step_ns) for launch in made.cells[0].launches} == {16}
