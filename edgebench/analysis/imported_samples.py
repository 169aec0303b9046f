"""An imported record as the samples that `compare` compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis import imported
from edgebench.analysis.compare_samples import CIRCUMSTANCES, Machine, Sample, Weights

if TYPE_CHECKING:
    from edgebench.schema.imported import Imported, ImportedCell


def samples_of(record: Imported, source: str) -> list[Sample]:
    """Each cell, reduced. Its launches are known by the source's hash."""
    return [_sample(record, cell, source) for cell in record.cells]


def _sample(record: Imported, cell: ImportedCell, source: str) -> Sample:
    found = imported.values(cell)
    starts = [launch.started_utc for launch in cell.launches if launch.started_utc]
    label = imported.weights_label(cell)
    return Sample(
        source=source,
        run_id=record.run_id,
        started_utc=max(starts, default=record.imported_utc),
        machine=_machine(record),
        weights=Weights(label, "", None, "not said"),
        engine=", ".join(dict.fromkeys(each.tool_version or "" for each in record.sources)),
        cell=imported.cell_of(cell),
        label=imported.label(cell, record.tool),
        no_speed=None if found else "its source does not time prefill or decode by themselves",
        verified=False,
        launches=frozenset(record.sources[launch.source].sha256 for launch in cell.launches),
        contention=0.0,
        values=found,
        imported_from=record.tool,
    )


def _machine(record: Imported) -> Machine:
    said = {
        "operating_system": record.device.operating_system,
        "memory_total_bytes": record.device.memory_total_bytes,
    }
    return Machine(
        id=record.device.id,
        cores=0,
        emulated=None,
        circumstances={name: said.get(name) for name in CIRCUMSTANCES},
        bandwidth_gb_s={},
    )
