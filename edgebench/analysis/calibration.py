"""A against A: how small a slowdown this machine can show with so many pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench import __version__, files
from edgebench.analysis import stats
from edgebench.analysis.compare import ALPHA
from edgebench.analysis.gate_evidence import gated_metrics
from edgebench.analysis.gate_launches import Launches
from edgebench.schema.calibration import Calibration, Detectable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from edgebench.analysis.compare_samples import Sample
    from edgebench.schema.comparison import Metric

POWER = 0.9


def calibrations(
    base: Sequence[Sample], head: Sequence[Sample], *, created_utc: str
) -> list[Calibration]:
    """One per cell; cells without two pairs of any metric that scatters are left out."""
    heads = {each.cell.id: each for each in head}
    found = [_calibration(each, heads[each.cell.id], created_utc) for each in base]
    return [each for each in found if each.metrics]


def without_scatter(base: Sequence[Sample], head: Sequence[Sample]) -> list[tuple[str, Metric]]:
    """Labels and metrics whose pairs are all alike: a coarse clock, or made figures.

    Of these no smallest slowdown is known; it is not zero.
    """
    heads = {each.cell.id: each for each in head}
    return [
        (each.label, metric)
        for each in base
        for metric, launches in _launches(each, heads[each.cell.id]).items()
        if (found := launches.ratio(metric)) and found.error == 0
    ]


def place(cache: Path, device: str, cell: str, pairs: int) -> Path:
    """Where the calibration of a device, cell and budget is kept."""
    return cache / "calibration" / f"{device}-{cell}-{pairs}.json"


def save(cache: Path, found: Calibration) -> Path:
    path = place(cache, found.device, found.cell, found.pairs)
    files.write_atomic(path, files.to_json(found))
    return path


def detectable(
    cache: Path, device: str, cells: Iterable[str], pairs: int
) -> dict[tuple[str, Metric], float]:
    """The smallest slowdowns, by cell and metric, as far as they were calibrated."""
    paths = {cell: place(cache, device, cell, pairs) for cell in cells}
    return {
        (cell, metric): known.smallest
        for cell, path in paths.items()
        if path.exists()
        for metric, known in files.read_json(path, Calibration).metrics.items()
    }


def _calibration(base: Sample, head: Sample, created_utc: str) -> Calibration:
    launches = _launches(base, head)
    found = {metric: _detectable(metric, each) for metric, each in launches.items()}
    return Calibration(
        schema_version=1,
        edgebench_version=__version__,
        created_utc=created_utc,
        device=base.machine.id,
        cell=base.cell.id,
        label=base.label,
        pairs=max((each.pairs for each in launches.values()), default=0),
        power=POWER,
        contention=max(base.contention, head.contention),
        metrics={metric: each for metric, each in found.items() if each is not None},
    )


def _launches(base: Sample, head: Sample) -> dict[Metric, Launches]:
    wanted = (*gated_metrics(base, head, "wall"), *gated_metrics(base, head, "cpu"))
    return {
        metric: Launches(base.values.get(metric, {}), head.values.get(metric, {}), in_turns=True)
        for metric in wanted
    }


def _detectable(metric: Metric, launches: Launches) -> Detectable | None:
    found = launches.ratio(metric)
    if found is None or found.error == 0:
        return None
    low, high = found.bounds()
    return Detectable(
        half_width=(high / low) ** 0.5 - 1,
        smallest=stats.detectable_ratio(found, POWER) - 1,
        false_alarm=found.p_two_sided() < ALPHA,
    )
