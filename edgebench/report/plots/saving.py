"""A plot as the bytes of a file: a picture, or the numbers that are in it."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from edgebench.errors import BadInput
from edgebench.report.escape import spreadsheet
from edgebench.report.plots import style

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgebench.report.plots.plot import Plot


def content(plot: Plot, suffix: str) -> str | bytes:
    """Raises BadInput where there is nothing to draw."""
    if plot.draw is None:
        why_not = plot.why_not or ""
        plain = why_not.startswith("Nothing to draw")
        raise BadInput(why_not if plain else f"There is nothing to draw. {why_not}")
    return WRITERS[suffix](plot)


def to_csv(plot: Plot) -> str:
    """A line per mark, numbers at full precision, nothing that a spreadsheet runs."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(plot.columns)
    writer.writerows([spreadsheet(value) for value in row] for row in plot.numbers)
    return stream.getvalue()


WRITERS: Mapping[str, Callable[[Plot], str | bytes]] = {
    ".svg": style.svg,
    ".png": style.png,
    ".csv": to_csv,
}
