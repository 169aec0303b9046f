"""Records in, samples out: of each cell only one number per launch and metric is kept.

A record is validated whole, then dropped, so that memory grows with launches and never with the
trials and steps inside them. `edgebench check` also recomputes the summary; nothing here reads it.
"""

from __future__ import annotations

import gc
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edgebench.analysis import checking, energy, imported_samples, metrics, records, shipped
from edgebench.analysis.compare_samples import (
    CIRCUMSTANCES,
    Machine,
    Sample,
    SideSamples,
    Weights,
    key,
)
from edgebench.analysis.labels import cell_label, file_label
from edgebench.analysis.notes import contention
from edgebench.errors import BadInput
from edgebench.schema.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from edgebench.analysis.energy import Figure
    from edgebench.schema.cell import MeasuredFile
    from edgebench.schema.comparison import Metric
    from edgebench.schema.device import Device
    from edgebench.schema.launch import Launch
    from edgebench.schema.result import CellResult

TRIAL_METRICS: Mapping[Metric, metrics.Metric] = {
    "prefill_tok_s": metrics.prefill_tok_s,
    "decode_tok_s": metrics.decode_tok_s,
    "time_to_first_token_s": metrics.time_to_first_token_s,
    "cpu_s_per_token": metrics.cpu_s_per_token,
}


def read_record(path: Path) -> Result:
    """A measured record. As `files.read_json`, three times as fast on a sound one."""
    found = records.read(path)
    return found if isinstance(found, Result) else records.read_measured(path)


def read_strictly(path: Path) -> Result:
    """Where a decision hangs on one record."""
    return records.read_measured(path)


def paths_of(given: Path) -> list[Path]:
    """A record, or every `*.json` below a folder. Raises BadInput where there is none."""
    paths = runs_below(given)
    if not paths:
        raise BadInput(f"{given} holds no record.", "Name a .json file or a folder of them.")
    return paths


def runs_below(given: Path) -> list[Path]:
    """The file itself, or every record of a run below a folder, which experiments and verdicts
    are not.
    """
    if not given.is_dir():
        return [given]
    found = (p for p in given.rglob("*.json") if not p.name.endswith(checking.EXPERIMENT))
    return sorted(path for path in found if not records.is_verdicts(path))


def read_side(given: Path, read: Callable[[Path], records.Record] = records.read) -> SideSamples:
    """A record, or every `*.json` below a folder. Raises BadInput with the file's name."""
    paths = paths_of(given)
    with no_cycles():
        samples = [sample for path in paths for sample in read_samples(path, read)]
    return side_of(given, len(paths), samples)


def side_of(given: Path, count: int, samples: Sequence[Sample]) -> SideSamples:
    """The newest session of each cell on each device stands for it; the others are counted."""
    newest: dict[tuple[str, str], Sample] = {}
    for sample in sorted(samples, key=lambda each: each.started_utc):
        newest[key(sample)] = sample
    older = Counter(map(key, samples)) - Counter(newest.keys())
    return SideSamples(str(given), count, tuple(newest.values()), older)


def read_samples(path: Path, read: Callable[[Path], records.Record] = records.read) -> list[Sample]:
    """The cells of one record. Raises BadInput for what is not a sound record."""
    record = read(path)
    if problem := next(checking.contradictions(record), None):
        raise BadInput(f"{path} contradicts itself: {problem}", "See edgebench check.")
    return any_samples(record, path.name)


def any_samples(record: records.Record, source: str) -> list[Sample]:
    """Each cell of a measured or imported record, reduced."""
    if isinstance(record, Result):
        return samples_of(record, source)
    return imported_samples.samples_of(record, source)


def samples_of(result: Result, source: str) -> list[Sample]:
    """Each cell of a record, reduced."""
    facts = {file.sha256: file for file in result.files}
    machine = _machine(result.device)
    engines = {each.backend: f"{each.version} ({each.build})" for each in result.engines}
    return [
        Sample(
            source=source,
            run_id=result.run_id,
            started_utc=result.started_utc,
            machine=machine,
            weights=_weights(facts[entry.cell.file]),
            engine=engines.get(entry.cell.backend, ""),
            cell=entry.cell,
            label=f"{file_label(facts[entry.cell.file])} {cell_label(entry.cell, ())}",
            no_speed=why_no_speed(entry),
            verified=entry.verification is not None,
            unverified=_why_unverified(entry),
            launches=frozenset(_fingerprint(each) for each in entry.launches if each.trials),
            contention=contention(entry),
            values=_values(entry),
            energy=_energy(entry, result),
            looped=any(launch.sustained for launch in entry.launches),
        )
        for entry in result.cells
    ]


def _energy(entry: CellResult, result: Result) -> tuple[Figure, ...]:
    """Most records have none: looking costs more than reading them."""
    told = any(launch.energy for launch in entry.launches)
    return energy.figures(entry, result.idle_energy) if told else ()


def _values(entry: CellResult) -> dict[Metric, dict[int, float]]:
    if not metrics.may_show_speed(entry):
        return {}
    kept: dict[Metric, dict[int, float]] = {}
    for launch in entry.launches:
        for metric, value in _of_launch(launch, entry):
            if value is not None and value > 0:
                kept.setdefault(metric, {})[launch.round] = value
    return kept


def _of_launch(launch: Launch, entry: CellResult) -> Iterator[tuple[Metric, float | None]]:
    for metric, of_trial in TRIAL_METRICS.items():
        yield metric, metrics.of_launch(launch, entry.cell.workload, of_trial)
    yield "load_s", launch.load.load_ns * metrics.NS if launch.load else None
    yield "peak_rss_bytes", launch.memory.peak_rss_bytes if launch.memory else None


def _why_unverified(entry: CellResult) -> str | None:
    verified = entry.verification
    if verified is None or verified.failure or verified.status != "not_possible":
        return None
    return verified.reason or "Nothing says why."


def why_no_speed(entry: CellResult) -> str | None:
    """The sentence that stands in place of a speed, emulation aside."""
    verified = entry.verification
    if verified is None:
        return "its output was not verified"
    if verified.failure is not None:
        return f"the engine failed while it was verified: {verified.failure.message}"
    if verified.status == "failed":
        return f"its output is wrong. {verified.reason or ''}".strip().rstrip(".")
    failures = [launch.failure for launch in entry.launches if launch.failure]
    if not any(launch.trials for launch in entry.launches):
        last = f": {failures[-1].message}" if failures else ""
        return f"it has no finished launch{last}"
    return None


def _machine(device: Device) -> Machine:
    return Machine(
        id=device.id,
        cores=device.physical_cores,
        emulated=getattr(device, "emulated", None),
        circumstances={name: getattr(device, name) for name in CIRCUMSTANCES},
        bandwidth_gb_s=_bandwidth(device),
        price_usd=_price_usd(device.profile),
    )


def _price_usd(profile: str | None) -> float | None:
    """What the profile cites, where it is one that ships with edgebench and names dollars."""
    found = shipped.profile(profile)
    price = found.price if found else None
    return price.amount if price and price.currency == "USD" else None


def _bandwidth(device: Device) -> dict[int, float]:
    """Read bandwidth by number of threads, the best of all launches and methods; empty: unknown."""
    rates = device.ceilings.read if device.ceilings else ()
    best: dict[int, float] = {}
    for rate in rates:
        found = rate.bytes_read / min(rate.fastest_ns)
        best[rate.threads] = max(found, best.get(rate.threads, 0.0))
    return best


def _weights(file: MeasuredFile) -> Weights:
    return Weights(file_label(file), file.sha256, file.model, file.weights)


@contextmanager
def no_cycles() -> Iterator[None]:
    """Records hold no reference cycles; looking for some takes a third of the reading time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _fingerprint(launch: Launch) -> str:
    """When it began and how long each trial took: two launches never agree in both."""
    return " ".join([launch.started_utc, *(str(each.wall_ns) for each in launch.trials)])
