"""One `edgebench run`: prepare, verify, measure in rounds, record after every launch.

The world is passed in (how a worker is run, clocks, randomness, where the record goes and who is
told), so the whole of it can be played by the fake backend or by a recorded outcome.
"""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from edgebench.machine import pagecache
from edgebench.machine.kernel_files import cpu_list
from edgebench.measure import record, schedule
from edgebench.measure.job import Job
from edgebench.measure.runner import Outcome
from edgebench.measure.sustain import Looping
from edgebench.measure.teacher import Teacher, load_options
from edgebench.measure.verifying import Verifying
from edgebench.power.sampler import Sampler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from edgebench.measure.record import Record
    from edgebench.measure.schedule import Budget
    from edgebench.measure.sustain import RunLoop
    from edgebench.models.prepared import Prepared
    from edgebench.schema.cell import Cell
    from edgebench.schema.energy import Energy
    from edgebench.schema.launch import Launch
    from edgebench.schema.result import CellResult, Result
    from edgebench.schema.sustained import Sustained


class RunJob(Protocol):
    """Runs a job in a fresh worker."""

    def __call__(self, job: Job, /) -> Outcome: ...


class Observer(Protocol):
    """Is told what goes on. Must not raise and must not take long."""

    def stage(self, text: str) -> None: ...

    def launching(self, cell: Cell, number: int, /) -> None: ...

    def launched(self, result: CellResult, elapsed_s: float, /) -> None: ...


class World(NamedTuple):
    """Everything the campaign needs from outside. `loop` runs jobs as `run` does, and can be heard.

    `turn` is held while a worker is measured, so that two runs on one machine take turns. `save`
    writes the record; `half_width` is the statistic that the stop rule looks at; `path_of` gives
    the file that a cell's engine is told to open, `opened` every file with weights that it then
    opens (none where that is not known). `sampler` reads the power meters while a worker runs,
    `idle` reads them while none does; without meters both have nothing to tell.
    """

    run: RunJob
    loop: RunLoop
    target: Callable[[str], str]
    monotonic_s: Callable[[], float]
    utc: Callable[[], str]
    load_average: Callable[[], float | None]
    turn: Callable[[], AbstractContextManager[object]]
    save: Callable[[Result], None]
    half_width: Callable[[CellResult], float | None]
    path_of: Callable[[Cell], Path]
    opened: Callable[[Cell], tuple[Path, ...]]
    observer: Observer
    clock_of: Callable[[str], str]
    sampler: Callable[[], AbstractContextManager[Sampler]] = partial(Sampler, ())
    idle: Callable[[], tuple[Energy, ...]] = tuple


class Campaign:
    """Verifies and measures every cell of a record, saving it after each step.

    With `wanted`, launches by cell id, exactly so many are made of each, however wide intervals
    are. Whatever ends it early (Ctrl-C, a full disk), the last record is complete and valid.
    """

    def __init__(
        self,
        kept: Record,
        files: Mapping[str, Prepared],
        *,
        teacher: Teacher,
        budget: Budget,
        world: World,
        wanted: Mapping[str, int] | None = None,
    ) -> None:
        self._kept, self._files, self._teacher = kept, files, teacher
        self._budget, self._world, self._wanted = budget, world, wanted
        self._interrupted = False

    def run(self, started_s: float | None = None) -> None:
        """`started_s` is when measuring began, where something was measured before."""
        started = self._world.monotonic_s() if started_s is None else started_s
        deadline = schedule.Deadline(started + self._budget.max_time_s, self._world.monotonic_s)
        self._save()
        self._measure_harness()
        self._measure_idle()
        self._verify_all(deadline)
        self._rounds(deadline)
        self._kept.update(finished_utc=self._world.utc())
        self._save()

    def _measure_harness(self) -> None:
        """What a worker that loads nothing takes: the harness's own share of every peak."""
        done = self._world.run(Job("empty", "")).find("done")
        self._kept.update(harness_peak_rss_bytes=done["memory"]["peak_rss_bytes"] if done else None)

    def _measure_idle(self) -> None:
        with self._world.turn():
            self._kept.update(idle_energy=self._world.idle())

    def _verify_all(self, deadline: schedule.Deadline) -> None:
        """What the time does not reach stays unverified, and is not launched either."""
        cells = [entry.cell for entry in self._kept.result.cells]
        verifying = Verifying(self._files, self._teacher, self._world)
        for cell, verdict in verifying.verdicts(cells, deadline.passed):
            self._kept.set_verification(cell.id, verdict)
        self._save()

    def _rounds(self, deadline: schedule.Deadline) -> None:
        rng = random.Random(self._kept.result.schedule.seed)  # noqa: S311 - an order, no secret
        number = 0
        while not (reason := self._why_stop(number, deadline)):
            cells = schedule.shuffled([entry.cell for entry in self._alive()], rng)
            if not self._round(cells, number, deadline):
                reason = "max_time"
                break
            number += 1
        self._schedule(stopped_because=reason)

    def _why_stop(self, rounds: int, deadline: schedule.Deadline) -> schedule.StopReason | None:
        if self._wanted is not None:
            return self._why_stop_wanted(deadline)
        widths = [self._world.half_width(entry) for entry in self._alive()]
        return schedule.why_stop(self._budget, rounds, widths, time_is_over=deadline.passed())

    def _why_stop_wanted(self, deadline: schedule.Deadline) -> schedule.StopReason | None:
        if self._alive():
            return "max_time" if deadline.passed() else None
        return "launches" if any(e.launches for e in self._kept.result.cells) else "failed"

    def _round(self, cells: Sequence[Cell], number: int, deadline: schedule.Deadline) -> bool:
        """Whether all were launched. One that would not end in time is left out, and quicker ones
        after it are not.
        """
        self._schedule(order=(*self._kept.result.schedule.order, ()))
        in_time = True
        for cell in cells:
            if not deadline.has_room_for(cell):
                in_time = False
                continue
            begun = self._world.monotonic_s()
            self._world.observer.launching(cell, number)
            self._kept.add_launch(cell.id, self._launch(cell, number))
            *earlier, current = self._kept.result.schedule.order
            self._schedule(order=(*earlier, (*current, cell.id)))
            self._save()
            if self._interrupted:
                raise KeyboardInterrupt
            took_s = self._world.monotonic_s() - begun
            deadline.took(cell, took_s)
            self._world.observer.launched(self._kept.cell(cell.id), took_s)
        return in_time

    def _launch(self, cell: Cell, number: int) -> Launch:
        job = self._measure_job(cell, self._files[cell.file])
        with self._world.turn(), self._world.sampler() as sampled:
            to_launch = partial(
                record.to_launch,
                number=number,
                started_utc=self._world.utc(),
                load_average=self._world.load_average(),
                page_cache_share=pagecache.resident_share(self._world.opened(cell)),
            )
            looping = self._looping(cell, to_launch)
            outcome = looping.run(self._world.loop, job) if looping else self._world.run(job)
        launch = to_launch(outcome)
        if looping is None:
            return launch.model_copy(update={"energy": sampled.energy(launch.trials)})
        self._interrupted = looping.interrupted
        return launch.model_copy(update=looping.of(outcome, sampled))

    def _looping(self, cell: Cell, to_launch: Callable[[Outcome], Launch]) -> Looping | None:
        if self._budget.sustain_s is None:
            return None

        def save(events: Sequence[dict[str, Any]], looped: Sustained | None) -> None:
            so_far = to_launch(Outcome(tuple(events), None))
            launch = so_far.model_copy(update={"sustained": looped})
            self._world.save(self._kept.with_launch(cell.id, launch))

        say = self._world.observer.stage
        return Looping(cell, self._budget.sustain_s, say=say, save=save)

    def _measure_job(self, cell: Cell, file: Prepared) -> Job:
        workload = cell.workload
        return Job(
            kind="measure",
            backend=self._world.target(cell.backend),
            file=str(self._world.path_of(cell)),
            options=load_options(cell, workload.context_tokens),
            clock=self._world.clock_of(cell.backend),
            tokens=self._teacher.tokens(file)[: workload.context_tokens],
            text=self._teacher.scenario_text(workload),
            prompt_tokens=workload.prompt_tokens,
            output_tokens=workload.output_tokens,
            depth_tokens=workload.depth_tokens,
            scenario=workload.scenario is not None,
            trials=self._budget.trials if self._budget.sustain_s is None else 0,
            sustain_s=self._budget.sustain_s or 0.0,
            launch_time_s=self._budget.launch_time_s,
            warmup_divisor=schedule.warmup_divisor(self._kept.cell(cell.id)),
            memory_limit_bytes=cell.options.memory_limit_bytes,
            cpus=tuple(sorted(cpu_list(cell.options.cpus or ""))),
            tokenizer=self._teacher.tokenizer(workload, file, self._world.target(cell.backend)),
        )

    def _alive(self) -> list[CellResult]:
        return [
            entry
            for entry in self._kept.result.cells
            if schedule.still_alive(entry) and self._is_wanted(entry)
        ]

    def _is_wanted(self, entry: CellResult) -> bool:
        return self._wanted is None or len(entry.launches) < self._wanted.get(entry.cell.id, 0)

    def _schedule(self, **fields: object) -> None:
        changed = self._kept.result.schedule.model_copy(update=fields)
        self._kept.update(schedule=changed)

    def _save(self) -> None:
        self._world.save(self._kept.result)
