"""Go's benchmark format, for benchstat: a line per launch, since a launch is one sample.

The format: https://go.googlesource.com/proposal/+/master/design/14313-benchmark-format.md
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edgebench.analysis import labels
from edgebench.schema.cell import Cell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.analysis.interchange.exported import Export, Exported, Phase

UNITS = "Unit tok/s better=higher\nUnit s/token better=lower\n"


def text(export: Export) -> str:
    """Configuration lines hold what is the same for the benchmarks below them."""
    return UNITS + "".join(line for each in export.cells for line in _lines(each))


def _lines(each: Exported) -> Iterator[str]:
    yield f"\ndevice: {_word(each.sample.machine.id)}\n"
    yield f"cpu: {_line(each.cpu or 'not said')}\n"
    if each.sample.imported_from:
        yield f"imported-from: {_line(each.sample.imported_from)}, not verified\n"
    for phase in each.phases:
        for seconds in phase.launches_s_per_token:
            yield f"{_name(each, phase)} 1 {1 / seconds:.6g} tok/s {seconds:.6g} s/token\n"


def _name(each: Exported, phase: Phase) -> str:
    """Sessions of a cell share a name, and so their launches are one sample; other settings do not.

    No part ends in a dash and digits at the very end: Go reads that as a number of CPUs.
    """
    cell = each.sample.cell
    parts = {
        "model": each.sample.weights.label,
        "backend": cell.backend,
        "isa": cell.isa or "unsaid",
        "device": cell.device or "unsaid",
        "workload": cell.workload.name,
        "settings": labels.chosen(cell) if isinstance(cell, Cell) else "",
        "options": each.apart,
        "threads": str(cell.threads or "unsaid"),
    }
    named = "/".join(f"{key}={_word(value)}" for key, value in parts.items() if value)
    return f"Benchmark{phase.name.capitalize()}/{named}"


def _word(value: str) -> str:
    """One word: a stranger's text may hold neither spaces nor separators."""
    return re.sub(r"[^\w.:+@()-]+", "_", value)[:200] or "_"


def _line(value: str) -> str:
    return re.sub(r"[^\S ]|[^\x20-\x7e\u00a0-\uffff]", " ", value)[:200]
