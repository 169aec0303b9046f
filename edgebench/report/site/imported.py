"""What other tools measured, apart from what was measured here: a table, and devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.report.site.field import Field, interval, number, text
from edgebench.report.site.tables import GIB, MIB, MOST_ROWS, Column, Table, filled, filters, record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgebench.analysis.report_imported import ImportedDeviceRow, ImportedRow

COLUMNS = (
    Column("device"), Column("tool"), Column("model"), Column("backend"), Column("threads", True),
    Column("test"), Column("prefill tok/s", True), Column("decode tok/s", True),
    Column("both, tok/s", True), Column("TTFT, ms", True), Column("peak, MiB", True),
    Column("verified"), Column("record"),
)  # fmt: skip
WORDS = (
    "Figures of other tools, by their own definitions: nobody verified the output behind them. So "
    "they stand apart from the cells above, and in no plot. Most files are one launch, which has "
    "no interval."
)
NAMED = {
    "source": "imported from {}",
    "user": "imported from {}, named by --device",
    "nobody": "imported from {}, which names no device",
}


def table(rows: Sequence[ImportedRow], records_url: str = "") -> Table:
    """A row per cell. Columns in which no source says anything are left out."""
    columns, made = filled(COLUMNS, [_cell(row, records_url) for row in rows[:MOST_ROWS]])
    left = len(rows) - MOST_ROWS
    words = (
        f"{WORDS} {left} more are left out here: edgebench query has them." if left > 0 else WORDS
    )
    return Table("imported", "Imported", words, columns, made, filters(columns, made))


def devices(rows: Sequence[ImportedDeviceRow]) -> Iterator[tuple[Field, ...]]:
    """Fields of the columns of `tables.devices`; what a source does not say stays a dash."""
    for row in rows:
        size = row.memory_bytes
        yield (
            text(row.id, NAMED[row.named_by].format(row.tool)),
            text(row.accelerator),
            text(row.cpu),
            number(None),
            number(size, f"{size / GIB:.1f}" if size else None),
            number(None),
            text(row.operating_system),
            text(row.imported_utc[:10]),
        )


def _cell(row: ImportedRow, records_url: str) -> tuple[Field, ...]:
    peak = row.peak_rss_bytes
    elsewhere = row.on not in (None, "cpu")
    return (
        text(row.device),
        text(row.tool),
        text(row.model),
        text(f"{row.backend} on {row.on}" if elsewhere else row.backend),
        number(row.threads),
        text(row.workload),
        interval(row.prefill),
        interval(row.decode),
        interval(row.combined),
        interval(row.first_token_s, 1000),
        number(peak, f"{peak / MIB:.0f}" if peak else None),
        text("not possible", mark="bad"),
        record(row.source, row.imported_utc, records_url),
    )
