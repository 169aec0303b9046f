"""Imported records in, rows out: what a report shows of figures that nobody verified.

They are rows of their own kind, so that no plot, no ceiling and no order of measured cells can
take one of them for a measurement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis import imported, stats

if TYPE_CHECKING:
    from edgebench.schema.imported import Imported, ImportedCell, ImportedDevice
    from edgebench.schema.interval import Interval


class ImportedRow(NamedTuple):
    """One cell of another tool. None: its source does not say.

    `combined` is a rate over prompt and answer together, which is compared with neither.
    """

    device: str
    cell_id: str
    tool: str
    model: str
    backend: str
    on: str | None
    threads: int | None
    workload: str
    prefill: Interval | None
    decode: Interval | None
    combined: Interval | None
    first_token_s: Interval | None
    peak_rss_bytes: float | None
    launches: int
    source: str
    imported_utc: str


class ImportedDeviceRow(NamedTuple):
    """A device as a source names it. `named_by`: source, user or nobody."""

    id: str
    tool: str
    named_by: str
    cpu: str | None
    accelerator: str | None
    operating_system: str | None
    memory_bytes: int | None
    imported_utc: str


class ImportedRows(NamedTuple):
    device: ImportedDeviceRow
    cells: tuple[ImportedRow, ...]


def rows_of(record: Imported, source: str) -> ImportedRows:
    """Of a sound record."""
    device = _device(record.device, record)
    return ImportedRows(device, tuple(_cell(each, record, source) for each in record.cells))


def _device(said: ImportedDevice, record: Imported) -> ImportedDeviceRow:
    return ImportedDeviceRow(
        id=said.id,
        tool=record.tool,
        named_by=said.named_by,
        cpu=said.cpu,
        accelerator=said.accelerator,
        operating_system=said.operating_system,
        memory_bytes=said.memory_total_bytes,
        imported_utc=record.imported_utc,
    )


def _cell(cell: ImportedCell, record: Imported, source: str) -> ImportedRow:
    known = imported.values(cell)
    found = {name: stats.interval(tuple(each.values())) for name, each in known.items()}
    combined = [rate for each in cell.launches if (rate := imported.rate(each, "combined"))]
    return ImportedRow(
        device=record.device.id,
        cell_id=cell.id,
        tool=record.tool,
        model=imported.weights_label(cell),
        backend=cell.backend,
        on=cell.device,
        threads=cell.threads,
        workload=cell.workload.name,
        prefill=found.get("prefill_tok_s"),
        decode=found.get("decode_tok_s"),
        combined=stats.interval(combined),
        first_token_s=found.get("time_to_first_token_s"),
        peak_rss_bytes=max(known.get("peak_rss_bytes", {}).values(), default=None),
        launches=len(cell.launches),
        source=source,
        imported_utc=record.imported_utc,
    )
