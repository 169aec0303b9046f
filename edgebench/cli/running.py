"""Wires `edgebench run` together: the measuring half, the reading half, and the terminal."""

from __future__ import annotations

import secrets
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edgebench import files, plugins
from edgebench.analysis import metrics, summary
from edgebench.cli.printing import broken_cells, print_plan, print_result
from edgebench.cli.setup import (
    Choices,
    Setup,
    exports_of,
    prepare,
    with_measured_ceilings,
)
from edgebench.errors import BadInput, CellFailed, Interrupted
from edgebench.machine import disturbances, kernel_files, quiet
from edgebench.measure import campaign, preparing, record, turn
from edgebench.measure.plan import plan
from edgebench.measure.teacher import TEXT_NAME, Teacher
from edgebench.power.choose import Metering
from edgebench.report import progress
from edgebench.schema.note import Note
from edgebench.schema.result import CellResult, Engine, Result, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from edgebench.measure.exporting import Exports
    from edgebench.measure.job import Job
    from edgebench.measure.runner import Outcome
    from edgebench.measure.schedule import Budget
    from edgebench.measure.sustain import RunLoop
    from edgebench.schema.cell import Cell
    from edgebench.schema.energy import Energy


def run(choices: Choices, budget: Budget) -> None:
    """Plan, measure, record and print. Raises EdgebenchError; Ctrl-C keeps what is finished."""
    _refuse_to_overwrite(choices.output)
    setup = prepare(choices)
    if setup.threads_why:
        typer.echo(f"threads  {setup.threads_why}", err=True)
    planned = plan(setup.request, setup.probes, _usable_cpus(choices, setup))
    if choices.dry_run:
        print_plan(planned, setup.request, as_json=choices.json)
        return
    exports = exports_of(planned, setup)
    # Now, because the preparations above were no neighbour's work.
    setup = _quiet(setup, choices.wait_quiet_s)
    started_s = time.monotonic()
    setup = with_measured_ceilings(choices, setup)
    kept, path = begin(choices.output, choices.seed, budget, setup, exports)
    try:
        measure(
            kept,
            path,
            setup,
            budget,
            exports,
            _observer(kept, budget, started_s),
            started_s=started_s,
        )
    except KeyboardInterrupt:
        interrupted(kept, path)
    finally:
        print_result(kept.result, path, as_json=choices.json)
    if choices.strict and (broken := broken_cells(kept.result)):
        raise CellFailed(f"{len(broken)} cell(s) failed: {', '.join(broken)}.", "See the warnings.")


def _quiet(setup: Setup, limit_s: float | None) -> Setup:
    """After --wait-quiet, which is noted however it ended."""
    if limit_s is None:
        return setup
    waited = quiet.wait(
        limit_s,
        usable_cpus=setup.device.usable_cpus,
        sample=lambda: quiet.take_sample(Path("/"), time.monotonic(), disturbances.load_average()),
        sleep=time.sleep,
        say=lambda text: typer.echo(f"waiting  {text}", err=True),
    )
    return setup._replace(disturbing=(*setup.disturbing, waited.note()))


def _usable_cpus(choices: Choices, setup: Setup) -> int:
    """More threads than CPUs take turns, whoever keeps them there."""
    kept_on = len(kernel_files.cpu_list(choices.cpus or ""))
    return min(setup.device.usable_cpus, kept_on or setup.device.usable_cpus)


def begin(
    output: Path | None, seed: int | None, budget: Budget, setup: Setup, exports: Exports
) -> tuple[record.Record, Path]:
    started = datetime.now(UTC)
    run_id = secrets.token_hex(4)
    engines = [
        Engine(backend=name, name=found.name, version=found.version, build=found.build)
        for name, found in setup.probes.items()
        if not found.why_not
    ]
    blank = record.blank_result(
        run_id=run_id,
        started_utc=utc_text(started),
        arguments=_arguments(sys.argv[1:]),
        device=setup.device,
        engines=tuple(engines),
        files=tuple(file.facts for file in setup.request.files),
        texts=(),
        schedule=_schedule(seed, budget, setup.threads_why),
        cells=tuple(
            CellResult(cell=cell, verification=None, launches=(), emulated=setup.device.emulated)
            for cell in exports.plan.cells
        ),
        skipped=exports.plan.skipped,
        exports=exports.records,
        warnings=(
            *setup.disturbing,
            *(Note(name="file", message=f.warning) for f in setup.request.files if f.warning),
        ),
    )
    return record.Record(blank), _record_path(output, setup, started, run_id)


def _schedule(seed: int | None, budget: Budget, threads_why: str | None) -> Schedule:
    return Schedule(
        seed=secrets.randbits(32) if seed is None else seed,
        order=(),
        stopped_because=None,
        threads_why=threads_why,
        **budget._asdict(),
    )


def _record_path(output: Path | None, setup: Setup, started: datetime, run_id: str) -> Path:
    if output is not None and output.suffix == ".json":
        return output
    facts = setup.request.files[0].facts
    name = facts.model or Path(facts.name).stem[:40]
    folder = output or Path("results") / setup.device.id
    return folder / f"{started:%Y%m%dT%H%M%SZ}-{name}-{run_id}.json"


def _refuse_to_overwrite(output: Path | None) -> None:
    """Before anything is fetched."""
    if output is not None and output.suffix == ".json" and output.exists():
        raise BadInput(f"{output} exists.", "Records are kept: choose another name.")


def measure(
    kept: record.Record,
    path: Path,
    setup: Setup,
    budget: Budget,
    exports: Exports,
    shown: AbstractContextManager[campaign.Observer],
    wanted: Mapping[str, int] | None = None,
    started_s: float | None = None,
) -> None:
    """The whole campaign; `wanted` gives launches by cell id where each has its own number.

    `started_s` is when measuring began, where ceilings were measured before.
    """
    with shown as observer:
        observer.stage("tokenizing")
        by_hash = {file.facts.sha256: file for file in setup.request.files}
        teacher = _teacher(setup, observer)
        kept.update(texts=tuple(teacher.describe(file) for file in setup.request.files))
        campaign.Campaign(
            kept,
            by_hash,
            teacher=teacher,
            budget=budget,
            wanted=wanted,
            world=_world(
                setup.run_job,
                path,
                observer,
                lambda cell: exports.path_of(cell, by_hash[cell.file]),
                lambda cell: exports.opened(cell, by_hash[cell.file]),
            )._replace(
                sampler=setup.metering.sampler,
                idle=partial(_idle, setup.metering, budget, observer),
            ),
        ).run(started_s)


def _observer(
    kept: record.Record, budget: Budget, started_s: float
) -> AbstractContextManager[campaign.Observer]:
    goal = progress.Goal(
        cells=len(kept.result.cells),
        precision=budget.precision,
        min_launches=budget.min_launches,
        max_launches=budget.max_launches,
        max_time_s=budget.max_time_s,
        files=kept.result.files,
    )
    return progress.observer(sys.stderr, progress.Pace(goal, time.monotonic, started_s))


def _teacher(setup: Setup, observer: campaign.Observer) -> Teacher:
    return Teacher(
        files.packaged(f"{TEXT_NAME}.txt").read_text(encoding="utf-8"),
        needed_tokens=max(workload.context_tokens for workload in setup.request.workloads),
        cache=files.cache_dir(),
        engines=lambda file_format: preparing.engines_for(file_format, setup.probes),
        run=partial(_in_turn, setup.run_job, observer),
        say=observer.stage,
    )


def _idle(metering: Metering, budget: Budget, observer: campaign.Observer) -> tuple[Energy, ...]:
    """Not for a single launch: it would take longer than the launch (`gate` makes many of them)."""
    short = budget.max_launches == 1 and budget.sustain_s is None
    if metering == Metering() or short:
        return ()
    observer.stage("reading the idle machine's power")
    return metering.idle()


def _turn(observer: campaign.Observer) -> AbstractContextManager[None]:
    return turn.take(files.cache_dir() / "measuring.lock", observer.stage)


def _in_turn(run_job: campaign.RunJob, observer: campaign.Observer, job: Job) -> Outcome:
    """Reference logits take a core for a while: not in the middle of somebody's launch."""
    with _turn(observer):
        return run_job(job)


def _world(
    run_job: RunLoop,
    path: Path,
    observer: campaign.Observer,
    path_of: Callable[[Cell], Path],
    opened: Callable[[Cell], tuple[Path, ...]],
) -> campaign.World:
    return campaign.World(
        run=run_job,
        loop=run_job,
        target=plugins.backend_target,
        monotonic_s=time.monotonic,
        utc=lambda: utc_text(datetime.now(UTC)),
        load_average=disturbances.load_average,
        turn=partial(_turn, observer),
        save=partial(_save, path),
        half_width=metrics.half_width,
        path_of=path_of,
        opened=opened,
        observer=observer,
        clock_of=preparing.clock_of,
    )


def _save(path: Path, result: Result) -> None:
    whole = result.model_copy(update={"summary": summary.of(result)})
    files.write_atomic(path, files.to_json(whole))


def interrupted(kept: record.Record, path: Path) -> None:
    schedule = kept.result.schedule.model_copy(update={"stopped_because": "interrupted"})
    kept.update(schedule=schedule, finished_utc=utc_text(datetime.now(UTC)))
    _save(path, kept.result)
    done = sum(len(entry.launches) for entry in kept.result.cells)
    raise Interrupted(f"Interrupted after {done} launches; they are in {path}.")


def _arguments(argv: Sequence[str]) -> tuple[str, ...]:
    """The command line without folders: records are made to be shared."""
    return tuple(_without_folder(part) for part in argv)


def _without_folder(part: str) -> str:
    option, equals, value = part.rpartition("=") if part.startswith("--") else ("", "", part)
    return f"{option}{equals}{value.replace(chr(92), '/').rpartition('/')[2]}"


def utc_text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
