"""The tables of a page: cells, devices, models."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from edgebench.report.comparison_figures import significant
from edgebench.report.site.field import NONE, Field, cut, interval, number, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgebench.analysis.report_rows import CellRow, DeviceRow, FileRow

# A table of more is too long for a browser on a phone, and for a reader.
MOST_ROWS = 5000
MIB, GIB = 2**20, 2**30
# More choices than this are no help in a list: the filter for words finds them.
MOST_CHOICES = 200
CHOICES = ("device", "model", "backend", "ISA", "test", "claim", "verdict")


class Column(NamedTuple):
    name: str
    number: bool = False


class Filter(NamedTuple):
    """A list to choose from, for the column at that place."""

    name: str
    column: int
    values: tuple[str, ...]


class Table(NamedTuple):
    """`words` stand above it."""

    anchor: str
    title: str
    words: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Field, ...], ...]
    filters: tuple[Filter, ...] = ()
    kind: str = "table"


CELLS = (
    Column("device"), Column("model"), Column("backend"), Column("ISA"), Column("threads", True),
    Column("test"), Column("prefill tok/s", True), Column("decode tok/s", True),
    Column("TTFT, ms", True), Column("peak, MiB", True), Column("KL", True),
    Column("J/token", True), Column("M instr./token", True), Column("verified"),
    Column("record"),
)  # fmt: skip


def cells(rows: Sequence[CellRow], records_url: str = "") -> Table:
    """Columns in which no cell has a figure are left out. Records are linked below that address."""
    columns, made = filled(CELLS, [_cell(row, records_url) for row in rows[:MOST_ROWS]])
    words = "One row per configuration that was measured. Click a heading to sort."
    if len(rows) > MOST_ROWS:
        words += (
            f" Here are the first {MOST_ROWS} of {len(rows)} cells: choose others with --device, "
            "--model and the like, or ask edgebench query."
        )
    return Table("cells", "Cells", words, columns, made, filters(columns, made))


def devices(rows: Sequence[DeviceRow], foreign: Iterable[tuple[Field, ...]] = ()) -> Table:
    """`foreign` are rows of devices that only other tools named: they come last."""
    columns = (
        Column("device"), Column("board"), Column("CPU"), Column("cores", True),
        Column("memory, GiB", True), Column("reads, GB/s", True), Column("kernel"), Column("seen"),
    )  # fmt: skip
    return Table("devices", "Devices", "", columns, (*map(_device, rows), *foreign))


def files(rows: Sequence[FileRow]) -> Table:
    columns = (
        Column("model"), Column("format"), Column("weights"), Column("size, MiB", True),
        Column("sha256"), Column("source"),
    )  # fmt: skip
    return Table("models", "Models", "", columns, tuple(map(_file, rows)))


def _cell(row: CellRow, records_url: str) -> tuple[Field, ...]:
    memory = row.memory.peak_rss_bytes if row.memory else None
    whose = "main memory" if memory and row.on != "cpu" else ""
    kl = row.quality.mean_kl if row.quality else None
    return (
        text(row.device),
        text(row.model, row.settings),
        text(row.engine),
        text(row.isa),
        number(row.threads),
        text(row.workload.name),
        interval(row.prefill),
        interval(row.decode),
        interval(row.first_token_s, 1000),
        number(memory, f"{memory / MIB:.0f}" if memory else None, whose),
        number(kl, None if kl is None else significant(kl)),
        _joules(row),
        _instructions(row),
        _verified(row),
        record(row.source, row.started_utc, records_url),
    )


def record(source: str, when_utc: str, records_url: str) -> Field:
    """A record's name, linked where readers find it, and the day it is of."""
    below = quote(source, errors="surrogateescape")
    link = f"{records_url.rstrip('/')}/{below}" if records_url else ""
    return text(source, when_utc[:10])._replace(link=link)


def _joules(row: CellRow) -> Field:
    """Of the first meter that told any, decode before prefill; and whose it is."""
    known = [each for each in row.energy if each.joules_per_token]
    for each in sorted(known, key=lambda each: each.phase != "decode"):
        whose = f"{each.phase}, {each.method}, {each.scope}, tier {each.quality}"
        return interval(each.joules_per_token)._replace(note=whose)
    return Field(NONE, mark="n")


def _instructions(row: CellRow) -> Field:
    """Of an output token where there is one, else of a prompt token."""
    for phase, per_token in (
        ("decode", row.instructions_per_output_token),
        ("prefill", row.instructions_per_prompt_token),
    ):
        if per_token is not None:
            return number(per_token, f"{per_token / 1e6:.2f}", phase)
    return Field(NONE, mark="n")


def _verified(row: CellRow) -> Field:
    mark = "good" if row.verified == "passed" else "bad"
    return text("yes" if row.verified == "passed" else row.verified.replace("_", " "),
                f"no speed: {row.no_speed}" if row.no_speed else "", mark)  # fmt: skip


def _device(row: DeviceRow) -> tuple[Field, ...]:
    played = f"played by {row.emulated}" if row.emulated else ""
    virtual = f"virtual: {row.hypervisor}" if row.hypervisor else ""
    return (
        text(row.id, played or virtual),
        text(row.board or row.profile),
        text(row.cpus, row.architecture),
        number(row.cores),
        number(row.memory_bytes / GIB, f"{row.memory_bytes / GIB:.1f}"),
        number(row.read_gb_s, None if row.read_gb_s is None else f"{row.read_gb_s:.1f}"),
        text(row.kernel),
        text(row.started_utc[:10]),
    )


def _file(row: FileRow) -> tuple[Field, ...]:
    size = f"{row.size_bytes / MIB:.1f}"
    return (text(row.label), text(row.quant), text(row.weights), number(row.size_bytes, size),
            text(row.sha256[:12]), text(row.source))  # fmt: skip


def filled(
    columns: Sequence[Column], rows: Sequence[tuple[Field, ...]]
) -> tuple[tuple[Column, ...], tuple[tuple[Field, ...], ...]]:
    """Without the columns in which no row says anything; all of them where there is no row."""
    kept = [place for place, fields in enumerate(zip(*rows, strict=True))
            if any(field.text != NONE for field in fields)]  # fmt: skip
    return (
        tuple(columns[place] for place in kept or range(len(columns))),
        tuple(tuple(fields[place] for place in kept) for fields in rows),
    )


def filters(columns: Sequence[Column], rows: Sequence[tuple[Field, ...]]) -> tuple[Filter, ...]:
    """Only where there is a choice."""
    found = []
    for place, column in enumerate(columns):
        values = sorted({row[place].text for row in rows} - {NONE})
        if column.name in CHOICES and 1 < len(values) <= MOST_CHOICES:
            found.append(Filter(column.name, place, tuple(map(cut, values))))
    return tuple(found)
