"""What `calibrate` found, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.printable import clean
from edgebench.report import comparison_figures as write
from edgebench.report.grid import grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.schema.calibration import Calibration

COLUMNS = ("cell", "metric", "pairs", "interval", "smallest slowdown shown", "false alarm")
RIGHT = {"pairs", "interval", "smallest slowdown shown"}


def render(found: Sequence[Calibration]) -> str:
    """A row per cell and metric, then how to read it."""
    rows = [
        (
            each.label,
            write.NAMES[metric],
            str(each.pairs),
            write.slowdown(1 + known.half_width).replace("+", "±"),
            write.slowdown(1 + known.smallest).removeprefix("+"),
            "yes" if known.false_alarm else "no",
        )
        for each in found
        for metric, known in each.metrics.items()
    ]
    contended = max((each.contention for each in found), default=0.0)
    reading = (
        f"The smallest slowdown is found in {found[0].power:.0%} of such runs. "
        f"Threads waited for a CPU {contended:.0%} of their time."
        if found
        else "Nothing was found that could be kept."
    )
    return f"{grid(COLUMNS, rows, right=RIGHT)}{clean(reading)}\n"
