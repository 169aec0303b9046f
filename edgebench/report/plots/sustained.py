"""Speed over minutes of uninterrupted work: what is left once the machine is hot."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from edgebench.report.plots import style
from edgebench.report.plots.plot import CELL, Plot, cell, drawable, grouped, key, largest, nothing
from edgebench.report.plots.scatter import looks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from edgebench.analysis.report_rows import CellRow
    from edgebench.analysis.report_sustained import Window
    from edgebench.report.plots.scatter import Looks

NAME, TITLE = "sustained", "Speed over minutes"
SERIES = 8
COLUMNS = (*CELL, "phase", "at s", "tok/s", "temperature C")


def plot(cells: Sequence[CellRow]) -> Plot:
    """A line per long run, and a panel of temperatures where sensors told any."""
    long = [row for row in cells if len(_windows(row)) > 1]
    if not long:
        return nothing(NAME, TITLE, "No record holds a long run: edgebench run --sustain 10m "
                       "measures one.")  # fmt: skip
    kept, notes = largest(grouped(long, _series), SERIES, "long runs")
    rows = [row for mine in kept.values() for row in mine]
    return Plot(
        NAME,
        TITLE,
        "One launch that looped without a pause, averaged over up to 120 equal windows; decode "
        "where the workload decodes, else prefill. Temperature is that of the hottest sensor.",
        COLUMNS,
        tuple(number for row in rows for number in _numbers(row)),
        notes,
        None,
        partial(_draw, rows),
    )


def _series(row: CellRow) -> tuple[str, ...]:
    return key(row, "device", "model", "backend", "isa", "threads", "workload", "settings")


def _windows(row: CellRow) -> list[Window]:
    return [each for each in row.sustained if drawable(each.tok_s)]


def _numbers(row: CellRow) -> Iterator[tuple[str | float | None, ...]]:
    for window in _windows(row):
        yield (*cell(row), *window)


def _draw(rows: Sequence[CellRow]) -> Figure:
    known = looks(map(_series, rows))
    hot = any(each.temperature_c is not None for row in rows for each in _windows(row))
    panels = 1 + hot
    figure = style.figure(1.0 + 2.2 * panels + 0.2 * len(known.names))
    every = figure.subplots(panels, 1, squeeze=False, sharex=True)[:, 0]
    handles = _lines(every[0], rows, known, "tok_s")
    every[0].set_ylabel("tok/s")
    if hot:
        _lines(every[1], rows, known, "temperature_c")
        every[1].set_ylabel("°C")
    every[0].set_ylim(bottom=0)
    every[-1].set_xlabel("seconds since the start")
    for axes in every:
        style.plain_numbers(axes, "x", "y")
    style.heading(figure, known.shared)
    style.legend(figure, list(handles.values()), [known.names[each] for each in handles])
    return figure


def _lines(
    axes: Axes, rows: Sequence[CellRow], known: Looks, what: str
) -> dict[tuple[str, ...], Any]:
    handles = {}
    for row in rows:
        points = [(each.at_s, getattr(each, what)) for each in _windows(row)]
        seen = [(at_s, value) for at_s, value in points if value is not None]
        (handles[_series(row)],) = axes.plot(
            [at_s for at_s, _ in seen],
            [value for _, value in seen],
            color=known.colour(_series(row)),
        )
    return handles
