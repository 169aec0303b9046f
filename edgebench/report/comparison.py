"""A comparison as a table for a terminal, markdown, CSV, or JSON: the same rows in all of them."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from edgebench import files
from edgebench.printable import clean
from edgebench.report import comparison_figures as write
from edgebench.report.escape import markdown as escape
from edgebench.report.escape import spreadsheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgebench.schema.comparison import Comparison, DeviceRow, Difference

LEFT = {"side", "device", "cell", "metric", "finding", "notes"}
CSV_COLUMNS = ("side", "device", "cell", "label", "metric", "value", "low", "high", "launches",
               "base_value", "ratio", "ratio_low", "ratio_high", "p_adjusted", "interleaved",
               "finding", "per_core", "per_gb_s", "per_watt", "watts_by", "per_usd",
               "notes")  # fmt: skip


class Table(NamedTuple):
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def text(found: Comparison) -> str:
    """Aligned columns, then what was not compared, then the footnotes."""
    blocks = [f"{table.title}\n\n{_aligned(table)}" for table in tables(found)]
    return (
        "\n".join([*blocks, "".join(f"{clean(line)}\n" for line in _below(found))]).rstrip() + "\n"
    )


def to_markdown(found: Comparison) -> str:
    from edgebench.report import markdown  # brings rich's console, which no other format needs

    blocks = [
        f"**{escape(table.title)}**\n\n"
        + markdown.grid(table.columns, table.rows, right=set(table.columns) - LEFT)
        for table in tables(found)
    ]
    below = "".join(f"- {escape(line)}\n" for line in _below(found))
    return "\n".join([*blocks, *[below] * bool(below)])


def to_csv(found: Comparison) -> str:
    """Long form: a line per figure, `ratio` and what follows only where two sides meet."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    names = [side.name for side in found.sides]
    writer.writerows(
        map(spreadsheet, [names[each.side], *_csv_difference(each)]) for each in found.differences
    )
    writer.writerows(
        map(spreadsheet, [names[each.side], *_csv_device(each)]) for each in found.devices
    )
    return stream.getvalue()


def to_json(found: Comparison) -> str:
    return files.to_json(found)


def tables(found: Comparison) -> Iterator[Table]:
    if found.differences:
        yield _difference_table(found)
    if found.devices:
        yield _device_table(found)


def _difference_table(found: Comparison) -> Table:
    """Columns for the side and the device only where there are several."""
    names = [side.name for side in found.sides]
    heads = list(dict.fromkeys(names[each.side] for each in found.differences))
    several_sides = len(heads) > 1
    several_devices = len({each.device for each in found.differences}) > 1
    rows = [
        (names[each.side],) * several_sides + (each.device,) * several_devices + _difference(each)
        for each in found.differences
    ]
    lead = ("side",) * several_sides + ("device",) * several_devices
    columns = (
        *lead,
        "cell",
        "metric",
        "base",
        "head",
        "ratio",
        "95 % interval",
        "finding",
        "notes",
    )
    title = f"{', '.join(heads)} against {names[0]}, on the same device"
    return Table(clean(title), columns, rows)


def _difference(each: Difference) -> tuple[str, ...]:
    return (
        each.label,
        write.NAMES[each.metric],
        write.quantity(each.metric, each.base.estimate),
        write.quantity(each.metric, each.head.estimate),
        write.ratio(each.ratio),
        write.bounds(each.ratio),
        write.FINDINGS[each.finding],
        _marks(each.notes),
    )


def _device_table(found: Comparison) -> Table:
    several = len(found.sides) > 1
    watts = any(each.per_watt is not None for each in found.devices)
    prices = any(each.per_usd is not None for each in found.devices)
    rows = [
        (found.sides[each.side].name,) * several
        + (each.device, each.label, write.NAMES[each.metric])
        + (
            write.significant(each.rate.estimate),
            write.interval(each.metric, each.rate),
            write.known(each.per_core),
            write.known(each.per_gb_s),
        )
        + (write.known(each.per_watt), each.watts_by or "-") * watts
        + (write.known(each.per_usd),) * prices
        for each in found.devices
    ]
    columns = ("side",) * several + ("device", "cell", "metric", "tok/s", "95 % interval",
                                     "per core", "per GB/s")  # fmt: skip
    columns += ("per W", "watts by") * watts + ("per USD",) * prices
    return Table("Devices, each by itself", columns, rows)


def _below(found: Comparison) -> Iterator[str]:
    for refusal in found.refusals:
        yield f"not compared  {refusal.label} ({', '.join(refusal.fields)}): {refusal.reason}"
    for number, sentence in enumerate(found.footnotes, start=1):
        yield f"[{number}] {sentence}"


def _marks(notes: Sequence[int]) -> str:
    return "".join(f"[{number}]" for number in notes)


def _aligned(table: Table) -> str:
    """As `grid`, which takes seconds for the thousands of rows that a folder may give."""
    cleaned = [table.columns, *(tuple(map(clean, row)) for row in table.rows)]
    widths = [max(map(cell_len, column)) for column in zip(*cleaned, strict=True)]
    pads = [name not in LEFT for name in table.columns]
    lines = [_line(row, widths, pads) for row in cleaned]
    return "\n".join([lines[0], " " + "─" * (sum(widths) + 3 * len(widths) - 3), *lines[1:]]) + "\n"


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    fields = [
        " " * (width - cell_len(field)) + field if to_right else
        field + " " * (width - cell_len(field))
        for field, width, to_right in zip(row, widths, right, strict=True)
    ]  # fmt: skip
    return f" {'   '.join(fields)}".rstrip()


def _csv_difference(each: Difference) -> tuple[object, ...]:
    head, found = each.head, each.ratio
    return (
        each.device, each.head_cell, each.label, each.metric, head.estimate, head.low, head.high,
        head.launches, each.base.estimate, found.estimate, found.low, found.high, found.p_adjusted,
        each.interleaved, each.finding, *[None] * 5, _marks(each.notes),
    )  # fmt: skip


def _csv_device(each: DeviceRow) -> tuple[object, ...]:
    rate = each.rate
    return (
        each.device, each.cell, each.label, each.metric, rate.estimate, rate.low, rate.high,
        rate.launches, *[None] * 7, each.per_core, each.per_gb_s, each.per_watt, each.watts_by,
        each.per_usd, None,
    )  # fmt: skip
