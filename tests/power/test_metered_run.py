"""A run with meters: around each launch, of the idle machine, and on the command line."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edgebench.measure import campaign
from edgebench.measure.record import Record
from edgebench.measure.runner import Outcome
from edgebench.measure.schedule import Budget
from edgebench.models.prepared import Prepared
from edgebench.power import Reading
from edgebench.power.sampler import Sampler
from tests.played_teacher import PlayedTeacher
from tests.power.figures_maker import joules, measured
from tests.power.makers import SECOND, Clock
from tests.power.steady import Steady
from tests.results_maker import FILE, result, trial

if TYPE_CHECKING:
    from edgebench.measure.job import Job
    from edgebench.schema.energy import Energy
    from tests.conftest import Edgebench, Script


class Silent:
    """An observer who does not listen."""

    def stage(self, text: str) -> None: ...
    def launching(self, *_: object) -> None: ...
    def launched(self, *_: object) -> None: ...


class Clocked(Steady):
    """30 W of a made-up clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(read_every_s=0.1)
        self.clock = clock

    def read(self) -> tuple[Reading, ...]:
        return (Reading(self.clock.now_ns * 30 / 1000),)


def test_a_campaign_reads_the_meters_around_each_launch_and_of_the_idle_machine() -> None:
    """The worker is played, and moves the clock that the meter follows."""
    clock, kept, order = Clock(), Record(result(measured())), list[str]()
    meter: Any = Clocked(clock)
    sampler = Sampler((meter,), clock=clock)

    def run(job: Job) -> Outcome:
        order.append(job.kind)
        if job.kind != "measure":
            return Outcome((), None)
        for _ in range(140):
            clock.now_ns += SECOND // 10
            sampler.look()
        timed = trial(1, prefill_ns=None, step_ns=(3 * SECOND,) * 4, started_ns=SECOND)
        return Outcome(({"event": "trial", **timed.model_dump(mode="json")},), None)

    def idle() -> tuple[Energy, ...]:
        order.append("idle")
        return (joules(3.0, "idle"),)

    teacher: Any = PlayedTeacher()
    looped: Any = run
    world = campaign.World(
        run=run, loop=looped, target=str, monotonic_s=lambda: 0.0,
        utc=lambda: "2026-01-01T00:00:00Z", load_average=lambda: None,
        turn=nullcontext, save=lambda _result: None,
        half_width=lambda _cell: None, path_of=lambda _cell: Path("tiny.gguf"),
        opened=lambda _cell: (), observer=Silent(), clock_of=lambda _name: "time:monotonic_ns",
        sampler=lambda: sampler, idle=idle,
    )  # fmt: skip
    budget = Budget(min_launches=1, max_launches=1)
    files_of_it = {FILE.sha256: Prepared(Path("tiny.gguf"), "gguf", FILE, has_tokenizer=True)}
    campaign.Campaign(kept, files_of_it, teacher=teacher, budget=budget, world=world).run()

    assert kept.result.idle_energy == (joules(3.0, "idle"),)
    (launched,) = kept.result.cells[0].launches
    assert [(each.phase, each.meter) for each in launched.energy] == [("decode", "package-0")]
    assert launched.energy[0].joules == pytest.approx(12 * 30.0)
    assert order.index("idle") < order.index("measure")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--meters", "hwmom"), 4, "No meter named 'hwmom'"),
        (("--wall-meter", "nothing.csv"), 2, "Give --wall-meter a CSV"),
        (("--wall-clock-offset", "nan"), 2, "Name its log by --wall-meter"),
        (("--meters", "none"), 0, ""),
    ],
)
def test_meters_on_the_command_line(
    edgebench: Edgebench, script: Script, options: tuple[str, ...], code: int, words: str
) -> None:
    done = edgebench("run", "--file", script(), "--threads", "1", "--dry-run", *options)

    assert done.returncode == code, done.stderr
    assert words in done.stderr
