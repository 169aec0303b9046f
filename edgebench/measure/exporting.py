"""Files that an engine needs and that are made from the measured ones, before anything is timed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from edgebench.errors import EdgebenchError, Interrupted
from edgebench.measure.plan import Plan
from edgebench.models.onnx_cache import onnx_for
from edgebench.schema.cell import Export, Skipped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edgebench.measure.plan import Probe
    from edgebench.models.onnx_exported import Exported
    from edgebench.models.prepared import Prepared
    from edgebench.models.progress import Progress
    from edgebench.schema.cell import Cell


class Exports(NamedTuple):
    """`paths` by cell id; cells whose file could not be made have moved to the plan's skipped."""

    plan: Plan
    paths: Mapping[str, Path]
    records: tuple[Export, ...]

    def path_of(self, cell: Cell, file: Prepared) -> Path:
        """What the cell's engine is told to open."""
        return self.paths.get(cell.id, file.path)

    def opened(self, cell: Cell, file: Prepared) -> tuple[Path, ...]:
        """Every file with weights that it then opens; none where the engine keeps its own copy."""
        if cell.options.prepacked:
            return ()
        if cell.id not in self.paths:
            return file.graph.files if file.format == "onnx" and file.graph else (file.path,)
        path = self.paths[cell.id]
        return tuple(sorted(path.parent.glob(f"{path.name}*")))


def export_all(
    planned: Plan,
    files: Mapping[str, Prepared],
    probes: Mapping[str, Probe],
    *,
    cache: Path,
    progress: Progress,
    allow_derived: bool = False,
) -> Exports:
    """Make what the plan's engines cannot read as it is; a refusal ends its cells, not the run.

    `allow_derived` converts types that have no lossless counterpart, which is then recorded.
    """
    export = partial(onnx_for, cache=cache, allow_derived=allow_derived, progress=progress)
    paths: dict[str, Path] = {}
    records: dict[tuple[str, str, str | None], Export] = {}
    kept, skipped = [], list(planned.skipped)
    for cell in planned.cells:
        file = files[cell.file]
        if file.format in probes[cell.backend].formats:
            kept.append(cell)
            continue
        try:
            exported = _given(cell, file) or export(
                file.path, file.facts.sha256, activations=cell.options.activations or "int8"
            )
        except Interrupted:
            raise
        except EdgebenchError as error:
            skipped.append(_skip(cell, str(error)))
        else:
            paths[cell.id] = exported.path
            records[cell.file, cell.backend, cell.options.activations] = _record(cell, exported)
            kept.append(cell)
    return Exports(Plan(tuple(kept), tuple(skipped)), paths, tuple(records.values()))


def _given(cell: Cell, file: Prepared) -> Exported | None:
    """The graph that the user named, where it is one of this file and these activations."""
    graph = file.graph
    return graph.exported if graph and graph.activations == cell.options.activations else None


def _record(cell: Cell, made: Exported) -> Export:
    return Export(
        file=cell.file,
        backend=cell.backend,
        activations=cell.options.activations,
        name=f"{made.path.parent.name}/{made.path.name}",
        weights_id=made.weights_id,
        derived=made.derived,
    )


def _skip(cell: Cell, reason: str) -> Skipped:
    return Skipped(
        file=cell.file,
        backend=cell.backend,
        isa=cell.isa,
        device=cell.device,
        threads=cell.threads,
        workload=cell.workload.name,
        reason=reason,
    )
