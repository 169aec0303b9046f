"""Does a record say what its raw trials say?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench import files
from edgebench.analysis import imported, records, summary
from edgebench.errors import BadInput
from edgebench.schema.claim import Verdicts
from edgebench.schema.experiment import Experiment
from edgebench.schema.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from edgebench.schema.imported import Imported
    from edgebench.schema.result import CellResult
    from edgebench.schema.sustained import Sustained
    from edgebench.schema.workload import Workload

EXPERIMENT = ".experiment.json"
# Floats are written at full precision, so only another libm may change the last digits.
RELATIVE_TOLERANCE = 1e-9


class Finding(NamedTuple):
    file: str
    problem: str | None


def check(paths: Iterable[Path]) -> list[Finding]:
    """One finding per record; folders are searched for *.json. Raises BadInput for no record."""
    found = [path for given in paths for path in _records(given)]
    if not found:
        raise BadInput("There is no record here.", "Name a .json file or a folder of them.")
    return [Finding(str(path), _problem(path)) for path in found]


def problems(record: Result | Imported) -> Iterator[str]:
    """Each contradiction inside a record that fits its schema."""
    yield from contradictions(record)
    if isinstance(record, Result):
        yield from _of_summary(record)


def contradictions(record: Result | Imported) -> Iterator[str]:
    """The same without the summary, which nothing is read from."""
    if isinstance(record, Result):
        yield from _of_result(record)
    else:
        yield from imported.contradictions(record)


def _of_result(result: Result) -> Iterator[str]:
    known = {file.sha256 for file in result.files}
    ids = [entry.cell.id for entry in result.cells]
    if len(ids) != len(set(ids)):
        yield "cells: two cells have the same id."
    for place, entry in enumerate(result.cells):
        yield from _of_cell(f"cells.{place}", entry, known, result.device.emulated)
    for number, order in enumerate(result.schedule.order):
        yield from (
            f"schedule.order.{number}: no cell {unknown!r}." for unknown in set(order) - set(ids)
        )


def _records(given: Path) -> list[Path]:
    return sorted(given.rglob("*.json")) if given.is_dir() else [given]


def experiment_contradictions(experiment: Experiment) -> Iterator[str]:
    """Each contradiction inside an experiment's record that fits its schema."""
    indices = [block.index for block in experiment.blocks]
    if len(indices) != len(set(indices)):
        yield "blocks: two blocks have the same index."
    for number, block in enumerate(experiment.blocks):
        for place, point in enumerate(block.points):
            missing = [name for name, value in point.values.items() if value is None]
            if missing and not point.why:
                where = f"blocks.{number}.points.{place}"
                yield f"{where}.why: {missing[0]} is null, and nothing says why."


def _problem(path: Path) -> str | None:
    try:
        if path.name.endswith(EXPERIMENT):
            return next(experiment_contradictions(files.read_json(path, Experiment)), None)
        if records.is_verdicts(path):
            files.read_json(path, Verdicts)
            return None
        return next(problems(records.read_strictly(path)), None)
    except BadInput as error:
        return str(error).removeprefix(f"{path}: ")


def _of_cell(where: str, entry: CellResult, known: set[str], emulated: str | None) -> Iterator[str]:
    if entry.cell.file not in known:
        yield f"{where}.cell.file: no such file in files."
    if entry.emulated != emulated:
        yield f"{where}.emulated: is not the device's."
    if entry.cell.id != entry.cell.identity():
        yield f"{where}.cell.id: is not the hash of the cell."
    workload = entry.cell.workload
    for number, launch in enumerate(entry.launches):
        inside = f"{where}.launches.{number}"
        if launch.dispatch and launch.dispatch.isa != entry.cell.isa and not launch.failure:
            yield f"{inside}.dispatch.isa: is not the cell's."
        if launch.sustained:
            yield from _of_loops(f"{inside}.sustained", launch.sustained, workload)
        for index, trial in enumerate(launch.trials):
            if trial.divided_by > 1 and not trial.warmup:
                yield f"{inside}.trials.{index}.divided_by: only a warm-up may be shortened."
            steps = -(-workload.output_tokens // trial.divided_by)
            if len(trial.step_ns) != steps:
                yield f"{inside}.trials.{index}.step_ns: expected {steps} steps."
            if trial.instructions and len(trial.instructions.steps) != len(trial.step_ns):
                yield f"{inside}.trials.{index}.instructions.steps: one per step was expected."
            if (trial.prefill_ns is None) == bool(workload.prompt_tokens):
                yield f"{inside}.trials.{index}.prefill_ns: does not fit the workload."
            if sum(trial.step_ns) + (trial.prefill_ns or 0) > trial.wall_ns:
                yield f"{inside}.trials.{index}.wall_ns: shorter than its parts."


def _of_loops(where: str, looped: Sustained, workload: Workload) -> Iterator[str]:
    number = len(looped.started_ns)
    if not number:
        yield f"{where}: no loop."
    for name, column in looped:
        if isinstance(column, tuple) and name != "power" and len(column) != number:
            yield f"{where}.{name}: one place per loop was expected."
    for name, tokens in (("prefill", workload.prompt_tokens), ("decode", workload.output_tokens)):
        if (getattr(looped, f"{name}_ns") is None) == bool(tokens):
            yield f"{where}.{name}_ns: does not fit the workload."
    if any(b < a + took for a, took, b in _following(looped)):
        yield f"{where}.started_ns: loops overlap."
    seen = looped.conditions
    for name, column in seen or ():
        if seen and column is not None and len(column) != len(seen.times_ns):
            yield f"{where}.conditions.{name}: one place per look was expected."
    for place, power in enumerate(looped.power):
        if len(power.times_ns) != len(power.watts):
            yield f"{where}.power.{place}: one time per figure was expected."


def _following(looped: Sustained) -> Iterator[tuple[int, int, int]]:
    return zip(looped.started_ns, looped.wall_ns, looped.started_ns[1:], strict=False)


def _of_summary(result: Result) -> Iterator[str]:
    recomputed = {key: value.model_dump() for key, value in summary.of(result).items()}
    written = {key: value.model_dump() for key, value in result.summary.items()}
    if set(recomputed) != set(written):
        yield "summary: does not list the cells."
    for key in sorted(set(recomputed) & set(written)):
        for path in _differences(recomputed[key], written[key], f"summary.{key}"):
            yield f"{path}: is not what the trials give."


def _differences(expected: Any, found: Any, path: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in expected:
            yield from _differences(expected[key], found.get(key), f"{path}.{key}")
    elif isinstance(expected, tuple) and isinstance(found, tuple) and len(expected) == len(found):
        for place, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from _differences(one, other, f"{path}.{place}")
    elif isinstance(expected, float) and isinstance(found, float | int):
        if not math.isclose(expected, found, rel_tol=RELATIVE_TOLERANCE):
            yield path
    elif expected != found:
        yield path
