"""An imported record as a table: the same columns as a measured one, as far as the source goes."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from edgebench.analysis import comparable, imported
from edgebench.printable import clean
from edgebench.report.escape import markdown as escape
from edgebench.report.grid import grid
from edgebench.report.table import significant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.imported import Imported, ImportedCell, ImportedLaunch, Phase

COLUMNS = ("model", "backend", "device", "threads", "test", "phase", "tok/s", "within a launch",
           "repetitions", "launches", "verified")  # fmt: skip
RIGHT = {"threads", "tok/s", "within a launch", "repetitions", "launches"}
PHASES: tuple[Phase, ...] = ("prefill", "decode", "combined")
UNKNOWN = "-"


def render(record: Imported, *, width: int = 160) -> str:
    """Header, table and what has to be said below it."""
    below = "".join(f"note  {clean(line)}\n" for line in footnotes(record))
    return (
        f"{clean(header(record))}\n{grid(COLUMNS, rows(record), right=RIGHT, width=width)}{below}"
    )


def to_markdown(record: Imported) -> str:
    from edgebench.report import markdown

    table = markdown.grid(COLUMNS, rows(record), right=RIGHT)
    below = "".join(f"- {escape(line)}\n" for line in footnotes(record))
    return f"**imported:** {escape(header(record))}\n\n{table}\n{below}"


def header(record: Imported) -> str:
    device = record.device
    said = ", ".join(part for part in (device.cpu, device.accelerator) if part)
    named = {"user": ", named by --device", "nobody": ", not named by the source"}
    return (
        f"{record.tool} ({record.format}) on {device.id}{named.get(device.named_by, '')}"
        f"{': ' + said if said else ''}; imported {record.imported_utc}"
    )


def footnotes(record: Imported) -> Iterator[str]:
    yield comparable.imported_remark(record.tool)
    yield from record.notes


def rows(record: Imported) -> list[tuple[str, ...]]:
    """One row per cell and phase; rates are medians, the spread that of the first launch."""
    return [
        _row(cell, phase, launches)
        for cell in record.cells
        for phase in PHASES
        if (launches := [ln for ln in cell.launches if imported.rate(ln, phase) is not None])
    ]


def _row(cell: ImportedCell, phase: Phase, launches: list[ImportedLaunch]) -> tuple[str, ...]:
    rates = [rate for ln in launches if (rate := imported.rate(ln, phase)) is not None]
    typical, spread = statistics.median(rates), imported.spread(launches[0], phase)
    repeated = [t.repetitions for ln in launches for t in ln.timings if t.phase == phase]
    return (
        imported.weights_label(cell),
        cell.backend,
        cell.device or UNKNOWN,
        str(cell.threads or UNKNOWN),
        cell.workload.name,
        phase,
        significant(typical),
        UNKNOWN if spread is None else f"± {significant(spread)}",
        UNKNOWN if None in repeated else ", ".join(map(str, dict.fromkeys(repeated))),
        str(len(launches)),
        "not possible",
    )
