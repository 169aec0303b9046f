"""Files that an engine needs and that are made from the measured ones, before anything is timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.errors import EdgebenchError, Interrupted
from edgebench.measure.plan import Plan
from edgebench.models.onnx_cache import onnx_for
from edgebench.schema.result import Export, Skipped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edgebench.measure.plan import Probe
    from edgebench.models.prepared import Prepared
    from edgebench.models.progress import Progress
    from edgebench.schema.result import Cell


class Exports(NamedTuple):
    """`paths` by cell id; cells whose file could not be made have moved to the plan's skipped."""

    plan: Plan
    paths: Mapping[str, Path]
    records: tuple[Export, ...]

    def path_of(self, cell: Cell, original: Path) -> Path:
        """What the cell's engine is told to open."""
        return self.paths.get(cell.id, original)

    def opened(self, cell: Cell, original: Path) -> tuple[Path, ...]:
        """Every file with weights that it then opens; none where the engine keeps its own copy."""
        path = self.paths.get(cell.id)
        if path is None:
            return (original,)
        return () if cell.options.prepacked else tuple(sorted(path.parent.glob(f"{path.name}*")))


def export_all(
    planned: Plan,
    files: Mapping[str, Prepared],
    probes: Mapping[str, Probe],
    *,
    cache: Path,
    progress: Progress,
) -> Exports:
    """Make what the plan's engines cannot read as it is; a refusal ends its cells, not the run."""
    paths: dict[str, Path] = {}
    records: dict[tuple[str, str, str | None], Export] = {}
    kept, skipped = [], list(planned.skipped)
    for cell in planned.cells:
        file = files[cell.file]
        if file.format in probes[cell.backend].formats:
            kept.append(cell)
            continue
        try:
            paths[cell.id], record = _export(cell, file, cache, progress)
        except Interrupted:
            raise
        except EdgebenchError as error:
            skipped.append(_skip(cell, str(error)))
        else:
            records[cell.file, cell.backend, cell.options.activations] = record
            kept.append(cell)
    return Exports(Plan(tuple(kept), tuple(skipped)), paths, tuple(records.values()))


def _export(cell: Cell, file: Prepared, cache: Path, progress: Progress) -> tuple[Path, Export]:
    activations = cell.options.activations or "int8"
    made = onnx_for(
        file.path, file.facts.sha256, cache=cache, activations=activations, progress=progress
    )
    record = Export(
        file=cell.file,
        backend=cell.backend,
        activations=activations,
        name=f"{made.path.parent.name}/{made.path.name}",
        weights_id=made.weights_id,
        derived=made.derived,
    )
    return made.path, record


def _skip(cell: Cell, reason: str) -> Skipped:
    return Skipped(
        file=cell.file,
        backend=cell.backend,
        isa=cell.isa,
        threads=cell.threads,
        workload=cell.workload.name,
        reason=reason,
    )
